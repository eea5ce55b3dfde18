"""Tokens: issued, revoked, and listed for the gateways."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select

from jingwei.core.errors import Conflict, InputError, JingweiError, NotFound, Refused
from jingwei.core.identity import Actor
from jingwei.core.ids import new_id
from jingwei.core.signing import decode
from jingwei.core.store.tables import CheckRunRow, ReleaseRequestRow, TokenRow
from jingwei.core.token import ASSESSMENT_LIFETIME, AssessmentToken, ReleaseToken, issue
from jingwei.manage import rows
from jingwei.manage.campaign_standing import HEAD, campaign_row, demand_running, runs_now
from jingwei.manage.desk import Desk
from jingwei.manage.dossier import Dossier
from jingwei.manage.lifecycle import move
from jingwei.manage.line import demand_below_the_line
from jingwei.manage.model import System, TokenRecord
from jingwei.manage.overrides import decided
from jingwei.manage.registry import Registry
from jingwei.manage.rights import demand_over
from jingwei.manage.use import in_use

_ACTIVE_RUN = frozenset({"queued", "running"})
_KEY_BYTES = 32
CAMPAIGN_LIFETIME = timedelta(minutes=10)
"""A campaign's token is soon replaced: whoever loses the approval of its target loses the way within minutes."""


class Servable(NamedTuple):
    """The tokens of one System that a gateway may honour now."""

    release: TokenRecord | None
    assessments: tuple[TokenRecord, ...]


class Tokens:
    """Issues, revokes and lists tokens."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session = desk.session

    def issue_release(self, found: Dossier, *, request_id: str) -> TokenRecord:
        """Issue a release token for a gate that passed, and revoke those before; for the gate, not for faces.

        Raises:
            Refused: the verdict has not passed, or the System is above the line.
        """
        decision, verdict, now = found.decided.decision, found.verdict, self.desk.clock()
        demand_below_the_line(decision)
        graded = rows.newest_grade(self.session, found.row.id)
        if not verdict.passed or graded is None:
            raise Refused("manage:gate-closed", count=len(verdict.open_items), wanting="")
        ends = [now + timedelta(days=decision.lane.valid_days), verdict.expires_at]
        if found.decided.override is not None:
            ends.append(found.decided.override.expires_at)
        token = ReleaseToken(
            id=new_id("tok"), system_id=found.row.id, policy_digest=found.in_use.configuration.policy, issued_at=now,
            expires_at=min(each for each in ends if each is not None),
            configuration_digest=found.in_use.configuration.digest, evidence_digest=verdict.evidence_digest,
            decision_id=graded.id,
        )  # fmt: skip
        self._revoke_all(found.row.id, kind="release", by="platform", reason="superseded")
        return self._keep(token, request_id=request_id)

    def issue_assessment(self, system_id: str, *, run_id: str, caller_key: str, actor: Actor,
                         lifetime: timedelta = ASSESSMENT_LIFETIME) -> TokenRecord:  # fmt: skip
        """Let one check run through the gateway before release.

        Args:
            system_id: the System.
            run_id: a queued or running run through the gateway of this System.
            caller_key: the run's raw Ed25519 public key, URL-safe base64.
            actor: who asked for the run.
            lifetime: at most 30 minutes.

        Raises:
            Refused: the actor may not, or the System is above the line.
            Conflict: the System is retired or suspended, has no policy, or the run is not active.
            InputError: the lifetime or the key is wrong.
        """
        row = rows.system_row(self.session, system_id)
        demand_over(actor, "run.start", row)
        demand_below_the_line(decided(self.desk, system_id).decision)
        if row.status in {"retired", "suspended"}:
            raise Conflict(f"manage:system-{row.status}", field="system", name=row.name)
        if not timedelta() < lifetime <= ASSESSMENT_LIFETIME:
            raise InputError("manage:assessment-lifetime", field="lifetime", minutes=ASSESSMENT_LIFETIME.seconds // 60)
        if not _is_key(caller_key):
            raise InputError("manage:caller-key", field="caller_key")
        self._demand_run(system_id, run_id, actor)
        policy = rows.policy_row(self.session, system_id)
        if policy is None:
            raise Conflict("manage:assessment-no-policy", field="policy")
        now = self.desk.clock()
        token = AssessmentToken(id=new_id("tok"), system_id=system_id, policy_digest=policy.digest, issued_at=now,
                                expires_at=now + lifetime, run_id=run_id, caller_key=caller_key)  # fmt: skip
        self.end_run(run_id, reason="superseded")
        return self._keep(token, run_id=run_id)

    def issue_campaign(self, campaign_id: str, *, caller_key: str) -> TokenRecord:
        """Let the prompts of a running campaign through the gateway; the target's approval is what allows it.

        Several may live at once, one for each process that sends; all end with the campaign.

        Args:
            campaign_id: a campaign on a System's gateway.
            caller_key: the sender's raw Ed25519 public key, URL-safe base64.

        Raises:
            Refused: who approved the target may no longer, or the System is above the line.
            Conflict: the campaign does not run, or its target is none of the gateway.
            InputError: the key is wrong.
        """
        row = campaign_row(self.desk, campaign_id)
        target, policy = demand_running(self.desk, row), rows.policy_row(self.session, row.system_id)
        if policy is None or target.kind != "gateway":
            raise Conflict("manage:assessment-no-policy", field="policy")
        if not _is_key(caller_key):
            raise InputError("manage:caller-key", field="caller_key")
        now = self.desk.clock()
        token = AssessmentToken(id=new_id("tok"), system_id=row.system_id, policy_digest=policy.digest, issued_at=now,
                                expires_at=min(now + CAMPAIGN_LIFETIME, row.ends_at), run_id=row.id,
                                caller_key=caller_key)  # fmt: skip
        return self._keep(token, run_id=row.id)

    def end_run(self, run_id: str, *, reason: str = "run-ended") -> None:
        """Revoke what a run was given; called when it ends, however it ends."""
        found = self.session.scalars(select(TokenRow).where(TokenRow.run_id == run_id, TokenRow.revoked_at.is_(None)))
        for row in found.all():
            self._end(row, by="platform", reason=reason)

    def revoke(self, token_id: str, *, actor: Actor, reason: str) -> TokenRecord:
        """Revoke one token; gateways refuse it within seconds.

        Raises:
            InputError: no reason was given.
        """
        row = self.session.get(TokenRow, token_id)
        if row is None:
            raise NotFound("manage:token-unknown", field="token", token=token_id)
        demand_over(actor, "token.revoke", rows.system_row(self.session, row.system_id))
        _demand_reason(reason)
        if row.revoked_at is None:
            self._end(row, by=actor.id, reason=reason)
        return rows.token(row)

    def suspend(self, system_id: str, *, actor: Actor, reason: str) -> System:
        """Stop a live System: every token of it is revoked. It serves again only after a new release."""
        row = rows.system_row(self.session, system_id)
        demand_over(actor, "system.suspend", row)
        _demand_reason(reason)
        move(row, "suspended")
        self._revoke_all(system_id, by=actor.id, reason=reason)
        return rows.system(row)

    def retire(self, system_id: str, *, actor: Actor, reason: str) -> System:
        """Retire a System for good and revoke every token of it."""
        _demand_reason(reason)
        system = Registry(self.desk).retire(system_id, actor=actor)
        self._revoke_all(system_id, by=actor.id, reason=reason)
        return system

    def tokens(self, system_id: str) -> list[TokenRecord]:
        """List all tokens of a System, newest first."""
        query = select(TokenRow).where(TokenRow.system_id == system_id)
        return [
            rows.token(row) for row in self.session.scalars(query.order_by(TokenRow.created_at.desc(), TokenRow.id))
        ]

    def servable(self, system_id: str) -> Servable:
        """Return the tokens a gateway may honour now: unrevoked, unexpired, and for what is in use now.

        A System whose facts now put it above the line, or whose configuration is not the released one, has none. Nor
        has one that has become graver than what was signed: the people of the higher lane have not been asked.
        """
        row = rows.system_row(self.session, system_id)
        try:
            decision = decided(self.desk, system_id).decision
            demand_below_the_line(decision)
        except JingweiError:  # above the line, or no longer decidable: nothing is served
            return Servable(None, ())
        present, now = in_use(self.desk, system_id).configuration, self.desk.clock()
        live = [each for each in self._live(system_id, now) if each.policy_digest == present.policy]
        releases = [each for each in live if each.kind == "release" and each.configuration_digest == present.digest
                    and self._signed_at(each) >= decision.grade]  # fmt: skip
        assessments = tuple(each for each in live if each.kind == "assessment" and self._run_active(each.run_id))
        served = row.status == "live"
        return Servable(releases[0] if served and releases else None,
                        assessments if row.status not in {"retired", "suspended"} else ())  # fmt: skip

    def revoked(self) -> tuple[str, ...]:
        """Return the ids of revoked tokens that have not expired by themselves."""
        query = select(TokenRow.id).where(TokenRow.revoked_at.is_not(None), TokenRow.expires_at > self.desk.clock())
        return tuple(sorted(self.session.scalars(query)))

    def _live(self, system_id: str, now: datetime) -> list[TokenRecord]:
        return [each for each in self.tokens(system_id) if each.revoked_at is None and now < each.expires_at]

    def _signed_at(self, token: TokenRecord) -> int:
        """Return the grade that a release was signed at; 0 where no request of it is there."""
        request = self.session.get(ReleaseRequestRow, token.request_id) if token.request_id else None
        return request.grade if request is not None else 0

    def _run_active(self, run_id: str | None) -> bool:
        if run_id and run_id.startswith(HEAD):
            return runs_now(self.desk, run_id)
        run = self.session.get(CheckRunRow, run_id) if run_id else None
        return run is not None and run.status in _ACTIVE_RUN

    def _demand_run(self, system_id: str, run_id: str, actor: Actor) -> None:
        run = self.session.get(CheckRunRow, run_id)
        if run is None or run.system_id != system_id:
            raise NotFound("manage:run-unknown", field="run", run=run_id)
        if not run.through_gateway or run.status not in _ACTIVE_RUN:
            raise Conflict("manage:run-not-active", field="run", run=run_id)
        if run.requested_by != actor.id:
            raise Refused("manage:run-of-another", field="run", run=run_id)

    def _revoke_all(self, system_id: str, *, by: str, reason: str, kind: str | None = None) -> None:
        query = select(TokenRow).where(TokenRow.system_id == system_id, TokenRow.revoked_at.is_(None))
        found: Sequence[TokenRow] = self.session.scalars(query).all()
        for row in found:
            if kind is None or row.kind == kind:
                self._end(row, by=by, reason=reason)

    def _end(self, row: TokenRow, *, by: str, reason: str) -> None:
        row.revoked_at, row.revoked_by, row.reason = self.desk.clock(), by, reason
        self.session.flush()

    def _keep(self, token: ReleaseToken | AssessmentToken, *, request_id: str | None = None, run_id: str | None = None,
              ) -> TokenRecord:  # fmt: skip
        row = TokenRow(id=token.id, created_at=token.issued_at, kind=token.kind, system_id=token.system_id,
                       request_id=request_id, run_id=run_id, expires_at=token.expires_at, revoked_by="", reason="",
                       body={"token": token.model_dump(mode="json"), "written": issue(token, self.desk.signer)},
                       )  # fmt: skip
        self.session.add(row)
        self.session.flush()
        return rows.token(row)


def _is_key(encoded: str) -> bool:
    try:
        return len(decode(encoded)) == _KEY_BYTES
    except ValueError:
        return False


def _demand_reason(reason: str) -> None:
    if not reason.strip():
        raise InputError("manage:reason-empty", field="reason")
