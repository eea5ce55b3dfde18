"""Candidate policies: proposed by one person, tried in the shadow and on recorded traffic, put in force by two others.

    proposed ─► draft ⇄ shadow ─► replayed (a trial) ─► signed by two who did not propose it ─► promoted
                        └──────────────────────────────────────────────────────────────────► withdrawn

A signature covers the digests of the candidate and of its trial: a new trial, and every signature is void. Promotion is
refused while the trial would stop more of the traffic that passes now than the budget allows. What a promoted policy
does to evidence is what any new policy does: evidence of behaviour lapses, and the gate asks for it anew.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from jingwei.core.canonical import Json, digest
from jingwei.core.errors import Conflict, InputError, NotFound, Refused
from jingwei.core.identity import Actor, Reauthentication, roles_of
from jingwei.core.identity.actor import covers
from jingwei.core.ids import new_id
from jingwei.core.policy import Policy
from jingwei.core.store.tables import CandidateRow, CandidateSignatureRow, SystemRow
from jingwei.core.text import text
from jingwei.manage import rows
from jingwei.manage.confirmation import demand_confirmed
from jingwei.manage.desk import Desk
from jingwei.manage.overrides import decided
from jingwei.manage.policies import Policies
from jingwei.manage.rights import demand_over, rights

SIGNERS = 2
LARGEST_BUDGET = 0.2
"""A policy that newly stops more than a fifth of what passes is no tuning."""
_PROPOSE, _TRY, _PROMOTE, _ATTACH = "policy.propose", "policy.try", "policy.promote", "policy.attach"

CandidateState = Literal["draft", "shadow", "promoted", "withdrawn"]


class CandidateSignature(BaseModel):
    """One person's yes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account_id: str
    at: datetime
    holds: bool
    """False where the trial is another one by now, or the person lost the role."""


class Candidate(BaseModel):
    """A candidate policy as it stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    system_id: str
    policy: Policy
    digest: str
    proposed_by: str
    proposed_at: datetime
    reason: str
    state: CandidateState
    false_positive_budget: float
    trial: dict[str, Any]  # Any: JSON; `platform.Trial` gives it its shape
    covered_digest: str
    """What a signature made now would cover."""
    signatures: tuple[CandidateSignature, ...]
    decided_at: datetime | None

    @property
    def signed(self) -> int:
        """Return how many signatures hold."""
        return sum(each.holds for each in self.signatures)

    @property
    def fits(self) -> bool:
        """Tell whether its trial is one that can be signed."""
        try:
            demand_trial(self.trial, budget=self.false_positive_budget)
        except Refused:
            return False
        return True


class Candidates:
    """Keeps candidate policies and the votes on them."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session = desk.session

    def propose(self, policy: Policy, *, reason: str, budget: float, actor: Actor) -> Candidate:
        """Enter a candidate; the platform has seen to it that its grade allows it.

        Raises:
            Refused: the actor may not.
            InputError: no reason, a budget out of bounds, or nothing would change.
        """
        policy = Policy.model_validate(policy.model_dump())  # a copy would carry the digest of its original
        demand_over(actor, _PROPOSE, rows.system_row(self.session, policy.system_id))
        present = Policies(self.desk).in_force(policy.system_id)
        if present is None:
            raise InputError("manage:candidate-no-policy", field="policy")
        if present.digest == policy.digest:
            raise InputError("manage:candidate-same", field="policy")
        if not reason.strip():
            raise InputError("manage:candidate-reason", field="reason")
        if not 0 <= budget <= LARGEST_BUDGET:
            raise InputError("manage:candidate-budget", field="budget", most=LARGEST_BUDGET)
        row = CandidateRow(
            id=new_id("cand"), created_at=self.desk.clock(), system_id=policy.system_id, digest=policy.digest,
            body=policy.model_dump(mode="json"), proposed_by=actor.id, reason=reason.strip()[:4000], state="draft",
            false_positive_budget=budget, trial={},
        )  # fmt: skip
        self.session.add(row)
        self.session.flush()
        return self._candidate(row)

    def shadow(self, candidate_id: str, *, on: bool, actor: Actor) -> Candidate:
        """Judge live traffic by the candidate too, and enforce nothing of it; or stop that.

        Raises:
            Refused: the actor may not.
            Conflict: it is closed, or another candidate of the System is in the shadow.
        """
        row = self._open(candidate_id)
        demand_over(actor, _TRY, rows.system_row(self.session, row.system_id))
        other = self._shadowed(row.system_id)
        if on and other is not None and other.id != row.id:
            raise Conflict("manage:candidate-shadow-other", candidate=other.id)
        row.state = "shadow" if on else "draft"
        self.session.flush()
        return self._candidate(row)

    def tried(self, candidate_id: str, trial: Mapping[str, Json]) -> Candidate:
        """Keep what a replay found; signatures over another trial hold no more. For the platform, not for faces."""
        row = self._open(candidate_id)
        row.trial = dict(trial)
        self.session.flush()
        return self._candidate(row)

    def sign(self, candidate_id: str, *, actor: Actor, proof: Reauthentication) -> Candidate:
        """Say yes to a candidate with its trial.

        Raises:
            Refused: it is the actor's own, the role or the proof does not hold, or the trial does not allow it.
            Conflict: it is closed, or the actor has signed it as it stands.
        """
        row = self._open(candidate_id)
        system = rows.system_row(self.session, row.system_id)
        demand_over(actor, _PROMOTE, system)
        if actor.id == row.proposed_by:
            raise Refused("manage:candidate-own")
        if any(each.account_id == actor.id and each.holds for each in self._signatures(row, system)):
            raise Conflict("manage:candidate-twice")
        demand_confirmed(
            self.desk, proof, actor=actor, purpose=row.id, grade=decided(self.desk, system.id).decision.grade
        )
        demand_trial(row.trial, budget=row.false_positive_budget)
        now, covered = self.desk.clock(), _covered(row)
        found = self.session.scalar(
            select(CandidateSignatureRow).where(
                CandidateSignatureRow.candidate_id == row.id, CandidateSignatureRow.account_id == actor.id
            )
        )
        if found is not None:  # of an earlier trial
            found.covered_digest = covered
        else:
            self.session.add(CandidateSignatureRow(id=new_id("csg"), created_at=now, candidate_id=row.id,
                                                   account_id=actor.id, covered_digest=covered))  # fmt: skip
        self.session.flush()
        return self._candidate(row)

    def promote(self, candidate_id: str, *, actor: Actor) -> Candidate:
        """Put a candidate in force: it becomes the policy, and evidence of behaviour lapses.

        Raises:
            Refused: the actor may not, signatures are missing, or the trial does not allow it.
            Conflict: it is closed.
        """
        row = self._open(candidate_id)
        system = rows.system_row(self.session, row.system_id)
        demand_over(actor, _ATTACH, system)
        demand_trial(row.trial, budget=row.false_positive_budget)
        holding = [each.account_id for each in self._signatures(row, system) if each.holds]
        if len(set(holding)) < SIGNERS or not any(self._holds(each, _ATTACH, system) for each in holding):
            raise Refused("manage:candidate-signatures", count=len(set(holding)))
        Policies(self.desk).attach(Policy.model_validate(row.body), actor=actor)
        self._close(row, "promoted")
        return self._candidate(row)

    def withdraw(self, candidate_id: str, *, actor: Actor) -> Candidate:
        """Take a candidate back: its proposer, or who may try candidates.

        Raises:
            Refused: the actor may not.
            Conflict: it is closed.
        """
        row = self._open(candidate_id)
        right = _PROPOSE if actor.id == row.proposed_by else _TRY
        demand_over(actor, right, rows.system_row(self.session, row.system_id))
        self._close(row, "withdrawn")
        return self._candidate(row)

    def candidate(self, candidate_id: str) -> Candidate:
        """Return one candidate.

        Raises:
            NotFound: there is none.
        """
        return self._candidate(self._row(candidate_id))

    def candidates(self, system_id: str | None = None, *, limit: int = 200) -> list[Candidate]:
        """List candidates, newest first."""
        query = select(CandidateRow).order_by(CandidateRow.created_at.desc(), CandidateRow.id.desc()).limit(limit)
        if system_id is not None:
            query = query.where(CandidateRow.system_id == system_id)
        return [self._candidate(row) for row in self.session.scalars(query)]

    def shadowed(self, system_id: str) -> Policy | None:
        """Return the policy that runs in the shadow of a System. For the relay, which tells gateways."""
        row = self._shadowed(system_id)
        return None if row is None else Policy.model_validate(row.body)

    def _shadowed(self, system_id: str) -> CandidateRow | None:
        query = select(CandidateRow).where(CandidateRow.system_id == system_id, CandidateRow.state == "shadow")
        return self.session.scalars(query).first()

    def _row(self, candidate_id: str) -> CandidateRow:
        row = self.session.get(CandidateRow, candidate_id)
        if row is None:
            raise NotFound("manage:candidate-unknown", field="candidate", candidate=candidate_id[:80])
        return row

    def _open(self, candidate_id: str) -> CandidateRow:
        row = self._row(candidate_id)
        if row.state not in {"draft", "shadow"}:
            raise Conflict("manage:candidate-closed", state=text(f"manage:candidate-state-{row.state}"))
        return row

    def _close(self, row: CandidateRow, state: CandidateState) -> None:
        row.state, row.decided_at = state, self.desk.clock()
        self.session.flush()

    def _holds(self, account_id: str, right: str, system: SystemRow) -> bool:
        """Ask the database, not an actor: a role taken back a moment ago counts no more."""
        roles = rights()[right].roles
        held = roles_of(self.session, account_id)
        return any(role in roles and covers(domain, system.domain) for role, domain in held)

    def _signatures(self, row: CandidateRow, system: SystemRow) -> Sequence[CandidateSignature]:
        query = select(CandidateSignatureRow).where(CandidateSignatureRow.candidate_id == row.id)
        covered = _covered(row)
        return [
            CandidateSignature(account_id=each.account_id, at=each.created_at,
                               holds=each.covered_digest == covered and each.account_id != row.proposed_by
                               and self._holds(each.account_id, _PROMOTE, system))
            for each in self.session.scalars(query.order_by(CandidateSignatureRow.created_at))
        ]  # fmt: skip

    def _candidate(self, row: CandidateRow) -> Candidate:
        system = rows.system_row(self.session, row.system_id)
        return Candidate.model_validate({
            "id": row.id, "system_id": row.system_id, "policy": row.body, "digest": row.digest,
            "proposed_by": row.proposed_by, "proposed_at": row.created_at, "reason": row.reason, "state": row.state,
            "false_positive_budget": row.false_positive_budget, "trial": row.trial, "covered_digest": _covered(row),
            "signatures": tuple(self._signatures(row, system)), "decided_at": row.decided_at,
        })  # fmt: skip


def demand_trial(trial: Mapping[str, Any], *, budget: float) -> None:  # Any: JSON of our own
    """Refuse a candidate whose replay is missing, saw too little, or stops too much.

    Raises:
        Refused: names which.
    """
    if trial.get("state") != "finished":
        raise Refused("manage:candidate-untried")
    passing, least = int(trial["passing"]), int(trial["least"])
    if passing < least:
        raise Refused("manage:candidate-too-few", count=passing, least=least)
    share = int(trial["newly_stopped"]) / passing
    if share > budget:
        raise Refused("manage:candidate-over-budget", share=f"{share:.2%}", budget=f"{budget:.2%}")


def _covered(row: CandidateRow) -> str:
    return digest({"candidate": row.digest, "trial": row.trial, "budget": row.false_positive_budget})
