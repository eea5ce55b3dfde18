"""What a transform is: a change of the request, a wording around it, and a reader that undoes both."""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from jingwei.core.package_data import package_data
from jingwei.core.text import LANGUAGES, Both, Language
from jingwei.develop.evaluate.suite import OneOrBoth

Kind = Literal["plain", "encoding", "cipher", "letters", "order", "chinese", "framing"]
Likeness = Literal["exact", "letters", "sound", "mostly"]
"""What a reader must get back: every character; letters and digits alone; each syllable; most of it."""
Change = Callable[[str, Language, random.Random], str]
Undo = Callable[[str, Language], str]
_SLOT = re.compile(r"\{(text|first|second|third)\}")
CUT = "\x1e"
"""Parts the pieces of a request that is cut."""
_FILES = ("encodings.yaml", "chinese.yaml", "framings.yaml")


class Wording(BaseModel):
    """A transform's name for people and what it says around the request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Both
    wrap: tuple[OneOrBoth, ...] = ()
    """Drawn from; none sends the rewritten request alone."""
    source: str = ""
    """Where the idea was published."""


@lru_cache
def wordings() -> Mapping[str, Wording]:
    """Return the wordings by the name of the transform."""
    found: dict[str, Wording] = {}
    for name in _FILES:
        source: Any = package_data(__package__, name)
        found.update({key: Wording.model_validate(value) for key, value in source.items()})
    return found


@dataclass(frozen=True)
class Transform:
    """One way to rewrite a request."""

    name: str
    kind: Kind
    change: Change = lambda text, _language, _chance: text
    """Changes the request itself; a framing changes nothing."""
    languages: tuple[Language, ...] = LANGUAGES
    undo: Undo = lambda text, _language: text
    """What a reader makes of the changed request."""
    alike: Likeness = "exact"

    @property
    def title(self) -> Both:
        """Return its name for people."""
        return self._wording.title

    def apply(self, text: str, language: Language, chance: random.Random) -> str | None:
        """Rewrite; None where it does not fit the language or changes nothing."""
        if language not in self.languages:
            return None
        if self.kind == "plain":
            return text
        changed = self.change(text, language, chance)
        if changed == text and self.kind != "framing":
            return None
        wraps = self._wraps(language)
        return _filled(chance.choice(wraps), changed) if wraps else changed

    def read(self, said: str, language: Language) -> str | None:
        """Read the request out of what was said; None where the wording is not there."""
        if self.kind == "plain":
            return said
        wraps = self._wraps(language)
        for wrap in wraps:
            found = re.fullmatch(_SLOT.sub("(.*)", _escaped(wrap)), said, re.DOTALL)
            if found:
                return self.undo("".join(found.groups()), language)
        return None if wraps else self.undo(said, language)

    @cached_property
    def _wording(self) -> Wording:
        return wordings()[self.name]

    def _wraps(self, language: Language) -> list[str]:
        return [said for each in self._wording.wrap if (said := each.of(language))]


def _filled(wrap: str, text: str) -> str:
    """Put a text into its slot, or its pieces into theirs; the pieces are parted by a sign that no text has."""
    pieces = iter(text.split(CUT) if "{first}" in wrap else [text])
    return _SLOT.sub(lambda _: next(pieces, ""), wrap)


def _escaped(wrap: str) -> str:
    parts = _SLOT.split(wrap)
    return "".join(re.escape(part) if at % 2 == 0 else f"{{{part}}}" for at, part in enumerate(parts))
