"""The journal of one run: each finished unit is on disk before the next begins, so nothing is lost on Ctrl-C.

A run is named by what it examines (check, version, target, options). The same command goes on where the last one
stopped; a journal that was concluded is removed.
"""

import json
import os
from pathlib import Path

from jingwei.core.canonical import Json, canonical, digest
from jingwei.core.check import Check, Run


class Journal:
    """Results by unit number, appended as JSON lines.

    Args:
        path: the file; its folder is made.
        plan: digest of the units; results of another plan are dropped.
    """

    def __init__(self, path: Path, *, plan: str) -> None:
        self._path = path
        self._plan = plan
        path.parent.mkdir(parents=True, exist_ok=True)
        self.done = self._read()
        if not self.done:
            path.write_bytes(canonical({"plan": plan}) + b"\n")

    def _read(self) -> dict[int, Json]:
        """Return what an earlier run of the same plan finished; a torn last line is left out."""
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return {}
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
        """Append one result."""
        with self._path.open("ab") as file:
            file.write(canonical({"unit": unit, "result": result}) + b"\n")
            file.flush()
            os.fsync(file.fileno())

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
