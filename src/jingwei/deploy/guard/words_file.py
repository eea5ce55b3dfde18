"""Word lists beside a policy: plain text, one word a line, or CSV with words and, if there is one, a column of topics.

A first row may name the columns, `word` and `topic`, in any order and either language. Without one the words are the
first column, and the second counts where it names a class of GB/T 45654 appendix A or a built-in topic.
"""

import csv
from collections.abc import Iterator, Sequence
from functools import lru_cache
from io import StringIO
from pathlib import Path

from jingwei.core.errors import InputError
from jingwei.core.text import texts

MAX_BYTES = 32_000_000
MAX_WORDS = 1_000_000
MAX_CHARACTERS = 200
_SHOWN = 48


def read_words(path: Path) -> dict[str, str]:
    """Read a word list: each word with its topic, which most often is empty; lines that begin with `#` say nothing.

    Raises:
        InputError: it is missing, too big, not UTF-8, or holds a word that is too long or a topic that is none.
    """
    rows = (
        _rows(_content(path)) if path.suffix.lower() == ".csv" else ((line, "") for line in _content(path).splitlines())
    )
    kept: dict[str, str] = {}
    for place, (word, topic) in enumerate(rows, start=1):
        if not word.strip() or word.strip().startswith("#"):
            continue
        if len(word.strip()) > MAX_CHARACTERS:
            raise InputError("deploy.guard:word-too-long", field="words_file", file=path.name, place=place,
                             limit=MAX_CHARACTERS)  # fmt: skip
        kept[word.strip()] = kept.get(word.strip()) or topic.strip()
    if len(kept) > MAX_WORDS:
        raise InputError("deploy.guard:words-too-many", field="words_file", file=path.name, limit=MAX_WORDS)
    for topic in set(kept.values()):
        demand_topic(topic, field="words_file")
    return kept


def demand_topic(topic: str, *, field: str) -> None:
    """Refuse a topic that is not written like one.

    Raises:
        InputError: it is not.
    """
    from jingwei.detect.topics import rule_of  # noqa: PLC0415 - few policies name one

    try:
        rule_of(topic)
    except InputError as error:
        raise InputError("detect:topic-not-an-id", field=field, topic=topic[:_SHOWN]) from error


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError("deploy.guard:words-unreadable", field="words_file", file=path.name) from error
    if len(raw) > MAX_BYTES:
        raise InputError("deploy.guard:words-too-big", field="words_file", file=path.name, limit=MAX_BYTES)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("deploy.guard:words-not-utf8", field="words_file", file=path.name) from error


def _rows(content: str) -> Iterator[tuple[str, str]]:
    """Give the words of a CSV file with their topics."""
    try:
        rows = [row for row in csv.reader(StringIO(content, newline="")) if row]
    except csv.Error as error:
        raise InputError("deploy.guard:words-not-csv", field="words_file") from error
    named = _columns(rows[0]) if rows else None
    if named:
        word_at, topic_at = named
        for row in rows[1:]:
            yield row[word_at] if word_at < len(row) else "", row[topic_at] if topic_at < len(row) else ""
        return
    for row in rows:
        yield row[0], row[1].strip() if len(row) > 1 and row[1].strip() in _known() else ""


def _columns(row: Sequence[str]) -> tuple[int, int] | None:
    """Find the columns that a first row names; None where it is a row of words."""
    names = [cell.strip().lower() for cell in row]
    known = {each: {*(told := texts("deploy.guard")[f"column-{each}"]).zh.split(), *told.en.split()}
             for each in ("word", "topic")}  # fmt: skip
    word_at = next((place for place, name in enumerate(names) if name in known["word"]), None)
    if word_at is None:
        return None
    return word_at, next((place for place, name in enumerate(names) if name in known["topic"]), len(names))


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    from jingwei.detect.topics import classes, topics  # noqa: PLC0415 - few policies have such a file

    rules = (*classes(), *(topic.id for topic in topics()))
    return frozenset(rule.removeprefix("keyword.") for rule in rules)
