"""Blocks: a dataset cut into pieces of bounded size, and the rows of each.

Line files are cut at line ends near every few megabytes while their digest is taken, in one pass; Parquet is cut at
its row groups; CSV, whose cells may hold line ends, is one block that is read row by row. Memory stays flat.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from jingwei.core.canonical import digest, file_digest
from jingwei.core.errors import InputError, Unavailable

BLOCK_BYTES = 4 * 1024 * 1024
LONGEST_LINE = 1024 * 1024
DEEPEST = 16
"""A JSON row nested deeper is not read to the bottom."""

Format = Literal["jsonl", "txt", "csv", "parquet"]
_FORMATS: dict[str, Format] = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".txt": "txt", ".md": "txt", ".csv": "csv", ".parquet": "parquet",
}  # fmt: skip


class Block(BaseModel):
    """One unit of work: a piece of one file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    """Relative to the dataset."""
    format: Format
    sha256: str
    """Digest of the whole file."""
    start: int = 0
    """First byte, or number of the row group."""
    end: int = 0
    first_row: int = 1


class Row(NamedTuple):
    """One row: its number in the file, and its texts, or None where it could not be read."""

    number: int
    texts: list[str] | None


def blocks(root: Path) -> list[Block]:
    """Cut a dataset, one file or a folder, into blocks.

    Raises:
        InputError: there is no file of a known format.
        Unavailable: a file cannot be read.
    """
    found = sorted(_files(root))
    if not found:
        raise InputError("develop.data:no-data", field="target", path=root.name, known=", ".join(_FORMATS))
    try:
        return [block for path in found for block in _cut(path, root)]
    except OSError as error:
        raise Unavailable("develop.data:unreadable", path=root.name, reason=error.strerror or "") from error


def dataset_digest(found: list[Block]) -> str:
    """Return the digest of the dataset: of the one file, or of all paths with their digests."""
    files = {block.path: block.sha256 for block in found}
    return next(iter(files.values())) if len(files) == 1 else digest(files)


def rows(block: Block, root: Path, *, fields: tuple[str, ...]) -> Iterator[Row]:
    """Read the rows of a block.

    Raises:
        Unavailable: the file went away.
    """
    path = root / block.path if root.is_dir() else root
    try:
        if block.format == "parquet":
            yield from _parquet_rows(path, block, fields)
        elif block.format == "csv":
            yield from _csv_rows(path, fields)
        else:
            yield from _line_rows(path, block, fields)
    except OSError as error:
        raise Unavailable("develop.data:unreadable", path=block.path, reason=error.strerror or "") from error


def _files(root: Path) -> Iterator[Path]:
    candidates = [root] if root.is_file() else (path for path in root.rglob("*") if not path.is_symlink())
    for path in candidates:
        if path.is_file() and path.suffix.lower() in _FORMATS:
            yield path


def _cut(path: Path, root: Path) -> list[Block]:
    name = path.name if path == root else path.relative_to(root).as_posix()
    kind = _FORMATS[path.suffix.lower()]
    if kind == "parquet":
        sha256 = file_digest(path)
        groups = _parquet(path).num_row_groups
        return [Block(path=name, format=kind, sha256=sha256, start=group) for group in range(max(groups, 1))]
    if kind == "csv":
        return [Block(path=name, format=kind, sha256=file_digest(path))]
    with path.open("rb") as file:
        return _cut_lines(file, name, kind)


def _cut_lines(file: BinaryIO, name: str, kind: Format) -> list[Block]:
    whole = hashlib.sha256()
    cuts: list[tuple[int, int, int]] = []
    row = 1
    while piece := file.read(BLOCK_BYTES):
        start, first, lines = file.tell() - len(piece), row, piece.count(b"\n")
        whole.update(piece)
        while not piece.endswith(b"\n") and (piece := file.readline(LONGEST_LINE)):
            whole.update(piece)
            lines += piece.endswith(b"\n")
        cuts.append((start, file.tell(), first))
        row += lines
    sha256 = whole.hexdigest()
    return [Block(path=name, format=kind, sha256=sha256, start=start, end=end, first_row=first)
            for start, end, first in cuts or [(0, 0, 1)]]  # fmt: skip


def _line_rows(path: Path, block: Block, fields: tuple[str, ...]) -> Iterator[Row]:
    with path.open("rb") as file:
        file.seek(block.start)
        number = block.first_row
        while file.tell() < block.end and (line := file.readline(LONGEST_LINE)):
            if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                _skip_line(file)
                yield Row(number, None)
            elif line.strip():
                yield Row(number, _line_texts(line, block.format, fields))
            number += 1


def _skip_line(file: BinaryIO) -> None:
    while (more := file.readline(LONGEST_LINE)) and not more.endswith(b"\n"):
        pass


def _line_texts(line: bytes, kind: Format, fields: tuple[str, ...]) -> list[str] | None:
    try:
        text = line.decode("utf-8-sig")
        if kind == "txt":
            return [text]
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if fields and isinstance(value, dict):
        value = [value[name] for name in fields if name in value]
    return list(_strings(value, DEEPEST))


def _strings(value: object, depth: int) -> Iterator[str]:
    """Yield every text inside a JSON value; numbers too, since an identity number is often stored as one."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif depth and isinstance(value, dict):
        for each in value.values():
            yield from _strings(each, depth - 1)
    elif depth and isinstance(value, list):
        for each in value:
            yield from _strings(each, depth - 1)


def _csv_rows(path: Path, fields: tuple[str, ...]) -> Iterator[Row]:
    with path.open("rb") as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file)
        header: list[str] | None = None
        while True:
            try:
                cells = next(reader, None)
            except csv.Error:
                yield Row(reader.line_num, None)
                continue
            if cells is None:
                return
            if header is None:
                header = cells
            broken = any("\ufffd" in cell for cell in cells) or (len(cells) != len(header) and bool(cells))
            wanted = [cell for name, cell in zip(header, cells, strict=False) if not fields or name in fields]
            if cells:
                yield Row(reader.line_num, None if broken else wanted)


def _parquet_rows(path: Path, block: Block, fields: tuple[str, ...]) -> Iterator[Row]:
    file = _parquet(path)
    if not file.num_row_groups:
        return
    number = sum(file.metadata.row_group(group).num_rows for group in range(block.start)) + 1
    columns = [name for name in file.schema_arrow.names if not fields or name in fields]
    for batch in file.iter_batches(batch_size=1000, row_groups=[block.start], columns=columns):
        for row in batch.to_pylist():
            yield Row(number, list(_strings(row, DEEPEST)))
            number += 1


def _parquet(path: Path) -> "ParquetFile":  # type: ignore[name-defined]  # noqa: F821 - an extra, imported late
    try:
        from pyarrow import ArrowException  # noqa: PLC0415 - an extra, and slow to import
        from pyarrow.parquet import ParquetFile  # noqa: PLC0415
    except ImportError as error:
        raise InputError("develop.data:parquet-extra", field="target", path=path.name) from error
    try:
        return ParquetFile(path)
    except ArrowException as error:
        raise InputError("develop.data:parquet-broken", field="target", path=path.name) from error
