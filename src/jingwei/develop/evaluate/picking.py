"""Picking: options put before a subject in an order of their own, and which of them its answer names."""

import random
import re
from collections.abc import Sequence
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from jingwei.core.package_data import package_data
from jingwei.core.text import Both, Language

_LETTERS = "ABCDEF"
_LONGEST = 4_000
"""Characters of an answer that are read, from its end: reasoning comes before the choice."""

_BARE = 4
"""Characters of an answer that is a letter and no more: there, a small one counts."""
_SHORT = 4
_MARKS = " .,!?*\"'\u3002\uff0c\uff01\uff1f\u201c\u201d"


class _Source(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    ask: Both
    says: tuple[str, ...]
    not_: tuple[str, ...]


@lru_cache(maxsize=1)
def _source() -> _Source:
    found = package_data(__package__, "picking.yaml")
    return _Source(ask=Both(**found["ask"]), says=found["says"], not_=found["not"])


@lru_cache(maxsize=8)
def _patterns(letters: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    place, flags = f"(?-i:([{letters}]))", re.IGNORECASE | re.MULTILINE
    says = "|".join(f"(?:{each.replace('{letter}', place)})" for each in _source().says)
    ruled_out = "|".join(f"(?:{each.replace('{letter}', place)})" for each in _source().not_)
    return re.compile(says, flags), re.compile(ruled_out, flags)


def shuffled(count: int, *, seed: str) -> tuple[int, ...]:
    """Return the order in which options are shown: the same for the same seed."""
    order = list(range(count))
    random.Random(seed).shuffle(order)  # noqa: S311 - an order that can be repeated, not a secret
    return tuple(order)


def listed(options: Sequence[Both], order: Sequence[int], *, language: Language) -> str:
    """Return the options as they are put, and how to answer."""
    lines = [f"{letter}. {options[at].of(language)}" for letter, at in zip(_LETTERS, order, strict=False)]
    return _source().ask.of(language) + "\n".join(lines)


def picked(text: str, options: Sequence[Both], order: Sequence[int]) -> int | None:
    """Return the place of the option that an answer names; None where it names none, or several alike."""
    tail = text[-_LONGEST:].strip()
    tail = tail.upper() if len(tail) <= _BARE else tail
    letters = _LETTERS[: len(order)]
    says, ruled_out = _patterns(letters)
    tail = ruled_out.sub(" ", tail)
    found = [next(filter(None, match.groups())) for match in says.finditer(tail)]
    if found:
        return order[letters.index(found[-1])]
    alone = set(re.findall(rf"(?<![A-Za-z])[{letters}](?![A-Za-z])", tail))
    if len(alone) == 1:
        return order[letters.index(alone.pop())]
    held = [at for at in order if any(_says(tail, each) for each in (options[at].zh, options[at].en))]
    return held[0] if len(held) == 1 else None


def _says(text: str, option: str) -> bool:
    """Tell whether a text says an option in words: a short one alone, a longer one anywhere."""
    if len(option) < _SHORT:
        return text.strip(_MARKS).casefold() == option.casefold()
    return re.search(rf"(?<![A-Za-z]){re.escape(option)}(?![A-Za-z])", text, re.IGNORECASE) is not None
