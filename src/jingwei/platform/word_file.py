"""Words out of a file somebody else made: CSV, plain text or a spreadsheet, a row at a time, within bounds.

Columns are `word` and, if there is a second one, `topic`; a first row that names them is known as such, in either
language, and then the columns may stand in any order. A row that is wrong is named by its number and column.
"""

import csv
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from io import TextIOWrapper
from itertools import chain, islice
from types import MappingProxyType
from typing import IO, BinaryIO, NamedTuple, cast

from jingwei.core.errors import InputError
from jingwei.core.text import Both, texts
from jingwei.detect.lexicon import LONGEST_WORD
from jingwei.detect.topics import classes, rule_of, topics
from jingwei.platform.sheet_file import BROKEN, rows

MOST_ROWS = 2_000_000
MOST_BYTES = 256 * 1024 * 1024
"""Of a file, and of what a spreadsheet unpacks to: its texts are held in memory while its rows are read."""
MOST_RATIO = 200
LONGEST_TOPIC = 48
_LOCKED = 0x61
"""Flags of a packed part that only a password opens, or that mends another one."""
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_LONGEST_ROW = 64 * 1024
_PREFIX = "keyword."
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_KINDS = {".csv": "csv", ".tsv": "csv", ".txt": "txt", ".xlsx": "xlsx"}


class Row(NamedTuple):
    """One word of a file."""

    number: int
    """Of the row, counted from one."""
    word: str
    topic: str


def read_words(file: BinaryIO, name: str) -> Iterator[Row]:
    """Give the words of a file, in its order; empty rows are passed over.

    Args:
        file: open at its beginning, seekable.
        name: what it is called; its ending says what it is.

    Raises:
        InputError: it is of no known kind, too large, or a row is wrong.
    """
    ending = name[name.rfind(".") :].lower() if "." in name else ""
    kind = _KINDS.get(ending)
    if kind is None:
        raise InputError("platform:words-kind", field="file", name=name[-80:])
    if file.seek(0, 2) > MOST_BYTES:
        raise InputError("platform:words-large", field="file", limit=MOST_BYTES // 1024**2)
    file.seek(0)
    return _words(_spreadsheet(file) if kind == "xlsx" else _plain(file, separated=kind == "csv"))


def clean_word(word: str) -> str:
    """Write a word with single blanks and nothing that cannot be seen between lines.

    Raises:
        InputError: it holds a control character.
    """
    found = " ".join(word.split())
    if _CONTROL.search(found):
        raise InputError("platform:word-control", field="word")
    return found


def clean_topic(topic: str) -> str:
    """Return a topic as it is kept: the id of a known one, also where its title is given, or one of the customer's own.

    Raises:
        InputError: it is neither.
    """
    found = topic.strip()
    known = _titles().get(found.casefold())
    if known is not None:
        return known
    try:
        rule_of(found)
    except InputError as error:
        raise InputError("platform:word-topic", field="topic", topic=found[:LONGEST_TOPIC]) from error
    return found.removeprefix(_PREFIX)


@lru_cache(maxsize=1)
def topic_titles() -> Mapping[str, Both]:
    """Return the titles of the known topics by their ids: the built-in ones, and the classes of GB/T 45654."""
    named = {topic.id: topic.title for topic in topics()} | dict(classes())
    return MappingProxyType({rule.removeprefix(_PREFIX): title for rule, title in named.items()})


@lru_cache(maxsize=1)
def _titles() -> Mapping[str, str]:
    return {said.casefold(): name for name, title in topic_titles().items() for said in (title.zh, title.en)}


def _words(rows: Iterable[Sequence[str]]) -> Iterator[Row]:
    numbered = enumerate(rows, start=1)
    first = next(numbered, None)
    if first is None:
        return
    word_at, topic_at, headed = _columns(first[1])
    for number, row in numbered if headed else chain([first], numbered):
        if number > MOST_ROWS:
            raise InputError("platform:words-many", field="file", limit=MOST_ROWS)
        word = row[word_at] if word_at < len(row) else ""
        topic = row[topic_at] if topic_at < len(row) else ""
        if word.strip():
            yield Row(number, word[: LONGEST_WORD * 8], topic[: LONGEST_TOPIC * 8])


def _columns(row: Sequence[str]) -> tuple[int, int, bool]:
    """Find the columns; a row without a name of the word's column is a row of words."""
    names = [cell.strip().casefold() for cell in row]
    known = {name: set(texts("platform")[f"column-{name}"].zh.split()) | {name} for name in ("word", "topic")}
    word_at = next((place for place, name in enumerate(names) if name in known["word"]), None)
    if word_at is None:
        return 0, 1, False
    topic_at = next((place for place, name in enumerate(names) if name in known["topic"]), len(names) + 1)
    return word_at, topic_at, True


def _plain(file: BinaryIO, *, separated: bool) -> Iterator[Sequence[str]]:
    text = TextIOWrapper(cast("IO[bytes]", file), encoding=_encoding(file), errors="strict", newline="")
    try:
        lines = _lines(text)
        if not separated:
            yield from (line.rstrip("\r\n").split("\t") for line in lines)
            return
        head = list(islice(lines, 1))
        mark = max(",\t;", key=head[0].count) if head else ","
        yield from csv.reader(chain(head, lines), delimiter=mark)
    except UnicodeDecodeError as error:
        raise InputError("platform:words-encoding", field="file") from error
    except csv.Error as error:
        raise InputError("platform:words-csv", field="file", why=str(error)) from error
    finally:
        text.detach()  # closing the file is its opener's


def _lines(text: TextIOWrapper) -> Iterator[str]:
    number = 0
    while line := text.readline(_LONGEST_ROW + 1):
        number += 1
        if len(line) > _LONGEST_ROW:
            raise InputError("platform:words-row-long", field=f"row {number}", row=number)
        yield line


def _encoding(file: BinaryIO) -> str:
    """Read the beginning as UTF-8, else as the Chinese national standard, which spreadsheets still write."""
    head = file.read(256 * 1024)
    file.seek(0)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return "utf-8-sig" if error.start >= len(head) - 4 else "gb18030"
    return "utf-8-sig"


def _spreadsheet(file: BinaryIO) -> Iterator[Sequence[str]]:
    try:
        packed = zipfile.ZipFile(file)
    except BROKEN as error:
        raise InputError("platform:words-sheet", field="file") from error
    with packed:
        _demand_sound(packed)
        yield from rows(packed)


def _demand_sound(packed: zipfile.ZipFile) -> None:
    """Refuse a spreadsheet that unpacks to too much, is locked, or brings definitions of its own.

    Raises:
        InputError: it does.
    """
    parts = packed.infolist()
    unpacked, present = sum(each.file_size for each in parts), sum(each.compress_size for each in parts)
    if len(parts) > 2_000 or unpacked > MOST_BYTES or unpacked > MOST_RATIO * max(present, 4096):
        raise InputError("platform:words-packed", field="file")
    if any(each.flag_bits & _LOCKED or each.compress_type not in _PACKINGS for each in parts):
        raise InputError("platform:words-sheet", field="file")
    try:
        defining = any(_defines(packed, each) for each in parts if each.filename.endswith((".xml", ".rels")))
    except BROKEN as error:
        raise InputError("platform:words-sheet", field="file") from error
    if defining:
        raise InputError("platform:words-sheet", field="file")


def _defines(packed: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    """Tell whether a part has a document type, which no spreadsheet program writes, or hides one by its encoding."""
    with packed.open(part) as content:
        head = content.read(4096)
    plain = head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")
    return not plain or b"<!DOCTYPE" in head or b"<!ENTITY" in head
