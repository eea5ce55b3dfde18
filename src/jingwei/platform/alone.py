"""Any one check, alone: no server, no database, no account."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from jingwei.core.canonical import Json
from jingwei.core.check import Check, Progress, Run, examine_all, seal_all
from jingwei.core.errors import JingweiError
from jingwei.core.evidence import Evidence
from jingwei.core.signing import Signer
from jingwei.platform.journal import Journal, journal_name, plan_digest

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Alone:
    """Runs checks where it stands; signs with this user's own key and keeps journals of unfinished runs."""

    folder: Path
    """Where the key and the journals lie."""

    def run(self, check: Check, run: Run, *, progress: Progress, fresh: bool = False) -> list[Evidence]:
        """Run a check to its end, going on from an interrupted run of the same command.

        Args:
            check: the check.
            run: its run.
            progress: told (done, total); the first call tells how much an earlier run had done.
            fresh: forget an interrupted run.

        Raises:
            InputError: the target is not one this check can read.
            Unavailable: the target cannot be reached, or the folder cannot be written.
        """
        started_at = run.clock()
        units = check.plan(run)
        path = self.folder / "runs" / journal_name(check, run)
        if fresh:
            path.unlink(missing_ok=True)
        journal = Journal(path, plan=plan_digest(run, units))
        results = self._examine(check, run, units, journal=journal, progress=progress)
        evidence = self._seal(check, run, units, results, started_at)
        journal.close()
        return evidence

    def _examine(
        self, check: Check, run: Run, units: Sequence[Json], *, journal: Journal, progress: Progress
    ) -> list[Json]:
        finished = len(journal.done)
        progress(finished, len(units))

        def each(number: int, result: Json) -> None:
            nonlocal finished
            journal.write(number, result)
            finished += 1
            progress(finished, len(units))

        return asyncio.run(unwrapped(examine_all(check, run, units, done=journal.done, each=each)))

    def _seal(
        self, check: Check, run: Run, units: Sequence[Json], results: Sequence[Json], started_at: datetime
    ) -> list[Evidence]:
        signer = Signer.at(self.folder / "keys" / "local.key")
        return seal_all(check, run, check.conclude(run, units, results), started_at=started_at, signer=signer)


async def unwrapped(work: Awaitable[Result]) -> Result:
    """Raise the first Jingwei error of a task group by itself: a person can act on it, not on a group."""
    try:
        return await work
    except BaseExceptionGroup as group:
        mine = group.subgroup(JingweiError)
        if mine is None:
            raise
        error: BaseException = mine
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from group
