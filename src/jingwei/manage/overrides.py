"""Overrides: people raise a grade freely; to lower one takes two named approvers, a reason and an expiry.

Whether an override raises or lowers is asked anew each time, against what the rules compute then: one that was meant
to raise never lowers after the facts got worse.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from jingwei.core.errors import Conflict, InputError, NotFound, Refused
from jingwei.core.identity import Actor, Reauthentication, roles_of
from jingwei.core.identity.actor import covers
from jingwei.core.ids import new_id
from jingwei.core.store.tables import OverrideRow, SystemRow
from jingwei.manage import rows
from jingwei.manage.confirmation import demand_confirmed
from jingwei.manage.decision import HIGHEST, GradeDecision, decide
from jingwei.manage.desk import Desk
from jingwei.manage.facts import HeldFact, checked, plain
from jingwei.manage.model import Override
from jingwei.manage.rights import demand_over
from jingwei.manage.shelf import shelf

APPROVERS_TO_LOWER = 2
LONGEST = timedelta(days=365)
"""A grade lowered for longer than a year is a rule, not an exception."""


class Effective(NamedTuple):
    """The grade in force, and the override that made it so."""

    grade: int
    override: Override | None


class Decided(NamedTuple):
    """The decision about a System as its facts, rules and overrides stand now."""

    decision: GradeDecision
    facts: tuple[HeldFact, ...]
    override: Override | None


def effective(computed: int, overrides: Sequence[Override], *, now: datetime) -> Effective:
    """Return the grade in force after all live overrides, oldest first."""
    grade, cause = computed, None
    for each in overrides:
        live = each.withdrawn_at is None and (each.expires_at is None or now < each.expires_at)
        lowers = each.grade < grade
        approved = len(set(each.approvers)) >= APPROVERS_TO_LOWER and each.expires_at is not None
        if live and each.grade != grade and (not lowers or approved):
            grade, cause = each.grade, each
    return Effective(grade, cause)


def decided(desk: Desk, system_id: str) -> Decided:
    """Decide about a System from its facts as they are now; nothing recorded earlier is believed.

    Raises:
        InputError: facts are missing.
    """
    kept = shelf(desk.session)
    if kept is None:
        return _decide(desk, system_id)
    if system_id not in kept.decided:
        kept.decided[system_id] = _decide(desk, system_id)
    return kept.decided[system_id]


def _decide(desk: Desk, system_id: str) -> Decided:
    held = rows.facts(desk.session, system_id)
    facts = checked(desk.rules, plain(held))
    decision = decide(desk.rules, facts)
    found = effective(decision.computed_grade, _overrides(desk, system_id), now=desk.clock())
    if found.override is not None:
        decision = decide(desk.rules, facts, override=found.grade)
    return Decided(decision, held, found.override)


class Overrides:
    """Asks for, approves and withdraws overrides."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session = desk.session

    def ask(self, system_id: str, grade: int, *, reason: str, actor: Actor, expires_at: datetime | None = None,
            ) -> Override:  # fmt: skip
        """Ask for another grade. A higher one holds at once; a lower one once two people have approved it.

        Raises:
            InputError: no reason, no such grade, or a lower grade without a fitting expiry.
            Refused: the actor may not.
        """
        row = rows.system_row(self.session, system_id)
        present = decided(self.desk, system_id).decision.grade
        if not 1 <= grade <= HIGHEST or grade == present:
            raise InputError("manage:override-grade", field="grade", grade=grade, present=present)
        if not reason.strip():
            raise InputError("manage:override-reason", field="reason")
        lowers = grade < present
        demand_over(actor, "grade.lower" if lowers else "grade.raise", row)
        now = self.desk.clock()
        if lowers and (expires_at is None or not now < expires_at <= now + LONGEST):
            raise InputError("manage:override-expiry", field="expires_at", days=LONGEST.days)
        made = OverrideRow(id=new_id("ovr"), created_at=now, system_id=system_id, grade=grade, reason=reason.strip(),
                           requested_by=actor.id, approvers=[], expires_at=expires_at)  # fmt: skip
        self.session.add(made)
        self.session.flush()
        return rows.override(made)

    def approve(self, override_id: str, *, actor: Actor, proof: Reauthentication) -> Override:
        """Approve a lower grade: not one's own request, once, holding a role that the present lane asks for.

        Raises:
            Refused: the actor asked for it, holds no such role, has approved already, or did not prove themself.
        """
        made = self._live(override_id)
        row = rows.system_row(self.session, made.system_id)
        if actor.id == made.requested_by:
            raise Refused("manage:override-own")
        if actor.id in made.approvers:
            raise Conflict("manage:override-twice")
        computed = decided(self.desk, row.id).decision.computed_grade
        self._demand_role(row, actor, computed)
        demand_confirmed(self.desk, proof, actor=actor, purpose=override_id, grade=computed)
        made.approvers = [*made.approvers, actor.id]
        self.session.flush()
        return rows.override(made)

    def withdraw(self, override_id: str, *, actor: Actor) -> Override:
        """Withdraw an override, where that does not lower the grade.

        Raises:
            Refused: it would lower the grade; that is asked for as a lower grade.
        """
        made = self._live(override_id)
        demand_over(actor, "grade.raise", rows.system_row(self.session, made.system_id))
        before = decided(self.desk, made.system_id).decision
        others = [each for each in _overrides(self.desk, made.system_id) if each.id != override_id]
        if effective(before.computed_grade, others, now=self.desk.clock()).grade < before.grade:
            raise Refused("manage:withdraw-lowers")
        made.withdrawn_at = self.desk.clock()
        self.session.flush()
        return rows.override(made)

    def overrides(self, system_id: str) -> list[Override]:
        """List all overrides of a System, oldest first."""
        return _overrides(self.desk, system_id)

    def _live(self, override_id: str) -> OverrideRow:
        row = self.session.get(OverrideRow, override_id)
        if row is None:
            raise NotFound("manage:override-unknown", field="override", override=override_id)
        if row.withdrawn_at is not None or (row.expires_at is not None and row.expires_at <= self.desk.clock()):
            raise Conflict("manage:override-ended")
        return row

    def _demand_role(self, row: SystemRow, actor: Actor, computed: int) -> None:
        """Ask for a role of the lane that the rules themselves compute, whatever is in force."""
        roles = self.desk.rules.lane(computed).approvers.roles
        held = roles_of(self.session, actor.id)
        if not any(role in roles and covers(domain, row.domain) for role, domain in held):
            raise Refused("manage:override-role", roles=", ".join(roles))


def _overrides(desk: Desk, system_id: str) -> list[Override]:
    return [rows.override(row) for row in reversed(rows.overrides(desk.session, system_id))]
