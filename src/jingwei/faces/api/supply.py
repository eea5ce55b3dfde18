"""The supply chain of a System: the scans in its evidence, and the fixes on their way."""

from typing import Annotated

import orjson
from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, JsonValue

from jingwei.core.evidence import Outcome
from jingwei.core.finding import Severity
from jingwei.deploy.fixing import Fix, FixState
from jingwei.deploy.scanned import Kept, ScanVerdict
from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import EvidenceId, Given, SystemId
from jingwei.faces.api.paging import PAGE, Limit, Offset, Page, page
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import given, said
from jingwei.platform import Hit, ScanProof

router = APIRouter(tags=["supply"], route_class=KeyedRoute, responses=refusals())


class ScanLine(BaseModel):
    """One scan in the evidence, counted; its whole is at `/evidence/{id}/scan`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    evidence_id: str
    type: str
    kind: str
    target: str
    at: AwareDatetime
    outcome: Outcome
    looked_at: int
    verdicts: dict[ScanVerdict, int]
    worst: Severity | None


class FixLine(BaseModel):
    """One fix, with how far it is and when it is due."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fix: Fix
    state: FixState
    due_at: AwareDatetime


class NewAdvisory(Given):
    """An advisory that came in."""

    advisory: dict[str, JsonValue]
    """One OSV record."""


@router.get("/systems/{system_id}/scans", **said("faces.api:list-scans"))
def list_scans(caller: Asking, system_id: SystemId, offset: Offset = 0, limit: Limit = PAGE) -> Page[ScanLine]:
    """List the newest scan of each kind and target, newest first."""
    with caller.reading() as work:
        work.registry.system(system_id)
        return page([_line(each) for each in work.supply.scans(system_id)], offset=offset, limit=limit)


def _line(each: ScanProof) -> ScanLine:
    scanned = each.scan.scanned
    verdicts = {verdict: sum(one.verdict is verdict for one in scanned) for verdict in ScanVerdict}
    verdicts[ScanVerdict.CLEAN] += each.scan.clean
    return ScanLine(
        evidence_id=each.evidence_id, type=each.type, kind=each.scan.kind, target=each.target, at=each.at,
        outcome=each.outcome, looked_at=len(scanned) + each.scan.clean, verdicts=verdicts,
        worst=max((one.worst for one in scanned if one.worst), key=lambda one: one.rank, default=None),
    )  # fmt: skip


@router.get("/evidence/{evidence_id}/scan", **said("faces.api:show-scan"))
def show_scan(caller: Asking, evidence_id: EvidenceId) -> Kept:
    """Show the scan that evidence keeps."""
    with caller.reading() as work:
        return work.supply.scan(evidence_id).scan


@router.get("/fixes", **said("faces.api:list-fixes"))
def list_fixes(caller: Asking, offset: Offset = 0, limit: Limit = PAGE) -> Page[FixLine]:
    """List the fixes, the most urgent first."""
    with caller.reading() as work:
        lines = [FixLine(fix=each, state=each.state, due_at=each.due_at) for each in work.supply.fixes()]
        return page(lines, offset=offset, limit=limit)


@router.post("/advisories/impacted", **said("faces.api:list-impacted"))
def list_impacted(caller: Asking, new: Annotated[NewAdvisory, given("list-impacted")]) -> list[Hit]:
    """List the components of Systems that an advisory hits."""
    with caller.reading() as work:
        return work.supply.impacted(orjson.dumps(new.advisory))
