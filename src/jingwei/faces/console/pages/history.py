"""What happened to one System, told from its records."""

from collections.abc import Iterator, Mapping, Sequence

from jingwei.core.evidence import Evidence
from jingwei.faces.console.caller import Caller
from jingwei.faces.console.views.parts import Row
from jingwei.manage import System
from jingwei.platform import Work

_MOST = 60
_TONES = {"pass": "good", "fail": "bad", "incomplete": "warn"}


def history_of(work: Work, caller: Caller, system: System, evidence: Sequence[Evidence],
               names: Mapping[str, str]) -> tuple[Row, ...]:  # fmt: skip
    """Return what happened, newest first."""
    rows = [Row(at=system.created_at, kind="registered", name=names.get(system.registered_by, "—"), tone="info")]
    rows += _proofs(caller, system, evidence)
    rows += _decisions(work, system, names)
    return tuple(sorted(rows, key=lambda row: row.at, reverse=True)[:_MOST])


def _proofs(caller: Caller, system: System, evidence: Sequence[Evidence]) -> Iterator[Row]:
    types = caller.platform.catalog.evidence_types
    for each in evidence:
        if each.system_id == system.id:
            known = types.get(each.type)
            yield Row(at=each.finished_at, kind="proven", name=known.title if known else each.type,
                      tone=_TONES[each.outcome.value], url=f"/evidence/{each.id}")  # fmt: skip


def _decisions(work: Work, system: System, names: Mapping[str, str]) -> Iterator[Row]:
    grading = work.grading.newest(system.id)
    if grading is not None:
        lane = grading.decision.lane
        yield Row(at=grading.at, kind="graded", name=lane.grade_name, tone="info")
    for policy in work.policies.history(system.id):
        yield Row(at=policy.attached_at, kind="policy", name=policy.digest[:12], tone="info")
    for request in work.gate.requests(system.id):
        page = f"/systems/{system.id}/gate"
        by = names.get(request.requested_by, "—")
        yield Row(at=request.requested_at, kind="requested", name=by, tone="info", url=page)
        for vote in request.votes:
            tone = "good" if vote.approves else "bad"
            yield Row(at=vote.at, kind="signed", name=names.get(vote.account_id, "—"), tone=tone, url=page)
    for token in work.tokens.tokens(system.id):
        if token.kind == "release":
            yield Row(at=token.issued_at, kind="released", name=token.id, tone="good")
        if token.kind == "release" and token.revoked_at is not None:
            yield Row(at=token.revoked_at, kind="revoked", name=token.reason, tone="bad")
