"""Replay: a verdict's inputs as they are recorded with a request, and the verdict made from them again."""

from typing import Any

from jingwei.core.clock import stamp
from jingwei.core.errors import Conflict, Tampered
from jingwei.core.finding import Finding
from jingwei.core.store.tables import ReleaseRequestRow
from jingwei.manage.decision import decide
from jingwei.manage.desk import Desk
from jingwei.manage.dossier import Dossier
from jingwei.manage.facts import plain
from jingwei.manage.proof import Proof
from jingwei.manage.standing import InUse
from jingwei.manage.verdict import Circumstances, GateVerdict, judge


def recorded(found: Dossier) -> dict[str, Any]:  # Any: JSON of a row's body
    """Return the inputs of a verdict as JSON."""
    decision = found.decided.decision
    return {
        "rules": decision.rules_digest,
        "facts": plain(found.decided.facts),
        "override": decision.grade if found.decided.override else None,
        "evidence": sorted(each.id for each in found.evidence),
        "in_use": {**found.in_use.model_dump(mode="json"), "observed": sorted(found.in_use.observed)},
        "findings": [each.model_dump(mode="json") for each in found.findings],
        "circumstances": found.circumstances.model_dump(mode="json"),
        "now": stamp(found.verdict.at),
    }


def replayed(desk: Desk, row: ReleaseRequestRow) -> GateVerdict:
    """Judge the recorded inputs again and compare.

    Raises:
        Conflict: the rules are not those of then.
        Tampered: the verdict comes out differently, or its evidence was changed.
    """
    inputs, then = row.body["inputs"], GateVerdict.model_validate(row.body["verdict"])
    if inputs["rules"] != desk.rules.digest:
        raise Conflict("manage:replay-other-rules", digest=inputs["rules"])
    proof = Proof(desk)
    again = judge(
        decide(desk.rules, inputs["facts"], override=inputs["override"]),
        kinds=desk.catalog.evidence_types,
        evidence=[proof.evidence(each) for each in inputs["evidence"]],
        in_use=InUse.model_validate(inputs["in_use"]),
        findings=[Finding.model_validate(each) for each in inputs["findings"]],
        circumstances=Circumstances.model_validate(inputs["circumstances"]),
        now=then.at,
    )
    if again != then:
        raise Tampered("manage:replay-differs", request=row.id)
    return again
