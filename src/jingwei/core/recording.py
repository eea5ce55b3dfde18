"""Recordings: redacted texts that a gateway kept, so that a candidate policy can be tried on what people really say.

A policy's `record_share` says how much of a System's traffic is kept; it is zero unless somebody raised it. What is
written is redacted first: personal data and secrets are gone from the text, and stand beside it as the rules that found
them, so that a replay can still weigh those. A gateway appends one canonical JSON line a text to a file of its own,
`<pid>-<start>-<n>.jsonl`, in the folder `recordings` beside the spool. Files are bounded in size, and the folder in
size and age: the oldest go first. A sample is no proof, so nothing waits for the disk and no recording fails a request.
"""

import json
import os
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jingwei.core.canonical import canonical
from jingwei.core.clock import Clock, utc_now
from jingwei.core.policy import Category, Decision

SUFFIX = ".jsonl"
LONGEST_TEXT = 8_000
"""Characters of a text that are kept; a longer one is cut and says so."""
LARGEST_LINE = 256 * 1024


class RecordedHit(BaseModel):
    """A rule that fired on the text before it was redacted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    category: Category
    rule_id: str = Field(max_length=120)
    score: float = Field(ge=0, le=1)


class Recording(BaseModel):
    """One redacted text of one System."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(max_length=64)
    """Sorts by time."""
    at: datetime
    system_id: str = Field(max_length=64)
    direction: Literal["inbound", "outbound", "tool"]
    role: Literal["user", "assistant", "tool", "document"] = "user"
    text: str = Field(max_length=LONGEST_TEXT)
    """Redacted: `[CN_ID_CARD]` stands where an ID number was."""
    hits: tuple[RecordedHit, ...] = Field(default=(), max_length=200)
    """Personal data and secrets that were redacted here; every other rule can read the text again."""
    cut: bool = False
    decision: Decision = Decision.ALLOW
    """What was enforced."""
    policy_digest: str = Field(default="", max_length=64)
    tool: str = Field(default="", max_length=120)
    """The tool, where the text is the arguments of a call."""
    server: str = Field(default="", max_length=120)
    """MCP server of the tool."""


class RecordingWriter:
    """Appends recordings to files of this process. Not for several threads at once.

    Args:
        folder: where the files of this host lie.
        clock: the time.
        file_bytes: a file this large is closed.
        folder_bytes: what all files together may take.
        max_age: a file this old is removed.
    """

    def __init__(self, folder: Path, *, clock: Clock = utc_now, file_bytes: int = 4 * 1024 * 1024,
                 folder_bytes: int = 256 * 1024 * 1024, max_age: timedelta = timedelta(days=30)) -> None:  # fmt: skip
        self._folder = folder
        self._clock = clock
        self._file_bytes = file_bytes
        self._folder_bytes = folder_bytes
        self._max_age = max_age
        self._file: BinaryIO | None = None
        self._size = 0
        self._count = 0

    def write(self, recording: Recording) -> bool:
        """Append one recording; tell whether it was kept, which it is not where the disk is full or too long a line."""
        line = canonical(recording) + b"\n"
        if len(line) > LARGEST_LINE:
            return False
        try:
            file = self._file or self._open()
            file.write(line)
            file.flush()
        except OSError:  # a sample that is not taken is no fault of the request
            self.close()
            return False
        self._size += len(line)
        if self._size >= self._file_bytes:
            self.close()
        return True

    def close(self) -> None:
        """Close the file in hand."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> BinaryIO:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        prune(self._folder, now=self._clock(), max_age=self._max_age, most_bytes=self._folder_bytes - self._file_bytes)
        self._count += 1
        path = self._folder / f"{os.getpid()}-{self._clock().timestamp():.6f}-{self._count}{SUFFIX}"
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600), "wb")
        self._size = 0
        return self._file


def chosen(share: float, chance: random.Random) -> bool:
    """Tell whether a text of a System that records this share is kept."""
    return share > 0 and chance.random() < share


def prune(folder: Path, *, now: datetime, max_age: timedelta, most_bytes: int) -> None:
    """Remove files that are too old, and the oldest of what is too much."""
    kept = 0
    for path, moment, size in reversed(_files(folder)):
        kept += size
        if kept > most_bytes or now.timestamp() - moment > max_age.total_seconds():
            path.unlink(missing_ok=True)


def read_recordings(folder: Path, *, system_id: str | None = None) -> Iterator[Recording]:
    """Give the recordings of a host, newest file first; what is no recording is left out."""
    for path, _moment, _size in reversed(_files(folder)):
        try:
            with path.open("rb") as file:
                while line := file.readline(LARGEST_LINE + 1):
                    found = _recording(line, system_id)
                    if found is not None:
                        yield found
        except FileNotFoundError:  # pruned meanwhile
            continue


def _recording(line: bytes, system_id: str | None) -> Recording | None:
    if not line.endswith(b"\n"):  # torn, or longer than any of ours
        return None
    try:
        if system_id is not None and json.loads(line).get("system_id") != system_id:
            return None
        return Recording.model_validate_json(line)
    except (ValueError, ValidationError, RecursionError, AttributeError):
        return None


def _files(folder: Path) -> list[tuple[Path, float, int]]:
    """List plain files, oldest first, each with its last moment and size."""
    if not folder.is_dir():
        return []
    found = []
    for path in folder.iterdir():
        try:
            told = path.lstat()
        except FileNotFoundError:
            continue
        if path.suffix == SUFFIX and S_ISREG(told.st_mode):
            found.append((path, told.st_mtime, told.st_size))
    return sorted(found, key=lambda each: (each[1], each[0].name))
