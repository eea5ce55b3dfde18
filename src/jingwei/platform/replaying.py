"""Replays as work: asked for by a person, done at once where there is little, else as a durable job of batches."""

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from jingwei.core.canonical import Json
from jingwei.core.check import Progress
from jingwei.core.errors import Conflict, InputError, JingweiError
from jingwei.core.identity import Actor
from jingwei.core.identity.actor import PLATFORM
from jingwei.core.jobs import JobError, JobHandlers
from jingwei.core.recording import Recording
from jingwei.core.store.tables import CandidateRow
from jingwei.manage import Candidate
from jingwei.manage.rights import demand_over
from jingwei.manage.rows import system_row
from jingwei.platform.recording import everyday, recordings
from jingwei.platform.replay import Count, Judges, Trial

if TYPE_CHECKING:
    from jingwei.platform.platform import Platform

HEAD = "cand_"
"""How the id of a replay begins; that of a check run does not."""
AT_ONCE = 400
"""Recordings that are replayed while somebody waits."""
_UNIT = 50


class Replays:
    """Asks for replays, does them, and keeps their results."""

    def __init__(self, platform: "Platform") -> None:
        self.platform = platform
        self._judges: dict[str, Judges] = {}
        self._texts: dict[str, dict[str, Recording]] = {}

    def start(self, candidate_id: str, *, actor: Actor) -> Candidate:
        """Replay a candidate: at once where there is little to judge, else as a job.

        Raises:
            InputError: nothing has been recorded.
            Refused: the actor may not.
            Conflict: the candidate is closed, or a replay is under way.
            Unavailable: there is much to judge and no job process.
        """
        replay_id, count = self._ask(candidate_id, actor)
        if count <= AT_ONCE:
            return self._run(replay_id, lambda _done, _total: None)
        try:
            self.platform.jobs.enqueue(replay_id)
        except JingweiError as error:
            self.failed(replay_id, JobError(error.code, error.field, error.message))
            raise
        return self._candidate(candidate_id)

    def run(self, candidate_id: str, *, actor: Actor, progress: Progress) -> Candidate:
        """Replay a candidate here and now, however much there is.

        Raises:
            InputError: nothing has been recorded.
            Refused: the actor may not.
            Conflict: the candidate is closed, or a replay is under way.
        """
        return self._run(self._ask(candidate_id, actor)[0], progress)

    def handlers(self, others: JobHandlers) -> JobHandlers:
        """Return the steps of a job: those of replays by their ids, of anything else as given."""

        async def begin(_replay_id: str) -> None:
            return

        async def plan(replay_id: str) -> list[Json]:
            return await asyncio.to_thread(self.plan, replay_id)

        async def examine(replay_id: str, units: Sequence[Json]) -> list[Json]:
            return await asyncio.to_thread(self.examine, replay_id, units)

        async def progress(replay_id: str, done: int, total: int) -> None:
            await asyncio.to_thread(self.progressed, replay_id, done, total)

        async def conclude(replay_id: str, _units: Sequence[Json], results: Sequence[Json]) -> None:
            await asyncio.to_thread(self.conclude, replay_id, results)

        async def failed(replay_id: str, error: JobError) -> None:
            await asyncio.to_thread(self.failed, replay_id, error)

        ours = JobHandlers(begin=begin, plan=plan, examine=examine, progress=progress, conclude=conclude, failed=failed)
        return _routed(ours, others)

    def plan(self, replay_id: str) -> list[Json]:
        """List the recordings to judge, by their ids, in units."""
        system_id = self._candidate(_candidate_id(replay_id)).system_id
        found = list(self._recorded(replay_id, system_id))
        self._keep(replay_id, state="running", total=len(found))
        return [list(found[start : start + _UNIT]) for start in range(0, len(found), _UNIT)]

    def examine(self, replay_id: str, units: Sequence[Json]) -> list[Json]:
        """Judge a batch of units; safe to repeat."""
        judges = self._judging(replay_id)
        known = self._recorded(replay_id, judges.after.policy.system_id)
        return [
            judges.counted(known[each] for each in unit if isinstance(each, str) and each in known).dump()  # type: ignore[misc]  # JSON of ours
            for unit in units
            if isinstance(unit, list)
        ]

    def progressed(self, replay_id: str, done: int, total: int) -> None:
        """Note how far a replay is, in recordings."""
        self._keep(replay_id, done=done * _UNIT, total=total * _UNIT)

    def conclude(self, replay_id: str, results: Sequence[Json]) -> None:
        """Add up what the batches found and keep it with the candidate."""
        judges = self._judging(replay_id)
        counted = Count.summed(each for each in results if isinstance(each, dict))
        moments = [each.at for each in self._recorded(replay_id, judges.after.policy.system_id).values()]
        self._keep(replay_id, state="finished", finished_at=self.platform.clock(), present=judges.before.policy.digest,
                   everyday_texts=len(everyday()), everyday_newly_stopped=judges.everyday_stopped(),
                   first_at=min(moments, default=None), last_at=max(moments, default=None),
                   **counted.told())  # fmt: skip
        self._forget(replay_id)

    def failed(self, replay_id: str, error: JobError) -> None:
        """Say that a replay did not come to its end."""
        self._forget(replay_id)
        self._keep(replay_id, state="failed", finished_at=self.platform.clock(), error=error.message)

    def _ask(self, candidate_id: str, actor: Actor) -> tuple[str, int]:
        system_id = self._candidate(candidate_id).system_id
        count = len(recordings(self.platform.settings.recordings_path, system_id=system_id))
        if not count:
            raise InputError("platform:replay-none", field="recordings")
        with self.platform.work(actor, "candidate.replay") as work:
            demand_over(actor, "policy.try", system_row(work.desk.session, system_id))
            row = work.desk.session.get_one(CandidateRow, candidate_id)
            if row.trial.get("state") in {"queued", "running"} and self._lives(row.trial["id"]):
                raise Conflict("platform:replay-running")
            number = int(str(row.trial.get("id", "-0")).rpartition("-")[2]) + 1
            trial = Trial(id=f"{candidate_id}-{number}", state="queued", asked_by=actor.id,
                          asked_at=self.platform.clock(), total=count)  # fmt: skip
            work.candidates.tried(candidate_id, trial.model_dump(mode="json"))
        return trial.id, count

    def _lives(self, replay_id: str) -> bool:
        """Tell whether a job still works on a replay; one that was begun at once and broken off has none."""
        try:
            return self.platform.jobs.state(replay_id) in {"queued", "running"}
        except JingweiError:
            return False

    def _run(self, replay_id: str, progress: Progress) -> Candidate:
        try:
            units, results = self.plan(replay_id), list[Json]()
            for number, unit in enumerate(units, start=1):
                results += self.examine(replay_id, [unit])
                progress(number, len(units))
            self.conclude(replay_id, results)
        except JingweiError as error:
            self.failed(replay_id, JobError(error.code, error.field, error.message))
            raise
        return self._candidate(_candidate_id(replay_id))

    def _candidate(self, candidate_id: str) -> Candidate:
        with self.platform.reading() as work:
            return work.candidates.candidate(candidate_id)

    def _judging(self, replay_id: str) -> Judges:
        if replay_id not in self._judges:
            with self.platform.reading() as work:
                policy = work.candidates.candidate(_candidate_id(replay_id)).policy
                present = work.policies.in_force(policy.system_id)
            if present is None:
                raise InputError("manage:candidate-no-policy", field="policy")
            self._judges[replay_id] = Judges.of(present, policy)
        return self._judges[replay_id]

    def _recorded(self, replay_id: str, system_id: str) -> dict[str, Recording]:
        if replay_id not in self._texts:
            found = recordings(self.platform.settings.recordings_path, system_id=system_id)
            self._texts[replay_id] = {each.id: each for each in found}
        return self._texts[replay_id]

    def _forget(self, replay_id: str) -> None:
        self._judges.pop(replay_id, None)
        self._texts.pop(replay_id, None)

    def _keep(self, replay_id: str, **changed: object) -> None:
        """Write part of a trial, unless another replay has begun or the candidate was closed meanwhile."""
        with self.platform.work(PLATFORM, "candidate.replayed") as work:
            found = work.candidates.candidate(_candidate_id(replay_id))
            if found.trial.get("id") != replay_id or found.state not in {"draft", "shadow"}:
                return
            trial = Trial.model_validate(found.trial).model_copy(update=changed)
            work.candidates.tried(found.id, trial.model_dump(mode="json"))


def _candidate_id(replay_id: str) -> str:
    return replay_id.rpartition("-")[0]


def _routed(ours: JobHandlers, others: JobHandlers) -> JobHandlers:
    """Choose the step of one or the other by the id of the job."""

    def chosen(mine: Callable[..., object], theirs: Callable[..., object]) -> Callable[..., object]:
        return lambda job_id, *given: (mine if job_id.startswith(HEAD) else theirs)(job_id, *given)

    steps = {
        each.name: chosen(getattr(ours, each.name), getattr(others, each.name)) for each in dataclasses.fields(ours)
    }
    return JobHandlers(**steps)  # type: ignore[arg-type]  # each step keeps its own signature
