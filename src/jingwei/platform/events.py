"""Run-time events as people read them: the newest, those since a cursor, counts by decision."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import String, column, exists, func, select, values

from jingwei.core.event import Event
from jingwei.core.store import EventStore
from jingwei.core.store.tables import EventRow

PAGE = 200


class Count(NamedTuple):
    """How many events of one kind ended in one decision."""

    kind: str
    decision: str
    trial: bool
    events: int


class Events:
    """Reads the events database; only the relay writes it."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    def newest(self, *, system_id: str | None = None, before: str = "", decision: str = "", kind: str = "",
               trials: bool = True, limit: int = PAGE) -> list[Event]:  # fmt: skip
        """Return the newest events, newest first.

        Args:
            system_id: only those of one System.
            before: only those before this event id; the last of the page before.
            decision: only those with this decision.
            kind: only those of this kind.
            trials: whether those of assessment runs are among them.
            limit: how many at most.
        """
        query = select(EventRow).order_by(EventRow.id.desc()).limit(min(limit, PAGE))
        wanted = ((EventRow.system_id, system_id), (EventRow.decision, decision), (EventRow.kind, kind))
        for column_, value in wanted:
            if value:
                query = query.where(column_ == value)
        if before:
            query = query.where(EventRow.id < before)
        return self._events(query if trials else query.where(EventRow.trial.is_(False)))

    def since(self, cursor: str, *, system_id: str | None = None) -> list[Event]:
        """Return events after a cursor (an event id), oldest first; any worker can go on from another's cursor."""
        query = select(EventRow).where(EventRow.id > cursor).order_by(EventRow.id).limit(PAGE)
        return self._events(query if system_id is None else query.where(EventRow.system_id == system_id))

    def of_run(self, run_id: str) -> list[Event]:
        """Return the trial events of one assessment run, oldest first."""
        of_run = EventRow.body["run_id"].as_string() == run_id
        return self._events(select(EventRow).where(EventRow.trial, of_run).order_by(EventRow.id))

    def at_work(self, system_ids: Collection[str]) -> frozenset[str]:
        """Return those Systems that the guard has seen at work, outside of assessment runs."""
        if not system_ids:
            return frozenset()
        asked = values(column("id", String), name="asked").data([(each,) for each in system_ids]).cte()
        seen = exists().where(EventRow.system_id == asked.c.id, EventRow.trial.is_(False))
        with self._store.reading() as session:
            return frozenset(session.scalars(select(asked.c.id).where(seen)))

    def counts(self, *, system_id: str | None = None, after: datetime | None = None) -> list[Count]:
        """Count events by kind, decision and whether they belong to a trial."""
        query = select(EventRow.kind, EventRow.decision, EventRow.trial, func.count()).group_by(
            EventRow.kind, EventRow.decision, EventRow.trial
        )
        if system_id is not None:
            query = query.where(EventRow.system_id == system_id)
        if after is not None:
            query = query.where(EventRow.at > after)
        with self._store.reading() as session:
            return [Count(*row) for row in session.execute(query)]

    def _events(self, query: object) -> list[Event]:
        with self._store.reading() as session:
            rows: Sequence[EventRow] = session.scalars(query).all()  # type: ignore[call-overload]  # both shapes select EventRow
            return [Event.model_validate(row.body) for row in rows]
