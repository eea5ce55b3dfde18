"""Grounding: is each claim of an answer supported by the passages it was given?

An answer is cut into sentences; each is held against the passages in three ways that need no language model: the
numbers it names must stand there, its words must mostly stand there, and one passage must mean nearly the same. A
number that is missing where the passage speaks of the same thing with another number, and a denial of what the passage
says, count as contradicted; the rest that is not found as absent. Sentences that claim nothing (greetings, offers of
help, questions) are left out.

Cheap and literal on purpose: it finds invented figures, names and statements far from the sources; a false claim made
of the sources' own words it does not.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

import yaml

from jingwei.core.finding import Severity
from jingwei.core.policy import Category
from jingwei.detect import embedding
from jingwei.detect.hit import Hit
from jingwei.detect.normalize import Folded, fold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

ABSENT_RULE = "grounding.absent"
CONTRADICTED_RULE = "grounding.contradicted"
SUPPORTED_COVERAGE = 0.62
"""Share of a claim's words that stand in the passages from which on it counts as taken from them."""
SUPPORTED_NEARNESS = 0.72
"""Or: how near in meaning the nearest passage sentence must be, where half of that coverage is there too."""
SAME_SUBJECT = 0.5
"""From this nearness on two sentences speak of the same thing, and may contradict one another."""
SAME_WORDS = 0.7
"""A denial counts only against a sentence that has this share of the claim's words: two longer sentences deny this and
that without speaking of the same."""
MOST_CLAIMS = 64
MOST_SOURCES = 256
_HAN = r"\u3400-\u9fff"
_WORD = re.compile(rf"[{_HAN}]+|[a-z][a-z'-]+")
_NUMBER = re.compile(r"(?<![a-z0-9.])\d+(?:[.,:]\d+)*%?")
_SENTENCE = re.compile(r"[^\u3002\uff01\uff1f!?;\uff1b\n]*?(?:[\u3002\uff01\uff1f!?;\uff1b\n]|\.(?=\s|$)|$)")


class Support(StrEnum):
    """What the passages say about a claim."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    ABSENT = "absent"


class Claim(NamedTuple):
    """One sentence of an answer."""

    start: int
    end: int
    support: Support
    score: float
    """How sure that it is not supported, 0 to 1."""


@dataclass(frozen=True, slots=True)
class _Words:
    empty: frozenset[str]
    denials: re.Pattern[str]
    phrases: re.Pattern[str]


@lru_cache(maxsize=1)
def _words() -> _Words:
    data = yaml.safe_load(files("jingwei.detect").joinpath("grounding.yaml").read_text(encoding="utf-8"))
    return _Words(
        frozenset(data["empty"]), re.compile("|".join(data["denials"])), re.compile("|".join(data["phrases"]))
    )


def claims(answer: str | Folded, passages: Sequence[str]) -> tuple[Claim, ...]:
    """Hold each sentence of an answer against the passages.

    Args:
        answer: the answer; offsets of the claims count its characters.
        passages: what it was to be taken from; of very many only the first are read.
    """
    folded = fold(answer)
    spans = [span for span in _sentences(folded.folded) if _claims_something(folded.folded[slice(*span)])]
    sources = [source for passage in passages for source in _source_sentences(passage)][:MOST_SOURCES]
    if not spans:
        return ()
    texts = [folded.folded[slice(*span)] for span in spans[:MOST_CLAIMS]]
    nearness = _nearness(texts, sources)
    found = []
    for number, (text, span) in enumerate(zip(texts, spans, strict=False)):
        support, score = _judged(text, sources, nearness[number] if sources else [])
        found.append(Claim(*folded.span(*span), support, score))
    return tuple(found)


def scan(answer: str | Folded, passages: Sequence[str]) -> tuple[Hit, ...]:
    """Return one hit for each claim that the passages do not support; none without passages."""
    if not passages:
        return ()
    rules = {Support.ABSENT: (ABSENT_RULE, Severity.MEDIUM), Support.CONTRADICTED: (CONTRADICTED_RULE, Severity.HIGH)}
    return tuple(
        Hit(claim.start, claim.end, Category.GROUNDING, rules[claim.support][0], claim.score, rules[claim.support][1])
        for claim in claims(answer, passages)
        if claim.support in rules
    )


def _judged(claim: str, sources: Sequence[str], nearness: Sequence[float]) -> tuple[Support, float]:
    if not sources:
        return Support.ABSENT, 1.0
    everything = "\n".join(sources)
    coverage = _coverage(claim, everything)
    best = max(range(len(sources)), key=lambda place: nearness[place] + _coverage(claim, sources[place]))
    near = float(nearness[best])
    missing = _numbers(claim) - _numbers(everything)
    if near >= SAME_SUBJECT and coverage >= SUPPORTED_COVERAGE / 2:
        if missing and _numbers(sources[best]):
            return Support.CONTRADICTED, 0.9
        if _coverage(claim, sources[best]) >= SAME_WORDS and _denies(claim) != _denies(sources[best]):
            return Support.CONTRADICTED, 0.75
    if missing:
        return Support.ABSENT, 0.8
    near_enough = near >= SUPPORTED_NEARNESS and coverage >= SUPPORTED_COVERAGE / 2
    if coverage >= SUPPORTED_COVERAGE or near_enough:
        return Support.SUPPORTED, round(max(0.0, 0.5 - coverage / 2), 4)
    return Support.ABSENT, round(min(1.0, 0.5 + (SUPPORTED_COVERAGE - coverage) * (1.2 - near)), 4)


def _nearness(texts: list[str], sources: list[str]) -> "Vectors":
    if not sources:
        return embedding.embed(texts)[:, :0]
    rows = embedding.embed([*texts, *sources])
    product: Vectors = rows[: len(texts)] @ rows[len(texts) :].T
    return product


def _pieces(text: str) -> set[str]:
    """Give a text's words: pairs of neighbouring Chinese characters, and the beginnings of other words."""
    found: set[str] = set()
    for match in _WORD.finditer(text):
        word = match[0]
        if 0x3400 <= ord(word[0]) <= 0x9FFF:
            found.update(word[place : place + 2] for place in range(max(1, len(word) - 1)))
        elif word not in _words().empty:
            found.add(word[:6])
    return found


def _coverage(claim: str, source: str) -> float:
    wanted = _pieces(claim)
    return len(wanted & _pieces(source)) / len(wanted) if wanted else 1.0


def _numbers(text: str) -> set[str]:
    return {match[0].replace(",", "") for match in _NUMBER.finditer(text)}


def _denies(text: str) -> bool:
    return len(_words().denials.findall(text)) % 2 == 1


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    for match in _SENTENCE.finditer(text):
        if match[0].strip():
            yield match.span()


def _source_sentences(passage: str) -> Iterator[str]:
    folded = fold(passage).folded
    for start, end in _sentences(folded):
        yield folded[start:end].strip()


def _claims_something(sentence: str) -> bool:
    """Tell whether a sentence says something that could be false: no question, no greeting, no offer of help."""
    stripped = sentence.strip()
    if stripped.endswith(("?", "\uff1f")) or _words().phrases.search(stripped):
        return False
    return len(_pieces(stripped)) >= 2 or bool(_NUMBER.search(stripped))
