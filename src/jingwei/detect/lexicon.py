"""The lexicon: words by topic, in their plain form and with punctuation or blanks pushed in between.

Two readings are searched. The folded text finds words as written; a Latin word must stand alone there. The squeezed
text, in which separators between two Chinese characters and inside a run of single letters are gone, finds words
that were pulled apart. A two-character word is not searched in it: two characters meet by chance too often.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.errors import InputError
from jingwei.core.finding import Severity
from jingwei.core.policy import Category
from jingwei.core.text import Both
from jingwei.detect.hit import Hit, widest
from jingwei.detect.matcher import matcher
from jingwei.detect.normalize import Folded, fold

LONGEST_WORD = 64
"""Longer words are refused: a stream would have to hold back that many characters."""

_HAN = r"\u3400-\u9fff\uf900-\ufaff"
_SEPARATORS = re.compile(
    rf"(?<=[{_HAN}])[^\w{_HAN}]{{1,6}}(?=[{_HAN}]|$)"
    r"|(?<=(?<![a-z])[a-z])[^\w]{1,3}(?=[a-z](?![a-z])|$)"
)
_HAN_WORD = re.compile(rf"[{_HAN}]")


class Topic(BaseModel):
    """One file of the built-in lexicon."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^keyword\.[a-z-]+$")
    title: Both
    severity: Severity
    score: float = Field(gt=0, le=1)
    """Low for words that name a topic, high for words that offer or ask for something unlawful."""
    source: str
    """Where the words came from, under which licence."""
    dated: date
    words: dict[str, tuple[str, ...]]
    """By language."""


@lru_cache(maxsize=1)
def topics() -> tuple[Topic, ...]:
    """Read the built-in lexicon."""
    folder = files("jingwei.detect").joinpath("words")
    sources = sorted((each for each in folder.iterdir() if each.name.endswith(".yaml")), key=lambda each: each.name)
    return tuple(Topic.model_validate(yaml.safe_load(each.read_text(encoding="utf-8"))) for each in sources)


class Word(NamedTuple):
    """A folded word and what a hit on it says."""

    folded: str
    rule_id: str
    score: float
    severity: Severity


class Squeezed(NamedTuple):
    """A folded text without separators, and where each of its characters was."""

    text: str
    offsets: Sequence[int]


def squeeze(folded: str) -> Squeezed:
    """Remove separators between Chinese characters and between single letters."""
    pieces: list[str] = []
    offsets: list[int] = []
    done = 0
    for match in _SEPARATORS.finditer(folded):
        pieces.append(folded[done : match.start()])
        offsets.extend(range(done, match.start()))
        done = match.end()
    if not done:
        return Squeezed(folded, range(len(folded)))
    offsets.extend(range(done, len(folded)))
    return Squeezed("".join(pieces) + folded[done:], offsets)


class Lexicon:
    """Built-in words, an organisation's own, and its whitelist, compiled."""

    def __init__(self, words: Iterable[str] = (), *, allowed: Iterable[str] = ()) -> None:
        listed: dict[str, Word] = {}
        for topic in topics():
            for word in (word for language in topic.words.values() for word in language):
                folded = folded_word(word, field="lexicon")
                listed.setdefault(folded, Word(folded, topic.id, topic.score, topic.severity))
        for word in words:
            folded = folded_word(word, field="words")
            listed[folded] = Word(folded, "keyword.own", 1.0, Severity.HIGH)
        self.words = tuple(listed.values())
        self._matcher = matcher([word.folded for word in self.words])
        self._allowed = matcher(sorted({folded_word(word, field="allowed_words") for word in allowed}))

    def scan(self, text: str | Folded) -> tuple[Hit, ...]:
        """Find the words that the whitelist does not cover."""
        folded = fold(text)
        spans = self._literal(folded.folded)
        spans |= self._pulled_apart(folded.folded)
        if not spans:
            return ()
        allowed = [(start, end) for start, end, _ in self._allowed.find(folded.folded)]
        hits = [
            self._hit(folded, start, end, self.words[number])
            for start, end, number in sorted(spans)
            if not any(first <= start and end <= last for first, last in allowed)
        ]
        return tuple(widest(hits))

    def _literal(self, folded: str) -> set[tuple[int, int, int]]:
        return {
            (start, end, number)
            for start, end, number in self._matcher.find(folded)
            if _stands_alone(folded, start, end)
        }

    def _pulled_apart(self, folded: str) -> set[tuple[int, int, int]]:
        squeezed = squeeze(folded)
        if len(squeezed.text) == len(folded):
            return set()
        return {
            (squeezed.offsets[start], squeezed.offsets[end - 1] + 1, number)
            for start, end, number in self._matcher.find(squeezed.text)
            if end - start >= 3 and _stands_alone(squeezed.text, start, end)
        }

    @staticmethod
    def _hit(folded: Folded, start: int, end: int, word: Word) -> Hit:
        first, last = folded.span(start, end)
        return Hit(first, last, Category.KEYWORD, word.rule_id, word.score, word.severity)


def folded_word(word: str, *, field: str) -> str:
    """Fold one word of a list.

    Raises:
        InputError: nothing is left of it, or it is too long to be held back in a stream.
    """
    folded = " ".join(fold(word).folded.split())
    if not folded:
        raise InputError("detect:word-empty", field=field)
    if len(folded) > LONGEST_WORD:
        raise InputError("detect:word-too-long", field=field, length=len(folded), limit=LONGEST_WORD)
    return folded


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Tell whether a Latin word is not the middle of a longer one; Chinese knows no such limit."""
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    return not (_joined(before, text[start]) or _joined(text[end - 1], after))


def _joined(left: str, right: str) -> bool:
    return left.isascii() and right.isascii() and left.isalnum() and right.isalnum()
