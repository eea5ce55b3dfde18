"""Intent: what a person tries to obtain, named before anything is decided.

A wrapper (a role, a story, "in theory", "for research", a translation, a line of code) changes how a request looks and
not what it brings. So the inner request is read by itself too, and the likelier harm counts. Source: Blue Book 四(三)
安全护栏 (intent inference).
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import yaml
from pydantic import TypeAdapter

from jingwei.detect import meaning
from jingwei.detect.normalize import Folded, fold

HARMFUL = ("a1-a", "a1-d", "a1-e", "a1-f-violence", "a1-f-obscenity", "a1-g", "a1-h-weapons", "a1-h-drugs",
           "a1-h-gambling", "a1-h-crime", "a1-h-cyber", "a1-h-fraud", "a2-a", "a2-b", "a2-c-d", "a2-e", "a2-f-i",
           "a3-a", "a3-b-e", "a4-a-self", "a4-a-health", "a4-c", "a4-e-f", "a5")  # fmt: skip
"""Aims of harm, named by the class of GB/T 45654 appendix A that they fall under, the broad ones divided further."""
HARMLESS = ("learn", "protect", "fiction", "ordinary")
"""To know or to compare; to prevent, report, mend or get help; to invent; everything else."""
MOST_INNER = 2
"""Wrapped requests of one text that are read by themselves."""
_LIKELY = 0.5
_LONGEST = 6_000
"""Characters in which wrappers are looked for: a longer text is a document, not a request."""


class Intent(NamedTuple):
    """What a text seeks."""

    name: str
    """One of `HARMFUL` or `HARMLESS`."""
    score: float
    """Its share among all of them, 0 to 1."""
    probability: float
    """Calibrated, 0 to 1: that the text asks for harm at all, or holds it."""
    wrapped: bool = False
    """It was found inside a wrapper: a role, a story, a pretext."""


def judge(folded: Folded) -> Intent:
    """Name the intent of a text and of what it wraps, and return the more harmful; milliseconds, so for a thread."""
    kept = folded.shared.get("intent")
    if not isinstance(kept, Intent):
        kept = folded.shared["intent"] = max(_all(folded), key=lambda intent: intent.probability)
    return kept


def inner(folded: str) -> tuple[str, ...]:
    """Return the requests that a folded text wraps, the longest first; most texts wrap none."""
    found = {match["inner"].strip() for wrapper in _wrappers() for match in wrapper.finditer(folded[:_LONGEST])}
    return tuple(sorted((each for each in found if each and each != folded), key=lambda each: (-len(each), each)))


def _all(folded: Folded) -> Iterator[Intent]:
    yield _named(meaning.read(folded), wrapped=False)
    if folded.role == "user":
        for each in inner(folded.folded)[:MOST_INNER]:
            yield _named(meaning.read(fold(each)), wrapped=True)


def _named(reading: meaning.Reading, *, wrapped: bool) -> Intent:
    asked = reading.probability >= _LIKELY
    fitting = [pair for pair in reading.intents if (pair[0] in HARMFUL) == asked]
    name, score = (fitting or reading.intents or (("ordinary", 1.0),))[0]
    return Intent(name, score, reading.probability, wrapped)


@lru_cache(maxsize=1)
def _wrappers() -> tuple[re.Pattern[str], ...]:
    source = files("jingwei.detect").joinpath("intent.yaml").read_text(encoding="utf-8")
    read = TypeAdapter(dict[str, list[str]]).validate_python(yaml.safe_load(source))
    return tuple(re.compile(pattern) for pattern in read["wrappers"])
