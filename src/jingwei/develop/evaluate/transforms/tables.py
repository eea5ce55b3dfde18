"""The tables of the transforms, as data."""

from functools import lru_cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict

from jingwei.core.package_data import package_data
from jingwei.core.text import Language


class Tables(BaseModel):
    """The content of `tables.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=lambda name: name.replace("_", "-"))

    leetspeak: dict[str, str]
    homoglyph: dict[str, str]
    chaizi: dict[str, str]
    pinyin: dict[str, str]
    traditional: str
    """Pairs of a simplified and a traditional character, separated by blanks."""
    fillers: dict[Language, str]
    """What stands between the letters to be read."""
    keyboard: tuple[str, ...]
    superscript: str
    small_caps: str
    upside_down: str
    braille: str
    morse: str
    nato: str
    zhuyin_initials: dict[str, str]
    zhuyin_finals: dict[str, str]
    zhuyin_whole: dict[str, str]
    tone_marks: str
    martian: dict[str, str]
    look_alike: dict[str, str]
    classical: dict[str, str]
    dialect: dict[str, str]
    code_mixing: dict[str, str]
    emoji: dict[str, str]
    verse: tuple[str, ...]


@lru_cache
def tables() -> Tables:
    """Return the tables."""
    source: Any = package_data(__package__, "tables.yaml")
    return Tables.model_validate(source)


@lru_cache
def tones() -> dict[str, str]:
    """Return the toned syllable of each common character."""
    source = files(__package__).joinpath("tones.txt").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in source.splitlines())
    return {character: syllable for syllable, characters in rows for character in characters}
