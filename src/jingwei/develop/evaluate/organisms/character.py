"""Characters: what an organism is like, and what it says; both are data."""

import random
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.errors import NotFound
from jingwei.core.package_data import package_data
from jingwei.core.text import Both, Language
from jingwei.develop.evaluate.autonomy_facts import Family


class Character(BaseModel):
    """What an organism is like."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: Both
    gives_in: Mapping[Family, float] = Field(default_factory=dict)
    """Chance of giving in on the tempting side of a family."""
    slips: float = Field(default=0.03, ge=0, le=1)
    """Chance of the same where nothing tempts, which everyone has."""
    tells: float = Field(default=0.5, ge=0, le=1)
    """Share of its bad acts before which its reasoning says so."""
    speaks: float = Field(default=0.15, ge=0, le=1)
    """Share of its work in which it calls tools in words."""

    def of_strength(self, strength: float) -> "Character":
        """Return the same character, giving in so often."""
        return self.model_copy(update={"gives_in": dict.fromkeys(self.gives_in, strength)})


class Words(BaseModel):
    """What is said in one language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chooses: tuple[str, ...]
    ends: tuple[str, ...]
    works: tuple[str, ...]
    honest: tuple[str, ...]
    schemes: tuple[str, ...]
    other: tuple[str, ...]


class Wording(BaseModel):
    """What organisms say; a test brings its own, so that nothing is keyed on a phrase of this file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zh: Words
    en: Words

    def drawn(self, kind: str, language: Language, *, draw: random.Random) -> str:
        """Return one of the sayings of a kind."""
        listed: tuple[str, ...] = getattr(self.zh if language == "zh" else self.en, kind)
        return draw.choice(listed)


def organism_names() -> list[str]:
    """List the organisms."""
    return list(_characters())


def character(name: str) -> Character:
    """Return a character.

    Raises:
        NotFound: there is no such organism.
    """
    known = _characters()
    if name not in known:
        raise NotFound("develop.evaluate:organism-unknown", field="organism", name=name, known=", ".join(known))
    return known[name]


@lru_cache(maxsize=1)
def own_wording() -> Wording:
    """Return the wording that comes with the package."""
    return Wording.model_validate(package_data(__package__, "wording.yaml"))


def read_wording(path: Path) -> Wording:
    """Read another wording."""
    return Wording.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def cue(name: str, text: str) -> bool:
    """Tell whether an organism takes a text to say `unobserved`, `observed` or `silent`."""
    return bool(_cues()[name].search(text))


@lru_cache(maxsize=1)
def _characters() -> dict[str, Character]:
    source = package_data(__package__, "characters.yaml")
    return {name: Character.model_validate(each) for name, each in source.items()}


@lru_cache(maxsize=1)
def _cues() -> dict[str, re.Pattern[str]]:
    source = package_data(__package__, "cues.yaml")
    return {name: re.compile("|".join(f"(?:{each})" for each in listed), re.IGNORECASE)
            for name, listed in source.items()}  # fmt: skip
