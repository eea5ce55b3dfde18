"""The journal of one run: each finished unit is on disk before the next begins, so nothing is lost on Ctrl-C.

A run is named by what it examines (check, version, target, options). The same command goes on where the last one
stopped, unless the target's files have changed since; a journal that was concluded is removed.
"""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from jingwei.core.canonical import Json, canonical, digest
from jingwei.core.check import Check, Run, local_path
from jingwei.core.errors import Unavailable
from jingwei.core.target import Target, TargetKind


class Journal:
    """Results by unit number, appended as JSON lines.

    Args:
        path: the file; its folder is made.
        plan: digest of what is to be done (`plan_digest`); results of another plan are dropped.

    Raises:
        Unavailable: it cannot be written.
    """

    def __init__(self, path: Path, *, plan: str) -> None:
        self._path = path
        self._plan = plan
        self.done = self._read()
        whole = canonical({"plan": plan}) + b"\n" + b"".join(_line(unit, self.done[unit]) for unit in self.done)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = path.with_suffix(".draft")
            draft.write_bytes(whole)  # without the torn line: what is appended must not be taken for its end
            draft.replace(path)
        except OSError as error:
            raise _unwritable(path, error) from error

    def _read(self) -> dict[int, Json]:
        """Return what an earlier run of the same plan finished; a torn last line is left out."""
        try:
            lines = self._path.read_bytes().split(b"\n")
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise _unwritable(self._path, error) from error
        done: dict[int, Json] = {}
        try:
            if json.loads(lines[0])["plan"] != self._plan:
                return {}
            for line in lines[1:-1]:
                entry = json.loads(line)
                done[int(entry["unit"])] = entry["result"]
        except (ValueError, KeyError, TypeError):
            return {}
        return done

    def write(self, unit: int, result: Json) -> None:
        """Append one result.

        Raises:
            Unavailable: the disk is full, or the folder can no longer be written.
        """
        try:
            with self._path.open("ab") as file:
                file.write(_line(unit, result))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def close(self) -> None:
        """Remove the journal: the run is concluded."""
        self._path.unlink(missing_ok=True)


def journal_name(check: Check, run: Run) -> str:
    """Name a run by what it examines."""
    options = run.options.model_dump(mode="json")
    what = {
        "check": check.id,
        "version": check.version,
        "target": run.target.model_dump(mode="json"),
        "options": options,
    }
    return f"{check.id}-{digest(what)[:16]}.jsonl"


def plan_digest(run: Run, units: Sequence[Json]) -> str:
    """Name what is to be done: the units, and the state of the files that they are about."""
    return digest({"units": list(units), "files": list(_files(run.target))})


def _files(target: Target) -> Iterator[Json]:
    """Give name, size and time of change of each file of a target on this machine; no file is opened."""
    if target.kind is not TargetKind.FILE:
        return
    root = local_path(target)
    for path in [root] if root.is_file() else sorted(root.rglob("*")):
        try:
            state = path.lstat()
        except FileNotFoundError:  # just removed: what it was is gone from the plan, too
            continue
        yield [str(path), state.st_size, str(state.st_mtime_ns)]


def _line(unit: int, result: Json) -> bytes:
    return canonical({"unit": unit, "result": result}) + b"\n"


def _unwritable(path: Path, error: OSError) -> Unavailable:
    return Unavailable(
        "platform:home-unwritable", field="home", path=str(path.parent), why=error.strerror or str(error)
    )
