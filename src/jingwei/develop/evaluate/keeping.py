"""What a run keeps as it goes: one line an attempt in `attempts.jsonl`, and in `run.json` what run it is.

A line is handed to the system before the next attempt begins, so a process that is killed has lost nothing it recorded;
the disk itself is waited for now and then, so a power cut costs at most the last half second. What was recorded is
never asked again, but for attempts that met nothing but a server's passing trouble.
"""

import asyncio
import fcntl
import os
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import overload

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from jingwei.core.errors import Conflict, InputError
from jingwei.core.folder import file_trouble_said, write_whole
from jingwei.develop.evaluate.endpoint import passing
from jingwei.develop.evaluate.exchange import Fault
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.verdict import State, Verdict

ATTEMPTS = "attempts.jsonl"
_RUN = "run.json"
_SYNC_SECONDS = 0.5
_GIVEN: frozenset[str] = frozenset({*Result.model_fields, *Verdict.model_fields})


class RunCard(BaseModel):
    """Which run a folder holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    plan: str
    """Digest of what is asked of whom."""
    started_at: AwareDatetime


class Results(Sequence[Result]):
    """The results in a file, read one by one when they are looked at, so that any number of them fits in memory."""

    def __init__(self, path: Path, starts: Sequence[int]) -> None:
        self._path = path
        self._starts = array("Q", starts)

    def __len__(self) -> int:
        """Count them."""
        return len(self._starts)

    @overload
    def __getitem__(self, at: int) -> Result: ...
    @overload
    def __getitem__(self, at: slice) -> list[Result]: ...
    def __getitem__(self, at: int | slice) -> Result | list[Result]:
        """Return one, or some."""
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(len(self)))]
        with self._path.open("rb") as file:
            file.seek(self._starts[at])
            return Result.model_validate_json(file.readline())

    def __iter__(self) -> Iterator[Result]:
        """Give all in their order."""
        with self._path.open("rb") as file:
            for start in self._starts:
                file.seek(start)
                yield Result.model_validate_json(file.readline())


class Keeping:
    """The folder of one run, held by one process at a time.

    Args:
        folder: where it lies; made where it is missing.
        card: the run that is about to begin; another run's folder is refused.
        fresh: forget what an earlier run kept there.
        each: told every result of an earlier run that stands.

    Raises:
        InputError: the folder holds another run, or an `attempts.jsonl` that is not ours.
        Conflict: another process is at work in it.
        Unavailable: it cannot be written.
    """

    def __init__(self, folder: Path, card: RunCard, *, fresh: bool = False,
                 each: Callable[[Result], None] = lambda _: None) -> None:  # fmt: skip
        self.folder = folder
        self.path = folder / ATTEMPTS
        with file_trouble_said(str(folder)):
            folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._take(fresh=fresh)
            self.card = self._carded(card, fresh=fresh)
            self.done = self._read(each)
            """Ids of the attempts that are not made again."""
        except BaseException:
            os.close(self._file)
            raise
        self._synced = True

    def write(self, result: Result) -> None:
        """Append one result, whole or not at all.

        Raises:
            Unavailable: the disk is full, or the folder can no longer be written; what was kept before stays whole.
        """
        line = memoryview(result.model_dump_json().encode() + b"\n")
        with file_trouble_said(str(self.path)):
            try:
                written = 0
                while written < len(line):
                    written += os.write(self._file, line[written:])
            except OSError:
                os.ftruncate(self._file, self._end)
                os.lseek(self._file, self._end, os.SEEK_SET)
                raise
        self.done.add(result.id)
        self._end += len(line)
        self._synced = False

    async def syncing(self) -> None:
        """Wait for the disk now and then, until cancelled."""
        while True:
            await asyncio.sleep(_SYNC_SECONDS)
            if not self._synced:
                self._synced = True
                await asyncio.to_thread(os.fsync, self._file)

    def close(self) -> None:
        """Let go of the folder, everything on the disk."""
        if self._file < 0:
            return
        with file_trouble_said(str(self.path)):
            try:
                os.fsync(self._file)
            finally:
                os.close(self._file)
                self._file = -1

    def settle(self, order: Sequence[str]) -> Results:
        """Put the lines in the order of the plan, each attempt once, and return them.

        Raises:
            Conflict: another process has begun to work in the folder since the run ended.
            Unavailable: the disk is full, or the folder cannot be written.
        """
        self.close()
        with file_trouble_said(str(self.path)):
            self._file = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self._take(fresh=False)
            return self._settled(order)
        finally:
            self.close()

    def _settled(self, order: Sequence[str]) -> Results:
        starts = _starts(self.path)
        draft = self.path.with_suffix(".draft")
        kept, at = array("Q"), 0
        with file_trouble_said(str(self.path)):
            try:
                with self.path.open("rb") as old, draft.open("wb") as new:
                    os.fchmod(new.fileno(), 0o600)
                    for name in order:
                        if name not in starts:
                            continue
                        old.seek(starts[name])
                        kept.append(at)
                        at += new.write(old.readline())
                    new.flush()
                    os.fsync(new.fileno())
                draft.replace(self.path)
            finally:
                draft.unlink(missing_ok=True)
        return Results(self.path, kept)

    def write_beside(self, name: str, content: bytes) -> None:
        """Write another file of the run, whole or not at all.

        Raises:
            Unavailable: the disk is full, or the folder cannot be written.
        """
        write_whole(self.folder / name, lambda draft: draft.write_bytes(content))

    def _take(self, *, fresh: bool) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict("develop.evaluate:run-busy", field="out", folder=str(self.folder)) from error
        if not os.path.samestat(os.fstat(self._file), self.path.stat()):  # it was put in order in between
            raise Conflict("develop.evaluate:run-busy", field="out", folder=str(self.folder))
        if fresh:
            os.ftruncate(self._file, 0)

    def _carded(self, card: RunCard, *, fresh: bool) -> RunCard:
        """Return the card of the run that is gone on with, or leave this one's."""
        path = self.folder / _RUN
        if not fresh:
            earlier = self._earlier(path)
            if earlier and earlier.plan == card.plan:
                return earlier
            if os.fstat(self._file).st_size:
                raise InputError("develop.evaluate:run-other", field="out", folder=str(self.folder))
        self.write_beside(_RUN, card.model_dump_json().encode())
        return card

    def _earlier(self, path: Path) -> RunCard | None:
        try:
            return RunCard.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise InputError("develop.evaluate:run-other", field="out", folder=str(self.folder)) from error

    def _read(self, each: Callable[[Result], None]) -> set[str]:
        """Read what was kept; a torn last line is cut off, so that nothing is taken for its end."""
        done: set[str] = set()
        end = 0
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    break
                end += len(line)
                try:
                    result = Result.model_validate_json(line)
                except ValidationError as error:
                    raise InputError("develop.evaluate:run-damaged", field="out", file=str(self.path),
                                     line=number) from error  # fmt: skip
                if result.id not in done and not _worth_another(result):
                    done.add(result.id)
                    each(result)
        os.ftruncate(self._file, end)
        os.lseek(self._file, end, os.SEEK_SET)
        self._end = end
        return done


def slim(result: Result) -> Result:
    """Return a result without anybody's words, so small that ten thousand fit beside everything else.

    Half of a model's size is its own set of the fields that were given; these share one.
    """
    small = result.model_copy(update={"answer_redacted": "", "asked_redacted": "", "answer_sha256": ""})
    object.__setattr__(small, "__pydantic_fields_set__", _GIVEN)
    object.__setattr__(small.verdict, "__pydantic_fields_set__", _GIVEN)
    return small


def _worth_another(result: Result) -> bool:
    """Tell whether an attempt failed by a passing trouble of the server, or by ours."""
    if result.verdict.state is not State.ERROR:
        return False
    return "scorer-failed" in result.verdict.reasons or all(
        passing(Fault(reason=each)) for each in result.verdict.reasons
    )


def _starts(path: Path) -> dict[str, int]:
    """Return where the last line of each attempt begins."""
    found: dict[str, int] = {}
    at = 0
    with path.open("rb") as file:
        for line in file:
            found[orjson.loads(line)["id"]] = at
            at += len(line)
    return found
