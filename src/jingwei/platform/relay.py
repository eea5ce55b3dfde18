"""The relay: the one bridge between the platform, which has the database, and gateways, which have none.

Every second it publishes a signed snapshot of what may be served, and drains the spool that gateways of this host
write. A segment is taken in two steps that are each safe to repeat: its events go into the events database, and its
Merkle root into the ledger. One relay a host.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError
from sqlalchemy import func, select

from jingwei.core.canonical import Json
from jingwei.core.errors import JingweiError
from jingwei.core.identity import PLATFORM
from jingwei.core.merkle import root_of
from jingwei.core.settings import Settings
from jingwei.core.snapshot import Content, Served, Snapshot, write_public_key, write_snapshot
from jingwei.core.spool import Segment, drain
from jingwei.core.store import EventStore, Store, append_entry
from jingwei.core.store.tables import EntryRow, EventRow
from jingwei.manage import System

if TYPE_CHECKING:
    from jingwei.platform.work import Work

PERIOD_SECONDS = 1.0
_REREAD = timedelta(seconds=10)
"""Tokens and keys also end by themselves, which writes no ledger entry: read again at least this often."""
_log = logging.getLogger(__name__)


class Relay:
    """Publishes snapshots and drains the spool.

    Args:
        settings: where snapshot and spool lie.
        store: state and ledger.
        events: the events database.
        reading: opens the services for reading.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        store: Store,
        events: EventStore,
        reading: "Callable[[], AbstractContextManager[Work]]",
    ) -> None:
        self._settings = settings
        self._store = store
        self._events = events
        self._reading = reading
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._content = Content()
        self._known = (-1, datetime.min.replace(tzinfo=UTC))
        self._publishing = threading.Lock()
        write_public_key(settings.snapshot_path.parent, store.signer.verifier)

    def publish(self) -> None:
        """Write a fresh snapshot now; a state change that must reach gateways at once calls this itself."""
        with self._publishing:
            now = self._store.clock()
            self._refresh(now)
            sequence = int(now.timestamp() * 1000)
            snapshot = Snapshot.sealed(self._content, at=now, sequence=sequence, signer=self._store.signer)
            write_snapshot(self._settings.snapshot_path, snapshot)

    def _refresh(self, now: datetime) -> None:
        """Read what may be served, unless nothing was entered in the ledger since."""
        with self._reading() as work:
            newest = work.desk.session.scalar(select(func.max(EntryRow.number))) or 0
            number, read_at = self._known
            if newest == number and now - read_at < _REREAD:
                return
            served = tuple(each for system in work.registry.systems() if (each := _readable(work, system)) is not None)
            content = Content(systems=served, revoked=work.tokens.revoked())
        self._known = (newest, now)
        if content.digest != self._content.digest:
            self._content = content

    def drain(self) -> int:
        """Take every finished segment into the store; return how many events came in."""
        drained = drain(self._settings.spool_path, self._take)
        for name in drained.refused:
            _log.error("spool segment %s holds something else than events; set aside", name)
        return drained.events

    def start(self) -> None:
        """Publish and drain every second in a thread of this process, beginning with a snapshot at once."""
        self.publish()
        self._thread = threading.Thread(target=self._work, name="relay", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread after a last round, so that no event stays behind."""
        self._stop.set()
        if self._thread:
            self._thread.join(timeout=10)
        self.drain()

    def _work(self) -> None:
        while not self._stop.wait(PERIOD_SECONDS):
            for step in (self.publish, self.drain):  # the events database being away keeps no snapshot from going out
                try:
                    step()
                except Exception:  # noqa: BLE001 - the outermost edge of the thread: whatever one round met, the next begins
                    _log.exception("relay round failed; gateways refuse once the snapshot is stale")

    def _take(self, segment: Segment) -> None:
        with self._events.adding() as session:
            known = set(session.scalars(select(EventRow.id).where(EventRow.segment == segment.name)))
            session.add_all(
                EventRow(
                    id=event.id, at=event.at, system_id=event.system_id, kind=event.kind.value,
                    decision=event.decision.value, trial=event.trial, latency_milliseconds=event.latency_milliseconds,
                    segment=segment.name, body=event.model_dump(mode="json"),
                )
                for event in segment.events
                if event.id not in known
            )  # fmt: skip
        with self._store.unit(PLATFORM.id, "relay.drain") as session:
            entered = select(EntryRow.number).where(EntryRow.table_name == "", EntryRow.row_id == segment.name)
            if session.scalars(entered.limit(1)).first() is None:
                body: dict[str, Json] = {"root": root_of(segment.lines), "events": len(segment.lines)}
                append_entry(session, "segment", subject=segment.name, body=body)


def _readable(work: "Work", system: System) -> Served | None:
    """Return what a gateway is told about one System; none where its records do not hold: the others are served on."""
    try:
        return _served(work, system)
    except (JingweiError, ValidationError, KeyError):
        _log.exception("system %s cannot be read and is not served", system.id)
        return None


def _served(work: "Work", system: System) -> Served | None:
    """Return what a gateway is told about one System; none without a policy."""
    policy = work.policies.in_force(system.id)
    if policy is None:
        return None
    tokens = work.tokens.servable(system.id)
    running = work.registry.configuration(system.id)
    return Served(
        system_id=system.id,
        name=system.name,
        status=system.status,
        upstream_url=system.upstream_url,
        upstream_model=system.upstream_model,
        upstream_key_env=system.upstream_key_env,
        policy=policy,
        release_token=tokens.release.written if tokens.release else None,
        assessment_tokens=tuple(each.written for each in tokens.assessments),
        key_hashes=work.keys.hashes(system.id),
        configuration={"model": running.model, "prompt": running.prompt, "tools": running.tools},
    )
