"""Check runs: asked for, listed, moved through their states. What they do is `execution`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from jingwei.core.canonical import Json
from jingwei.core.errors import Conflict, InputError, NotFound
from jingwei.core.identity import Actor
from jingwei.core.ids import new_id
from jingwei.core.jobs import JobError
from jingwei.core.plugins import load_check
from jingwei.core.settings import Settings
from jingwei.core.store.tables import CheckRunRow, RunProgressRow
from jingwei.core.target import Target, TargetKind
from jingwei.core.text import Both
from jingwei.core.upstream import demand_address
from jingwei.manage import Desk, Tokens
from jingwei.manage.rights import demand_over
from jingwei.manage.rows import system_row
from jingwei.platform.asking import options_of
from jingwei.platform.lane import foreign_files

Status = Literal["queued", "running", "finished", "failed", "cancelled"]
ENDED = frozenset({"finished", "failed", "cancelled"})


class CheckRun(BaseModel):
    """One run of one check for a System."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    check_id: str
    system_id: str | None
    target: Target
    options: dict[str, Any]
    """As asked for, before the check's own defaults."""
    through_gateway: bool
    requested_by: str
    status: Status
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    done: int
    total: int
    error: Both | None
    error_code: str
    evidence_ids: tuple[str, ...]


class Runs:
    """Asks for runs and keeps their records."""

    def __init__(self, desk: Desk, *, settings: Settings) -> None:
        self.desk = desk
        self.session = desk.session
        self.settings = settings

    def ask(self, check_id: str, *, system_id: str, target: Target, actor: Actor,
            options: Mapping[str, Json] | None = None) -> CheckRun:  # fmt: skip
        """Record a run; the caller hands it to the jobs, or executes it, once the unit of work is committed.

        Raises:
            NotFound: no such check or System.
            InputError: the target or an option does not fit the check.
            Refused: the actor may not.
        """
        demand_over(actor, "run.start", system_row(self.session, system_id))
        check = load_check(check_id)
        if target.kind not in check.target_kinds:
            kinds = ", ".join(kind.value for kind in check.target_kinds)
            raise InputError("platform:target-unfit", field="target", given=target.locator, check=check_id, kinds=kinds)
        options_of(check, options or {})
        if target.kind in {TargetKind.ENDPOINT, TargetKind.GATEWAY}:
            demand_address(target.locator, field="target")
        foreign = foreign_files(self.desk, system_id, check, target=target, options=options or {})
        if foreign:
            raise InputError("platform:file-not-of-system", field=foreign[0], check=check_id)
        row = CheckRunRow(
            id=new_id("run"), created_at=self.desk.clock(), check_id=check_id, system_id=system_id,
            target=target.model_dump(mode="json"), options=dict(options or {}),
            through_gateway=target.kind is TargetKind.GATEWAY, requested_by=actor.id, status="queued", evidence_ids=[],
        )  # fmt: skip
        self.session.add(row)
        self.session.flush()
        return self.run(row.id)

    def run(self, run_id: str) -> CheckRun:
        """Return one run with its progress.

        Raises:
            NotFound: there is none.
        """
        row = self.row(run_id)
        return _run(row, self.session.get(RunProgressRow, run_id))

    def runs(self, *, system_id: str | None = None, limit: int = 100) -> list[CheckRun]:
        """List runs, newest first."""
        query = (
            select(CheckRunRow, RunProgressRow)
            .outerjoin(RunProgressRow, RunProgressRow.run_id == CheckRunRow.id)
            .order_by(CheckRunRow.created_at.desc(), CheckRunRow.id.desc())
            .limit(limit)
        )
        if system_id is not None:
            query = query.where(CheckRunRow.system_id == system_id)
        return [_run(row, progress) for row, progress in self.session.execute(query)]

    def checked(self) -> frozenset[str]:
        """Return the Systems that some check was run for."""
        found = self.session.scalars(select(CheckRunRow.system_id).distinct())
        return frozenset(each for each in found if each)

    def row(self, run_id: str) -> CheckRunRow:
        """Return the row of a run; for the platform, not for faces."""
        row = self.session.get(CheckRunRow, run_id)
        if row is None:
            raise NotFound("platform:run-unknown", field="run", run=run_id)
        return row

    def began(self, run_id: str, *, total: int) -> None:
        """Mark a run as running; a run that goes on after a crash keeps its beginning."""
        row = self.row(run_id)
        if row.status == "queued":
            row.status, row.started_at = "running", self.desk.clock()
        self.progressed(run_id, 0, total, keep=True)

    def progressed(self, run_id: str, done: int, total: int, *, keep: bool = False) -> None:
        """Note how far a run is.

        Raises:
            Conflict: it has ended: somebody cancelled it, and it need not go on.
        """
        if self.row(run_id).status in ENDED:
            raise Conflict("platform:run-ended", field="run", run=run_id)
        progress = self.session.get(RunProgressRow, run_id)
        if progress is None:
            progress = RunProgressRow(run_id=run_id, done=done, total=total, updated_at=self.desk.clock())
            self.session.add(progress)
        elif not keep:
            progress.done, progress.total, progress.updated_at = done, total, self.desk.clock()
        self.session.flush()

    def ended(self, run_id: str, status: Status, *, evidence_ids: Sequence[str] = (), error: JobError | None = None,
              ) -> None:  # fmt: skip
        """Close a run and take its tokens away; one that has ended stays as it ended."""
        row = self.row(run_id)
        if row.status in ENDED:
            return
        Tokens(self.desk).end_run(run_id)
        row.status, row.finished_at, row.evidence_ids = status, self.desk.clock(), list(evidence_ids)
        if error is not None:
            row.error = {"code": error.code, "field": error.field, "zh": error.message.zh, "en": error.message.en}
        progress = self.session.get(RunProgressRow, run_id)
        if (
            status == "finished" and progress is not None
        ):  # a run executed inline tells its progress to its caller alone
            progress.done = progress.total
        self.session.flush()

    def cancel(self, run_id: str, *, actor: Actor) -> CheckRun:
        """Cancel a run that has not ended.

        Raises:
            Refused: the actor may not.
            Conflict: it has ended.
        """
        row = self.row(run_id)
        demand_over(actor, "run.start", system_row(self.session, row.system_id or ""))
        if row.status in ENDED:
            raise Conflict("platform:run-ended", field="run", run=run_id)
        self.ended(run_id, "cancelled")
        return self.run(run_id)


def _run(row: CheckRunRow, progress: RunProgressRow | None) -> CheckRun:
    error = row.error
    return CheckRun(
        id=row.id, check_id=row.check_id, system_id=row.system_id, target=Target.model_validate(row.target),
        options=row.options, through_gateway=row.through_gateway, requested_by=row.requested_by,
        status=row.status, created_at=row.created_at, started_at=row.started_at,  # type: ignore[arg-type]  # the column holds the literals
        finished_at=row.finished_at, done=progress.done if progress else 0, total=progress.total if progress else 0,
        error=Both(zh=error["zh"], en=error["en"]) if error else None, error_code=error["code"] if error else "",
        evidence_ids=tuple(row.evidence_ids),
    )  # fmt: skip
