"""Given words: an organisation's words as they come, folded and checked."""

from collections.abc import Iterable

from jingwei.core.errors import InputError
from jingwei.detect.normalize import fold
from jingwei.detect.topics import OWN, rule_of
from jingwei.detect.wordlist import Entry

LONGEST_WORD = 64
"""Longer words are refused: a stream would have to hold back that many characters."""

Given = str | tuple[str, str]
"""A word, or a word and its topic."""


def entries(words: Iterable[Given], *, field: str) -> list[Entry]:
    """Fold words and name their topics.

    Raises:
        InputError: a word is empty or too long, or a topic is not written like an id.
    """
    given = [(each, "") if isinstance(each, str) else each for each in words]
    rules = {topic: rule_of(topic) for topic in {topic for _, topic in given}}
    folded = _folded_words([word for word, _ in given], field=field)
    return [Entry(word, "" if rules[topic] == OWN else rules[topic])
            for word, (_, topic) in zip(folded, given, strict=True)]  # fmt: skip


def _folded_words(words: list[str], *, field: str) -> list[str]:
    """Fold many words at once."""
    lines = fold("\n".join(words)).folded.split("\n") if words else []
    if len(lines) != len(words):
        return [folded_word(word, field=field) for word in words]
    return [_checked(" ".join(line.split()), field=field) for line in lines]


def folded_word(word: str, *, field: str) -> str:
    """Fold one word of a list.

    Raises:
        InputError: nothing is left of it, or it is too long to be held back in a stream.
    """
    return _checked(" ".join(fold(word).folded.split()), field=field)


def _checked(folded: str, *, field: str) -> str:
    if not folded:
        raise InputError("detect:word-empty", field=field)
    if len(folded) > LONGEST_WORD:
        raise InputError("detect:word-too-long", field=field, length=len(folded), limit=LONGEST_WORD)
    return folded
