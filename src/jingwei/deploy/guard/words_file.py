"""Word lists beside a policy: plain text, one word a line, or CSV with the word in the first column."""

import csv
from io import StringIO
from pathlib import Path

from jingwei.core.errors import InputError

MAX_BYTES = 32_000_000
MAX_WORDS = 1_000_000
MAX_CHARACTERS = 200
_HEADERS = frozenset({"word", "words", "keyword", "term"})


def read_words(path: Path) -> tuple[str, ...]:
    """Read a word list; empty lines and lines that begin with `#` say nothing.

    Raises:
        InputError: it is missing, too big, not UTF-8, or holds a word that is too long.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError("deploy.guard:words-unreadable", field="words_file", file=path.name) from error
    if len(raw) > MAX_BYTES:
        raise InputError("deploy.guard:words-too-big", field="words_file", file=path.name, limit=MAX_BYTES)
    try:
        content = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("deploy.guard:words-not-utf8", field="words_file", file=path.name) from error
    words = _column(content) if path.suffix.lower() == ".csv" else content.splitlines()
    kept = [word.strip() for word in words]
    kept = [word for word in kept if word and not word.startswith("#")]
    if path.suffix.lower() == ".csv" and kept and kept[0].lower() in _HEADERS:
        del kept[0]
    if len(kept) > MAX_WORDS:
        raise InputError("deploy.guard:words-too-many", field="words_file", file=path.name, limit=MAX_WORDS)
    for place, word in enumerate(kept, start=1):
        if len(word) > MAX_CHARACTERS:
            raise InputError("deploy.guard:word-too-long", field="words_file", file=path.name, place=place,
                             limit=MAX_CHARACTERS)  # fmt: skip
    return tuple(dict.fromkeys(kept))


def _column(content: str) -> list[str]:
    try:
        return [row[0] for row in csv.reader(StringIO(content, newline="")) if row]
    except csv.Error as error:
        raise InputError("deploy.guard:words-not-csv", field="words_file") from error
