"""The gate: judges, takes requests and signatures, and issues the release token.

    verdict ─► open request ─► signatures of the lane ─► release: the verdict again, now, and then the token
                    └── anything it covered changes ─► it lapses, and with it every signature

Four eyes: the requester never approves; one person has one vote and fills one role; each signature is made right after
the person proved themself again, for this request; it covers the digest of the evidence set.
"""

from collections.abc import Sequence

from sqlalchemy import select

from jingwei.core.errors import Conflict, NotFound, Refused
from jingwei.core.evidence import Outcome
from jingwei.core.identity import Actor, Reauthentication, roles_of
from jingwei.core.identity.actor import covers
from jingwei.core.ids import new_id
from jingwei.core.store.tables import ReleaseRequestRow, SignatureRow
from jingwei.core.text import text
from jingwei.manage.attestation import attest, verified
from jingwei.manage.confirmation import demand_confirmed
from jingwei.manage.desk import Desk
from jingwei.manage.dossier import Dossier, dossier
from jingwei.manage.lifecycle import move
from jingwei.manage.line import demand_below_the_line
from jingwei.manage.model import ReleaseRequest, TokenRecord, Vote
from jingwei.manage.proof import Proof
from jingwei.manage.quorum import Ballot, quorum
from jingwei.manage.replay import recorded, replayed
from jingwei.manage.rights import demand_over, demand_scope
from jingwei.manage.tokens import Tokens
from jingwei.manage.verdict import GateVerdict


class Gate:
    """Decides whether a System may be released, and issues the token."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session = desk.session

    def verdict(self, system_id: str) -> GateVerdict:
        """Judge a System as it is now: what is missing, failed, expired or stale, and what would change it."""
        return dossier(self.desk, system_id).verdict

    def open_request(self, system_id: str, *, actor: Actor) -> ReleaseRequest:
        """Ask for a release; only where the gate is open, since signatures cover what it rests on.

        Raises:
            Refused: the actor may not, the System is above the line, or the gate is closed.
        """
        found = dossier(self.desk, system_id)
        demand_over(actor, "gate.request", found.row)
        _demand_open(found)
        self._lapse_open(system_id)
        decided, verdict = found.decided, found.verdict
        row = ReleaseRequestRow(
            id=new_id("req"), created_at=self.desk.clock(), system_id=system_id, requested_by=actor.id, status="open",
            grade=decided.decision.grade, configuration_digest=found.in_use.configuration.digest,
            policy_digest=found.in_use.configuration.policy, evidence_digest=verdict.evidence_digest,
            body={"verdict": verdict.model_dump(mode="json"), "inputs": recorded(found)},
        )  # fmt: skip
        self.session.add(row)
        self.session.flush()
        return self.request(row.id)

    def sign(self, request_id: str, *, actor: Actor, role: str, proof: Reauthentication, approves: bool = True,
             comment: str = "") -> ReleaseRequest:  # fmt: skip
        """Vote on a request in one role of its lane.

        Args:
            request_id: the request.
            actor: who votes.
            role: which role of the lane the vote fills.
            proof: from `Accounts.reauthenticate`, for this request.
            approves: False rejects the request.
            comment: why.

        Raises:
            Conflict: the request is closed or has lapsed, or the person or the role has voted.
            Refused: it is the requester's own, the role is not asked for or not held, or the proof does not hold.
        """
        demand_scope(actor, "gate.sign")
        row = self._open(request_id)
        found = dossier(self.desk, row.system_id)
        lane = found.decided.decision.lane
        if lane.approvers.four_eyes and actor.id == row.requested_by:
            raise Refused("manage:sign-own-request")
        self._demand_first_vote(row, actor, role)
        if role not in lane.approvers.roles:
            raise Refused("manage:role-not-asked", field="role", role=role, roles=", ".join(lane.approvers.roles))
        if not self._holds(actor.id, role, found.row.domain):
            raise Refused("manage:role-not-held", field="role", role=role, domain=found.row.domain)
        demand_confirmed(self.desk, proof, actor=actor, purpose=row.id, grade=row.grade)
        self._demand_unchanged(row, found)
        if approves:
            _demand_open(found)
        self._vote(row, actor=actor, role=role, approves=approves, comment=comment)
        self._settle(row, found)
        return self.request(row.id)

    def withdraw(self, request_id: str, *, actor: Actor) -> ReleaseRequest:
        """Take a request back; only who made it may."""
        demand_scope(actor, "gate.request")
        row = self._open(request_id)
        if actor.id != row.requested_by:
            raise Refused("manage:withdraw-other")
        self._close(row, "withdrawn")
        return self.request(row.id)

    def release(self, request_id: str, *, actor: Actor) -> TokenRecord:
        """Issue the release token, if the gate is open now and the signatures suffice.

        Raises:
            Refused: the actor may not, the System is above the line, the gate is closed, or signatures are missing.
            Conflict: the request is closed, or what it covers has changed.
            Tampered: a stored signature is not what was signed.
        """
        row = self._open(request_id)
        found = dossier(self.desk, row.system_id)
        demand_over(actor, "gate.release", found.row)
        demand_below_the_line(found.decided.decision)
        self._demand_unchanged(row, found)
        _demand_open(found)
        count = quorum(found.decided.decision.lane.approvers, self._ballots(row, found.row.domain),
                       requested_by=row.requested_by)  # fmt: skip
        if count.still_needed or count.rejected:
            raise Refused("manage:signatures-missing", count=count.still_needed, roles=", ".join(count.wanted_roles))
        if found.row.status != "live":
            move(found.row, "approved")
            move(found.row, "live")
        issued = Tokens(self.desk).issue_release(found, request_id=row.id)
        self._close(row, "released")
        self._lapse_open(row.system_id)
        self._record(row, actor)
        return issued

    def request(self, request_id: str) -> ReleaseRequest:
        """Return a request with its votes; one whose ground has changed shows as lapsed."""
        row = self._row(request_id)
        status = row.status
        approvers = self.desk.rules.lane(row.grade).approvers
        if status == "open" and self._changed(row, dossier(self.desk, row.system_id)):
            status = "lapsed"
        votes = self._votes(row.id)
        count = quorum(approvers, [Ballot(vote.account_id, vote.role, vote.approves) for vote in votes],
                       requested_by=row.requested_by)  # fmt: skip
        return ReleaseRequest.model_validate({
            "id": row.id, "system_id": row.system_id, "requested_by": row.requested_by, "requested_at": row.created_at,
            "status": status, "grade": row.grade, "configuration_digest": row.configuration_digest,
            "policy_digest": row.policy_digest, "evidence_digest": row.evidence_digest,
            "verdict": row.body["verdict"], "votes": [_vote(vote) for vote in votes],
            "roles_wanted": count.wanted_roles, "still_needed": count.still_needed, "closed_at": row.closed_at,
        })  # fmt: skip

    def requests(self, system_id: str | None = None, *, status: str | None = None) -> list[ReleaseRequest]:
        """List requests, newest first."""
        query = select(ReleaseRequestRow.id).order_by(ReleaseRequestRow.created_at.desc(), ReleaseRequestRow.id)
        if system_id is not None:
            query = query.where(ReleaseRequestRow.system_id == system_id)
        if status is not None:  # one that shows as lapsed may still be written as open
            query = query.where(ReleaseRequestRow.status.in_({status, "open"}))
        found = [self.request(each) for each in self.session.scalars(query)]
        return [each for each in found if status is None or each.status == status]

    def replay(self, request_id: str) -> GateVerdict:
        """Judge a request's recorded inputs again.

        Raises:
            Conflict: the rules have changed since; replay with the rule pack of then.
            Tampered: the verdict comes out differently.
        """
        return replayed(self.desk, self._row(request_id))

    def _row(self, request_id: str) -> ReleaseRequestRow:
        row = self.session.get(ReleaseRequestRow, request_id)
        if row is None:
            raise NotFound("manage:request-unknown", field="request", request=request_id)
        return row

    def _open(self, request_id: str) -> ReleaseRequestRow:
        row = self._row(request_id)
        if row.status != "open":
            raise Conflict("manage:request-closed", status=text(f"manage:closed-{row.status}"))
        return row

    def _votes(self, request_id: str) -> Sequence[SignatureRow]:
        query = select(SignatureRow).where(SignatureRow.request_id == request_id)
        return self.session.scalars(query.order_by(SignatureRow.created_at, SignatureRow.id)).all()

    def _ballots(self, row: ReleaseRequestRow, domain: str) -> list[Ballot]:
        """Return the votes that hold: signed as stored, by people who still hold the role."""
        ballots = [verified(row, vote, self.desk.signer.verifier) for vote in self._votes(row.id)]
        return [each for each in ballots if self._holds(each.account_id, each.role, domain)]

    def _holds(self, account_id: str, role: str, domain: str) -> bool:
        """Ask the database, not the actor: a role taken back a moment ago no longer signs."""
        return any(held == role and covers(where, domain) for held, where in roles_of(self.session, account_id))

    def _demand_first_vote(self, row: ReleaseRequestRow, actor: Actor, role: str) -> None:
        votes = self._votes(row.id)
        if any(vote.account_id == actor.id for vote in votes):
            raise Conflict("manage:sign-twice")
        if any(vote.role == role for vote in votes):
            raise Conflict("manage:role-filled", field="role", role=role)

    def _changed(self, row: ReleaseRequestRow, found: Dossier) -> bool:
        present = (found.decided.decision.grade, found.in_use.configuration.digest, found.in_use.configuration.policy,
                   found.verdict.evidence_digest)  # fmt: skip
        return present != (row.grade, row.configuration_digest, row.policy_digest, row.evidence_digest)

    def _demand_unchanged(self, row: ReleaseRequestRow, found: Dossier) -> None:
        demand_below_the_line(found.decided.decision)
        if self._changed(row, found):
            raise Conflict("manage:request-lapsed")

    def _vote(self, row: ReleaseRequestRow, *, actor: Actor, role: str, approves: bool, comment: str) -> None:
        now = self.desk.clock()
        vote = SignatureRow(id=new_id("sig"), created_at=now, request_id=row.id, account_id=actor.id, role=role,
                            approves=approves, comment=comment, evidence_digest=row.evidence_digest)  # fmt: skip
        vote.attestation = attest(row, vote, at=now, signer=self.desk.signer)
        self.session.add(vote)
        self.session.flush()

    def _settle(self, row: ReleaseRequestRow, found: Dossier) -> None:
        count = quorum(found.decided.decision.lane.approvers, self._ballots(row, found.row.domain),
                       requested_by=row.requested_by)  # fmt: skip
        if count.rejected:
            self._close(row, "rejected")
        elif not count.still_needed and found.row.status in {"assessed", "suspended"}:
            move(found.row, "approved")
        self.session.flush()

    def _close(self, row: ReleaseRequestRow, status: str) -> None:
        row.status, row.closed_at = status, self.desk.clock()
        self.session.flush()

    def _lapse_open(self, system_id: str) -> None:
        """Close what is still open: a newer request or a release has taken its place."""
        query = select(ReleaseRequestRow).where(ReleaseRequestRow.system_id == system_id)
        for row in self.session.scalars(query.where(ReleaseRequestRow.status == "open")).all():
            self._close(row, "lapsed")

    def _record(self, row: ReleaseRequestRow, actor: Actor) -> None:
        """Keep verdict and signatures as evidence of the release itself."""
        proof, count = Proof(self.desk), len(self._votes(row.id))
        for type_id in ("EV-GATE", "EV-APPROVAL"):
            if type_id in self.desk.catalog.evidence_types:
                proof.record(type_id, system_id=row.system_id, actor_id=actor.id, producer="gates",
                             outcome=Outcome.PASS,
                             summary=text("manage:released", request=row.id, count=count))  # fmt: skip


def _demand_open(found: Dossier) -> None:
    demand_below_the_line(found.decided.decision)
    verdict = found.verdict
    if not verdict.passed:
        wanting = [item.type for item in verdict.open_items] + [blocker.code for blocker in verdict.blockers]
        raise Refused("manage:gate-closed", count=len(wanting), wanting=", ".join(wanting))


def _vote(row: SignatureRow) -> Vote:
    return Vote(id=row.id, account_id=row.account_id, role=row.role, approves=row.approves, comment=row.comment,
                evidence_digest=row.evidence_digest, at=row.created_at)  # fmt: skip
