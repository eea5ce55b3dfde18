"""A System's dossier: everything the gate looks at, read once, and the verdict it gives."""

from dataclasses import dataclass
from datetime import datetime

from jingwei.core.evidence import Evidence
from jingwei.core.finding import Finding
from jingwei.core.store.tables import SystemRow
from jingwei.manage import rows
from jingwei.manage.campaign_risks import open_risks
from jingwei.manage.desk import Desk
from jingwei.manage.overrides import Decided, decided
from jingwei.manage.proof import Proof
from jingwei.manage.responsibility import responsibility_findings
from jingwei.manage.shelf import shelf
from jingwei.manage.standing import InUse
from jingwei.manage.use import in_use
from jingwei.manage.verdict import Circumstances, GateVerdict, judge


@dataclass(frozen=True, slots=True)
class Dossier:
    """All inputs of one verdict."""

    row: SystemRow
    decided: Decided
    evidence: tuple[Evidence, ...]
    in_use: InUse
    findings: tuple[Finding, ...]
    circumstances: Circumstances
    verdict: GateVerdict


def dossier(desk: Desk, system_id: str, *, now: datetime | None = None) -> Dossier:
    """Read everything about a System as it is now, and judge it.

    Raises:
        InputError: facts are missing.
        Tampered: stored evidence is not what was signed.
    """
    kept = shelf(desk.session)
    if kept is None or now is not None:
        return _read(desk, system_id, now=now)
    if system_id not in kept.dossiers:
        kept.dossiers[system_id] = _read(desk, system_id, now=None)
    return kept.dossiers[system_id]


def _read(desk: Desk, system_id: str, *, now: datetime | None) -> Dossier:
    row = rows.system_row(desk.session, system_id)
    found = decided(desk, system_id)
    evidence = tuple(Proof(desk).all_of(system_id))
    used = in_use(desk, system_id)
    findings = (*responsibility_findings(*rows.parts(desk.session, system_id)), *open_risks(desk.session, system_id))
    circumstances = _circumstances(desk, row)
    verdict = judge(found.decision, kinds=desk.catalog.evidence_types, evidence=evidence, in_use=used,
                    findings=findings, circumstances=circumstances, now=now or desk.clock())  # fmt: skip
    return Dossier(row=row, decided=found, evidence=evidence, in_use=used, findings=findings,
                   circumstances=circumstances, verdict=verdict)  # fmt: skip


def _circumstances(desk: Desk, row: SystemRow) -> Circumstances:
    policy = rows.policy_row(desk.session, row.id)
    graded = rows.newest_grade(desk.session, row.id)
    return Circumstances(
        status=row.status,
        policy_grade=rows.policy(policy).grade if policy is not None else None,
        graded_rules=graded.rules_digest if graded is not None else None,
        graded_facts=graded.facts_digest if graded is not None else None,
        graded_at_grade=graded.grade if graded is not None else None,
    )
