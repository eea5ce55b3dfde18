"""Grading: decides, explains and records the grade of a System."""

from pydantic import ValidationError

from jingwei.core.errors import Tampered
from jingwei.core.evidence import Outcome
from jingwei.core.identity import Actor
from jingwei.core.ids import new_id
from jingwei.core.store.tables import GradeRow
from jingwei.core.text import text
from jingwei.manage import rows
from jingwei.manage.counterfactuals import Counterfactual, counterfactuals
from jingwei.manage.decision import GradeDecision
from jingwei.manage.desk import Desk
from jingwei.manage.facts import plain
from jingwei.manage.lifecycle import move
from jingwei.manage.model import RecordedGrade
from jingwei.manage.overrides import Decided, decided
from jingwei.manage.proof import Proof
from jingwei.manage.rights import demand_over

_EVIDENCE_TYPE = "EV-TIER"
_PRODUCER = "grading"


class Grading:
    """Grades Systems."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session = desk.session

    def preview(self, system_id: str) -> GradeDecision:
        """Decide from the facts as they are now, recording nothing."""
        return decided(self.desk, system_id).decision

    def grade(self, system_id: str, *, actor: Actor) -> RecordedGrade:
        """Grade a System, record the decision with its explanation, and keep it as evidence.

        Raises:
            InputError: facts are missing.
            Refused: the actor may not.
        """
        row = rows.system_row(self.session, system_id)
        demand_over(actor, "grade.decide", row)
        found = decided(self.desk, system_id)
        changes = counterfactuals(self.desk.rules, plain(found.facts))
        before = rows.newest_grade(self.session, system_id)
        made = self._record(system_id, found, changes)
        if row.status == "draft":
            move(row, "assessed")
        proof = Proof(self.desk)
        if before is None or before.grade != made.grade or not proof.holds(system_id, _EVIDENCE_TYPE):
            says = text("manage:graded", grade=found.decision.grade, name=found.decision.lane.grade_name,
                        rules=", ".join(rule.id for rule in found.decision.fired))  # fmt: skip
            proof.record(_EVIDENCE_TYPE, system_id=system_id, actor_id=actor.id, outcome=Outcome.PASS, summary=says,
                         producer=_PRODUCER)  # fmt: skip
        self.session.flush()
        return self._grading(made)

    def newest(self, system_id: str) -> RecordedGrade | None:
        """Return the newest recorded grading."""
        row = rows.newest_grade(self.session, system_id)
        return None if row is None else self._grading(row)

    def _record(self, system_id: str, found: Decided, changes: tuple[Counterfactual, ...]) -> GradeRow:
        decision = found.decision
        body = {
            "decision": decision.model_dump(mode="json"),
            "counterfactuals": [each.model_dump(mode="json") for each in changes],
            "facts": plain(found.facts),
            "overruled": [fact.name for fact in found.facts if fact.overruled is not None],
            "override": found.override.model_dump(mode="json") if found.override else None,
        }
        row = GradeRow(id=new_id("grd"), created_at=self.desk.clock(), system_id=system_id, grade=decision.grade,
                       computed_grade=decision.computed_grade, rules_digest=decision.rules_digest,
                       facts_digest=decision.facts_digest, body=body,
                       override_id=found.override.id if found.override else None)  # fmt: skip
        self.session.add(row)
        self.session.flush()
        return row

    def _grading(self, row: GradeRow) -> RecordedGrade:
        try:
            return RecordedGrade.model_validate({
                "id": row.id, "system_id": row.system_id, "at": row.created_at, "decision": row.body["decision"],
                "counterfactuals": row.body["counterfactuals"], "overruled": row.body["overruled"],
                "override": row.body["override"],
            })  # fmt: skip
        except (ValidationError, KeyError) as error:
            raise Tampered("manage:record-changed", record=row.id) from error
