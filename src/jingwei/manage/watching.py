"""Watching: people who are there while an agent works, and their last sign of life.

A person begins to watch by proving themself, and stays by giving signs: a key, a movement, a visible page. Who gave
none for as long as the policy's `watch_idle_seconds` is away, and must begin again. Gateways are told who is there in
the snapshot's head, every second. Blue Book 四(三): the agent pauses on what is sensitive once the person is gone.
"""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete, select

from jingwei.core.errors import Conflict, InputError
from jingwei.core.identity import Actor, Reauthentication
from jingwei.core.snapshot import Presence
from jingwei.core.store.tables import WatchRow
from jingwei.manage import rows
from jingwei.manage.confirmation import demand_confirmed
from jingwei.manage.desk import Desk
from jingwei.manage.rights import demand_over

LONGEST_IDLE = timedelta(hours=1)
"""No policy lets a person be silent for longer and still count as there."""
_SESSION = 64


class Watcher(BaseModel):
    """A person who watches, and until when without a further sign."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system_id: str
    session: str
    """Digest of the session id; empty: all sessions of the System."""
    account_id: str
    seen_at: datetime
    idle_at: datetime
    """From then on, without a sign, the person is away."""
    present: bool


class Watching:
    """Keeps who watches which agent."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session = desk.session

    def begin(self, system_id: str, *, actor: Actor, proof: Reauthentication, session: str = "") -> Watcher:
        """Begin to watch a System's agent, or one session of it.

        Raises:
            Refused: the actor may not, or did not prove themself for this System.
            InputError: the session is no digest.
        """
        self._demand(system_id, actor, session)
        demand_confirmed(self.desk, proof, actor=actor, purpose=system_id, grade=1)
        row = self.session.get(WatchRow, _name(system_id, session, actor.id))
        if row is None:
            row = WatchRow(id=_name(system_id, session, actor.id), system_id=system_id, session=session,
                           account_id=actor.id, seen_at=self.desk.clock())  # fmt: skip
            self.session.add(row)
        row.seen_at = self.desk.clock()
        self.session.flush()
        return self._watcher(row)

    def sign(self, system_id: str, *, actor: Actor, session: str = "") -> Watcher:
        """Give a sign of life.

        Raises:
            Refused: the actor may not.
            Conflict: the person does not watch, or has been silent for too long: begin again.
        """
        self._demand(system_id, actor, session)
        row = self.session.get(WatchRow, _name(system_id, session, actor.id))
        if row is None or not self._watcher(row).present:
            raise Conflict("manage:watch-over", field="system")
        row.seen_at = self.desk.clock()
        self.session.flush()
        return self._watcher(row)

    def leave(self, system_id: str, *, actor: Actor, session: str = "") -> None:
        """Stop watching; the agent pauses on what needs watching."""
        self.session.execute(delete(WatchRow).where(WatchRow.id == _name(system_id, session, actor.id)))

    def watchers(self, system_id: str | None = None) -> list[Watcher]:
        """List who watches, the latest sign first; those who went silent are shown as away."""
        query = select(WatchRow).order_by(WatchRow.seen_at.desc())
        if system_id is not None:
            query = query.where(WatchRow.system_id == system_id)
        return [self._watcher(row) for row in self.session.scalars(query)]

    def present(self) -> tuple[Presence, ...]:
        """Return what gateways are told: everyone who may still count as there."""
        found = [each for each in self.watchers() if each.present]
        told = {(each.system_id, each.session): each.seen_at for each in reversed(found)}  # the latest sign of each
        return tuple(Presence(system_id=system, session=session, seen_at=seen)
                     for (system, session), seen in sorted(told.items()))  # fmt: skip

    def _demand(self, system_id: str, actor: Actor, session: str) -> None:
        demand_over(actor, "watch.keep", rows.system_row(self.session, system_id))
        if session and (len(session) != _SESSION or not set(session) <= set("0123456789abcdef")):
            raise InputError("manage:watch-session", field="session")

    def _watcher(self, row: WatchRow) -> Watcher:
        policy = rows.policy_row(self.session, row.system_id)
        seconds = int(policy.body.get("watch_idle_seconds", 60)) if policy else 0
        idle_at = row.seen_at + min(timedelta(seconds=seconds), LONGEST_IDLE)
        present = row.seen_at <= self.desk.clock() < idle_at
        return Watcher(system_id=row.system_id, session=row.session, account_id=row.account_id, seen_at=row.seen_at,
                       idle_at=idle_at, present=present)  # fmt: skip


def _name(system_id: str, session: str, account_id: str) -> str:
    return f"{system_id}:{session}:{account_id}"
