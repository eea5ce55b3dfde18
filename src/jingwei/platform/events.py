"""Run-time events as people read them: the newest, one explained, sessions, trends, and what a shadow would do."""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Select, String, cast, column, exists, func, select, values

from jingwei.core.errors import InputError, NotFound
from jingwei.core.event import Event, EventKind
from jingwei.core.policy import Category, Decision
from jingwei.core.store import EventStore
from jingwei.core.store.tables import EventRow

PAGE = 200
MOST_SESSIONS = 200
MOST_BUCKETS = 400
Unit = Literal["hour", "day"]
_UNITS: dict[Unit, tuple[int, timedelta]] = {"hour": (13, timedelta(hours=1)), "day": (10, timedelta(days=1))}
"""How much of a written moment tells the bucket, and how long one is."""


class Count(NamedTuple):
    """How many events of one kind ended in one decision."""

    kind: str
    decision: str
    trial: bool
    events: int


class Narrowed(BaseModel):
    """Which events are asked for; what is empty narrows nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system_id: str = ""
    decision: str = ""
    kind: str = ""
    category: str = ""
    direction: str = ""
    session: str = ""
    request_id: str = ""
    since: datetime | None = None
    until: datetime | None = None
    trials: bool = True
    """Whether those of assessment runs are among them."""

    def admits(self, event: Event) -> bool:
        """Tell whether an event is one of them."""
        exact = (
            (self.system_id, event.system_id), (self.decision, event.decision.value), (self.kind, event.kind.value),
            (self.direction, event.direction or ""), (self.session, event.session), (self.request_id, event.request_id),
        )  # fmt: skip
        return (
            all(not wanted or wanted == found for wanted, found in exact)
            and (not self.category or self.category in event.categories)
            and (self.since is None or event.at >= self.since)
            and (self.until is None or event.at < self.until)
            and (self.trials or not event.trial)
        )


class Session(BaseModel):
    """One session of an agent or a conversation, by the digest of its id."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    session: str
    system_id: str
    principals: tuple[str, ...]
    first_at: datetime
    last_at: datetime
    events: int
    decisions: dict[Decision, int]


class Hits(BaseModel):
    """How often each category was found, hour by hour or day by day, and each rule over the whole time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: Unit
    buckets: tuple[datetime, ...]
    categories: dict[Category, tuple[int, ...]]
    stopped: tuple[int, ...]
    """Verdicts of the bucket that let nothing pass."""
    verdicts: tuple[int, ...]
    rules: dict[str, int]
    """The most frequent rules, those of live words by their topics: an event never names a word."""


class Compared(NamedTuple):
    """How often a candidate in the shadow would have decided what, beside what was enforced."""

    enforced: str
    shadow: str
    events: int


class Events:
    """Reads the events database; only the relay writes it."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    def newest(self, narrowed: Narrowed | None = None, *, before: str = "", limit: int = PAGE) -> list[Event]:
        """Return the newest events, newest first.

        Args:
            narrowed: which; none means all.
            before: only those before this event id; the last of the page before.
            limit: how many at most.
        """
        query = _narrow(select(EventRow), narrowed or Narrowed())
        if before:
            query = query.where(EventRow.id < before)
        return self._events(query.order_by(EventRow.id.desc()).limit(min(limit, PAGE)))

    def event(self, event_id: str) -> Event:
        """Return one event.

        Raises:
            NotFound: there is none.
        """
        found = self._events(select(EventRow).where(EventRow.id == event_id))
        if not found:
            raise NotFound("platform:event-unknown", field="event", event=event_id[:80])
        return found[0]

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

    def sessions(self, *, system_id: str = "", since: datetime, limit: int = MOST_SESSIONS) -> list[Session]:
        """List the sessions with something to tell since a moment, the latest first."""
        session_, principal = EventRow.body["session"].as_string(), EventRow.body["principal"].as_string()
        query = select(session_, EventRow.system_id, principal, EventRow.decision, func.min(EventRow.at),
                       func.max(EventRow.at), func.count()).where(session_ != "")  # fmt: skip
        query = _narrow(query, Narrowed(system_id=system_id, since=since, trials=False))
        query = query.group_by(session_, EventRow.system_id, principal, EventRow.decision)
        found: dict[tuple[str, str], Session] = {}
        with self._store.reading() as session:
            for name, system, who, decision, first, last, count in session.execute(query):
                one = Session(session=name, system_id=system, principals=(who,) if who else (), first_at=first,
                              last_at=last, events=count, decisions={Decision(decision): count})  # fmt: skip
                known = found.get((system, name))
                found[system, name] = one if known is None else _joined(known, one)
        return sorted(found.values(), key=lambda each: each.last_at, reverse=True)[:limit]

    def hits(self, *, system_id: str = "", since: datetime, until: datetime, unit: Unit = "hour") -> Hits:
        """Count what the guard found over time, outside of assessment runs.

        Raises:
            InputError: the time is too long for its unit, or ends before it begins.
        """
        written, step = _UNITS[unit]
        first = _floor(since, unit)
        buckets = tuple(first + step * number for number in range(max(0, -(-(until - first) // step))))
        if not 0 < len(buckets) <= MOST_BUCKETS:
            raise InputError("platform:hits-span", field="since", most=MOST_BUCKETS)
        place = {moment: number for number, moment in enumerate(buckets)}
        with self._store.reading() as session:
            at = _written(session.get_bind().dialect.name)
            columns = (func.substr(at, 1, written), cast(EventRow.body["categories"], String),
                       cast(EventRow.body["rule_ids"], String), EventRow.decision)  # fmt: skip
            query = select(*columns, func.count()).group_by(*columns)
            query = _narrow(query, Narrowed(system_id=system_id, kind=EventKind.VERDICT.value, since=first, until=until,
                                            trials=False))  # fmt: skip
            rows = session.execute(query).all()
        tally = _Tally(len(buckets))
        for bucket, categories, rules, decision, count in rows:
            number = place.get(_moment(bucket))
            if number is not None:
                tally.add(number, categories, rules, Decision(decision), count)
        return tally.hits(unit, buckets)

    def compared(self, system_id: str, policy_digest: str) -> list[Compared]:
        """Count what a candidate in the shadow would have decided, beside what was enforced."""
        enforced = EventRow.body["details"]["enforced"].as_string()
        query = select(enforced, EventRow.decision, func.count()).where(
            EventRow.system_id == system_id, EventRow.kind == EventKind.SHADOW.value,
            EventRow.body["policy_digest"].as_string() == policy_digest,
        )  # fmt: skip
        with self._store.reading() as session:
            return [Compared(was or "", then, count)
                    for was, then, count in session.execute(query.group_by(enforced, EventRow.decision))]  # fmt: skip

    def _events(self, query: object) -> list[Event]:
        with self._store.reading() as session:
            rows: Sequence[EventRow] = session.scalars(query).all()  # type: ignore[call-overload]  # both shapes select EventRow
            return [Event.model_validate(row.body) for row in rows]


class _Tally:
    """Counts by bucket, filled row by row."""

    def __init__(self, buckets: int) -> None:
        self._buckets = buckets
        self.categories: dict[Category, list[int]] = {}
        self.stopped = [0] * buckets
        self.verdicts = [0] * buckets
        self.rules: Counter[str] = Counter()

    def add(self, number: int, categories: str, rules: str, decision: Decision, count: int) -> None:
        """Add as many verdicts of one kind to a bucket."""
        self.verdicts[number] += count
        self.stopped[number] += 0 if decision.passes else count
        for name in json.loads(categories):
            self.categories.setdefault(Category(name), [0] * self._buckets)[number] += count
        for name in json.loads(rules):
            self.rules[name] += count

    def hits(self, unit: Unit, buckets: tuple[datetime, ...]) -> Hits:
        """Return what was counted."""
        return Hits(unit=unit, buckets=buckets, stopped=tuple(self.stopped), verdicts=tuple(self.verdicts),
                    categories={name: tuple(self.categories[name]) for name in Category if name in self.categories},
                    rules=dict(self.rules.most_common(40)))  # fmt: skip


# Any: selects of different shapes.
def _narrow(query: "Select[Any]", wanted: Narrowed) -> "Select[Any]":
    body = EventRow.body
    exact = (
        (EventRow.system_id, wanted.system_id), (EventRow.decision, wanted.decision), (EventRow.kind, wanted.kind),
        (body["direction"].as_string(), wanted.direction), (body["session"].as_string(), wanted.session),
        (body["request_id"].as_string(), wanted.request_id),
    )  # fmt: skip
    for column_, value in exact:
        if value:
            query = query.where(column_ == value)
    if wanted.category:
        query = query.where(cast(body["categories"], String).contains(f'"{wanted.category}"', autoescape=True))
    if wanted.since is not None:
        query = query.where(EventRow.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(EventRow.at < wanted.until)
    return query if wanted.trials else query.where(EventRow.trial.is_(False))


def _joined(one: Session, other: Session) -> Session:
    return Session(
        session=one.session, system_id=one.system_id, events=one.events + other.events,
        principals=tuple(sorted({*one.principals, *other.principals})), first_at=min(one.first_at, other.first_at),
        last_at=max(one.last_at, other.last_at),
        decisions=dict(Counter(one.decisions) + Counter(other.decisions)),
    )  # fmt: skip


def _floor(moment: datetime, unit: Unit) -> datetime:
    whole = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return whole if unit == "hour" else whole.replace(hour=0)


def _written(dialect: str) -> Any:  # Any: an expression of either engine
    """Write an event's time in UTC so that its head tells the day and the hour."""
    if dialect == "postgresql":
        return func.to_char(func.timezone("UTC", EventRow.at), "YYYY-MM-DD HH24")
    return cast(EventRow.at, String)


def _moment(bucket: str) -> datetime:
    return datetime.fromisoformat(bucket + ":00" if len(bucket) > 10 else bucket).replace(tzinfo=UTC)
