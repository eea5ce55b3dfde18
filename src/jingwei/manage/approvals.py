"""Approvals: tool calls of agents that wait for a person, and what the person said.

    a gateway holds a call ─► waiting ─► approved ─► used          by the same call, once, on the host that asked
                                 │           └─────► lapsed        nobody used it in time, or the policy changed
                                 ├─► refused                       by a person
                                 └─► lapsed                        nobody decided in time

An approval is bound to {principal, server, tool, digest of the arguments, policy, expiry}. Four eyes: whoever made the
key that the agent calls with, or asked for the run it belongs to, does not approve its calls. To approve, a person
proves themself again, as for a signature; to refuse, the right is enough. Blue Book 四(三), 四(四).
"""

import json
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from jingwei.core.errors import Conflict, InputError, NotFound, Refused
from jingwei.core.identity import Actor, Reauthentication
from jingwei.core.principal import RUN_PREFIX, may_be_key
from jingwei.core.snapshot import Approval
from jingwei.core.store.tables import ApiKeyRow, ApprovalRow, CheckRunRow, EntryRow
from jingwei.core.text import text
from jingwei.manage import rows
from jingwei.manage.confirmation import demand_confirmed
from jingwei.manage.desk import Desk
from jingwei.manage.rights import demand_over

ApprovalState = Literal["waiting", "approved", "refused", "used", "lapsed"]
MOST_LISTED = 500


class HeldCall(BaseModel):
    """A tool call that a gateway holds for a person, as its event tells it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    host: str
    system_id: str
    principal: str
    session: str = ""
    server: str = ""
    tool: str
    effect: str
    why: str
    arguments_digest: str
    arguments: str = ""
    """Redacted and cut, for a person to read."""
    policy_digest: str
    at: datetime
    expires_at: datetime


class ApprovalRecord(HeldCall):
    """A held call with what became of it."""

    state: ApprovalState
    """`lapsed` also where the row still waits but its time is over or the policy has changed."""
    decided_by: str = ""
    decided_at: datetime | None = None
    reason: str = ""


class Approvals:
    """Takes in, decides and ends the requests of agents for a person."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session = desk.session

    def ask(self, call: HeldCall) -> ApprovalRecord:
        """Enter a held call; safe to repeat. For the relay, not for faces."""
        row = self.session.get(ApprovalRow, call.id)
        if row is None:
            row = ApprovalRow(
                id=call.id, created_at=self.desk.clock(), system_id=call.system_id, host=call.host,
                principal=call.principal[:120], session=call.session, server=call.server[:120], tool=call.tool[:120],
                effect=call.effect, why=call.why[:80], arguments_digest=call.arguments_digest,
                arguments=call.arguments, policy_digest=call.policy_digest, state="waiting", requested_at=call.at,
                expires_at=call.expires_at, decided_by="", reason="",
            )  # fmt: skip
            self.session.add(row)
            self.session.flush()
        return self._record(row)

    def approve(self, approval_id: str, *, actor: Actor, proof: Reauthentication, reason: str = "") -> ApprovalRecord:
        """Let one call pass once: the same caller, server, tool and arguments, under the same policy, in time.

        Raises:
            Refused: the actor may not, made the agent's key or asked for its run, or did not prove themself for this.
            Conflict: the request was decided, has been used or has lapsed.
        """
        row = self._waiting(approval_id)
        system = rows.system_row(self.session, row.system_id)
        demand_over(actor, "approval.decide", system)
        requesters = self._requesters(row)
        if not requesters:  # whose call it is cannot be told, so nor can it be told that it is not the actor's
            raise Refused("manage:approve-unknown-caller", principal=row.principal)
        if actor.id in requesters:
            raise Refused("manage:approve-own-call")
        policy = rows.policy_row(self.session, row.system_id)
        graded = rows.newest_grade(self.session, row.system_id)
        grade = max(int(policy.body["grade"]) if policy else 5, graded.grade if graded else 0)
        demand_confirmed(self.desk, proof, actor=actor, purpose=approval_id, grade=grade)
        return self._decide(row, "approved", actor, reason)

    def refuse(self, approval_id: str, *, actor: Actor, reason: str) -> ApprovalRecord:
        """Say no; the call stays held.

        Raises:
            InputError: no reason was given.
            Refused: the actor may not.
            Conflict: the request was decided, has been used or has lapsed.
        """
        row = self._waiting(approval_id)
        demand_over(actor, "approval.decide", rows.system_row(self.session, row.system_id))
        if not reason.strip():
            raise InputError("manage:reason-empty", field="reason")
        return self._decide(row, "refused", actor, reason)

    def used(self, approval_id: str) -> None:
        """Mark an approval as used, once its gateway says so; safe to repeat. For the relay, not for faces."""
        row = self.session.get(ApprovalRow, approval_id)
        if row is not None and row.state == "approved":
            row.state = "used"
            self.session.flush()

    def lapse(self) -> int:
        """Mark what nobody decided or used in time; return how many. For the relay, not for faces."""
        over = self.session.scalars(
            select(ApprovalRow).where(
                ApprovalRow.state.in_(("waiting", "approved")), ApprovalRow.expires_at <= self.desk.clock()
            )
        ).all()
        for row in over:
            row.state = "lapsed"
        self.session.flush()
        return len(over)

    def approval(self, approval_id: str) -> ApprovalRecord:
        """Return one request."""
        return self._record(self._row(approval_id))

    def approvals(
        self, system_id: str | None = None, *, state: ApprovalState | None = None, limit: int = MOST_LISTED
    ) -> list[ApprovalRecord]:
        """List requests, newest first: the queue with `state="waiting"`."""
        query = select(ApprovalRow).order_by(ApprovalRow.requested_at.desc(), ApprovalRow.id.desc())
        if system_id is not None:
            query = query.where(ApprovalRow.system_id == system_id)
        if state is not None:  # one that shows as lapsed may still be written as open
            states = (state, "waiting", "approved") if state == "lapsed" else (state,)
            query = query.where(ApprovalRow.state.in_(states))
        found = [self._record(row) for row in self.session.scalars(query.limit(min(limit, MOST_LISTED)))]
        return [each for each in found if state is None or each.state == state]

    def granted(self, host: str) -> tuple[Approval, ...]:
        """Return what gateways of a host may honour now: approved, unexpired, under the policy in force."""
        query = select(ApprovalRow).where(
            ApprovalRow.state == "approved", ApprovalRow.host == host, ApprovalRow.expires_at > self.desk.clock()
        )
        return tuple(
            Approval(id=row.id, host=row.host, system_id=row.system_id, principal=row.principal, server=row.server,
                     tool=row.tool, arguments_digest=row.arguments_digest, policy_digest=row.policy_digest,
                     expires_at=row.expires_at)
            for row in self.session.scalars(query.order_by(ApprovalRow.id))
            if self._of_present_policy(row)
        )  # fmt: skip

    def _decide(self, row: ApprovalRow, state: ApprovalState, actor: Actor, reason: str) -> ApprovalRecord:
        row.state, row.decided_by, row.decided_at = state, actor.id, self.desk.clock()
        row.reason = reason.strip()[:4000]
        self.session.flush()
        return self._record(row)

    def _row(self, approval_id: str) -> ApprovalRow:
        row = self.session.get(ApprovalRow, approval_id)
        if row is None:
            raise NotFound("manage:approval-unknown", field="approval", approval=approval_id)
        return row

    def _waiting(self, approval_id: str) -> ApprovalRow:
        row = self._row(approval_id)
        state = self._state(row)
        if state != "waiting":
            raise Conflict("manage:approval-closed", state=text(f"manage:approval-{state}"))
        return row

    def _state(self, row: ApprovalRow) -> ApprovalState:
        state: ApprovalState = row.state  # type: ignore[assignment]  # only this class writes the column
        if state not in {"waiting", "approved"}:
            return state
        over = row.expires_at <= self.desk.clock() or not self._of_present_policy(row)
        return "lapsed" if over else state

    def _of_present_policy(self, row: ApprovalRow) -> bool:
        policy = rows.policy_row(self.session, row.system_id)
        return policy is not None and policy.digest == row.policy_digest

    def _requesters(self, row: ApprovalRow) -> frozenset[str]:
        """Return the people behind a call: who made the key, or asked for the run.

        Names of keys are not unique, and a key may have no name: then whoever made any key that could be meant.
        """
        if row.principal.startswith(RUN_PREFIX):
            run = self.session.get(CheckRunRow, row.principal.removeprefix(RUN_PREFIX))
            return frozenset({run.requested_by} if run is not None else ())
        query = select(ApiKeyRow).where(ApiKeyRow.system_id == row.system_id)
        keys = self.session.scalars(query).all()
        named = [key for key in keys if may_be_key(row.principal, name=key.name, hashed=key.key_hash)] or keys
        return frozenset(filter(None, (self._maker(key) for key in named)))

    def _maker(self, key: ApiKeyRow) -> str:
        """Return who made a key, by the ledger: the key itself does not say."""
        query = select(EntryRow.body).where(EntryRow.table_name == ApiKeyRow.__tablename__, EntryRow.row_id == key.id)
        body = self.session.scalar(query.order_by(EntryRow.number).limit(1))
        return str(json.loads(body).get("actor_id", "")) if body else ""

    def _record(self, row: ApprovalRow) -> ApprovalRecord:
        return ApprovalRecord(
            id=row.id, host=row.host, system_id=row.system_id, principal=row.principal, session=row.session,
            server=row.server, tool=row.tool, effect=row.effect, why=row.why, arguments_digest=row.arguments_digest,
            arguments=row.arguments, policy_digest=row.policy_digest, at=row.requested_at, expires_at=row.expires_at,
            state=self._state(row), decided_by=row.decided_by, decided_at=row.decided_at, reason=row.reason,
        )  # fmt: skip
