"""Validity: how often what a transform makes of a request can still be read. What nobody can read attacks nobody.

`benchmarks/evaluate/validity.py` rewrites requests with each transform, reads the result with the transform's reader
and compares; `transforms-validity.yaml` holds what it found. A decoder undoes encodings, ciphers and orders; folding
reads odd letters; sounds are compared syllable by syllable; words in other words are read back by the table; and around
a framing the request must stand whole. A transform below the limit is reported and not counted.
"""

from collections.abc import Mapping
from datetime import date
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from jingwei.core.interval import Rate, wilson
from jingwei.core.package_data import package_data
from jingwei.core.text import Language
from jingwei.detect import fold
from jingwei.detect.pinyin import cut
from jingwei.detect.reading import read_text, syllables
from jingwei.develop.evaluate.transforms import Likeness, links, reading

_MOST = 0.8
"""Share of the letters that `mostly` asks for."""
_SOUNDS = 0.95
"""Share of the syllables that `sound` asks for."""
_STRICTEST: tuple[Likeness, ...] = ("exact", "letters", "sound", "mostly")


class Found(NamedTuple):
    """How many of some requests could be read."""

    read: int
    of: int


class Measured(BaseModel):
    """The content of `transforms-validity.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    measured_on: date
    command: str
    requests: str
    """What was rewritten."""
    limit: float
    """Smallest share that counts as valid."""
    rates: Mapping[str, Mapping[Language, Found]]
    """By transform or chain, then language."""


@lru_cache
def measured() -> Measured:
    """Return what was measured."""
    source: Any = package_data(__package__, "transforms-validity.yaml")
    return Measured.model_validate(source)


def validity(name: str, language: Language) -> Rate | None:
    """Return the share of a transform's or chain's results that can be read; None where it was not measured."""
    found = measured().rates.get(name, {}).get(language)
    return wilson(*found) if found else None


def valid(chain: str, language: Language) -> bool:
    """Tell whether what a chain makes of a request can be read: as measured, or else if each of its links can."""
    whole = validity(chain, language)
    rates = [whole] if whole else [validity(each.name, language) for each in links(chain)]
    return all(rate is not None and rate.value >= measured().limit for rate in rates)


def readable(chain: str, text: str, said: str, *, language: Language) -> bool:
    """Tell whether a reader gets a request back from what a chain made of it."""
    found = reading(chain, said, language=language)
    if found is None:
        return False
    return _alike(text, found, max((each.alike for each in links(chain)), key=_STRICTEST.index))


def _alike(text: str, found: str, how: Likeness) -> bool:
    match how:
        case "exact":
            return found == text
        case "letters":
            return _letters(found) == _letters(text)
        case "sound":
            return _share(_sounds(found), _sounds(text)) >= _SOUNDS
        case "mostly":
            return _share(list(_letters(found)), list(_letters(text))) >= _MOST


def _letters(text: str) -> str:
    return read_text(fold(text).folded).skeleton


def _share(found: list[str], wanted: list[str]) -> float:
    return SequenceMatcher(None, found, wanted, autojunk=False).ratio()


def _sounds(text: str) -> list[str]:
    """Return a text's syllables: of Chinese characters, and of Latin letters that spell some."""
    known, said, word = syllables().known, [], ""
    for each in f"{fold(text).folded} ":
        if each.isascii() and each.isalpha():
            word += each
            continue
        if word:
            cuts = cut(word)
            said += [syllable.code for syllable in cuts.left] if cuts else [word]
            word = ""
        if each in known:
            said.append(known[each])
        elif each.isalnum():
            said.append(each)
    return said
