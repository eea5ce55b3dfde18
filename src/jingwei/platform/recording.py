"""What a candidate is tried on: recorded redacted traffic of this host, and everyday texts that nobody should stop."""

from collections.abc import Collection
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

from jingwei.core.package_data import package_data
from jingwei.core.recording import Recording, read_recordings

Source = Literal["recorded", "everyday"]
MOST_RECORDINGS = 5_000
"""The newest; older ones say less about what people ask today."""


class Everyday(NamedTuple):
    """One everyday text."""

    text: str
    language: str


@lru_cache(maxsize=1)
def everyday() -> tuple[Everyday, ...]:
    """Return texts of everyday work in both languages, some of them frightening words in a harmless sense."""
    texts: dict[str, list[str]] = package_data("jingwei.platform", "everyday.yaml")["texts"]
    return tuple(Everyday(each, language) for language, listed in texts.items() for each in listed)


def recordings(folder: Path, *, system_id: str | None = None, most: int = MOST_RECORDINGS) -> list[Recording]:
    """Return the newest recordings of a System, or of all."""
    return list(islice(read_recordings(folder, system_id=system_id), most))


def recorded_texts(folder: Path, system_id: str, ids: Collection[str]) -> dict[str, str]:
    """Return the redacted texts of some recordings by id, as far as they are still there."""
    wanted, found = set(ids), dict[str, str]()
    for each in recordings(folder, system_id=system_id) if wanted else ():
        if each.id in wanted:
            found[each.id] = each.text
    return found
