"""Whether words name a weakness: its number, its name, or what is said of it; "there is no …" names nothing."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jingwei.core.package_data import package_data
from jingwei.develop.evaluate.signals import plain, sentences

_LONGEST = 20_000


@lru_cache(maxsize=1)
def _data() -> Mapping[str, Any]:
    found: Mapping[str, Any] = package_data(__package__, "naming.yaml")
    return found


@lru_cache(maxsize=128)
def _terms(cwe: str) -> re.Pattern[str]:
    number = rf"cwe[-\s]?{cwe.removeprefix('CWE-')}(?!\d)"
    return re.compile("|".join([number, *_data()["terms"].get(cwe, ())]))


@lru_cache(maxsize=1)
def _denied() -> re.Pattern[str]:
    return re.compile("|".join(_data()["denied"]))


def names_weakness(said: str, cwe: str) -> bool:
    """Tell whether some sentence of an answer names a weakness and does not deny it."""
    for sentence in sentences(said[:_LONGEST]):
        folded = plain(sentence)
        for found in _terms(cwe).finditer(folded):
            if not _denied().search(folded[max(0, found.start() - 40) : found.start()]):
                return True
    return False
