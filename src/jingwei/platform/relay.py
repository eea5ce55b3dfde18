"""The relay: the one bridge between the platform, which has the database, and gateways, which have none.

Every second it publishes a signed snapshot of what may be served, and drains the spool that gateways of this host
write. A segment is taken in two steps that are each safe to repeat: its events go into the events database, and its
Merkle root into the ledger. One relay a host.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from sqlalchemy import select

from jingwei.core.canonical import Json
from jingwei.core.identity import PLATFORM
from jingwei.core.ledger import demand_not_cut_back
from jingwei.core.merkle import root_of
from jingwei.core.settings import Settings
from jingwei.core.snapshot import Snapshot, write_public_key, write_snapshot
from jingwei.core.spool import Segment, drain
from jingwei.core.store import EventStore, Store, append_entry
from jingwei.core.store.tables import EntryRow, EventRow
from jingwei.platform.approving import Approving
from jingwei.platform.serving import Serving

if TYPE_CHECKING:
    from jingwei.platform.work import Work

PERIOD_SECONDS = 1.0
_log = logging.getLogger(__name__)


class Relay:
    """Publishes snapshots and drains the spool.

    Args:
        settings: where snapshot and spool lie.
        store: state and ledger.
        events: the events database.
        reading: opens the services for reading.
        approving: enters calls that wait for a person.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        store: Store,
        events: EventStore,
        reading: "Callable[[], AbstractContextManager[Work]]",
        approving: Approving,
    ) -> None:
        self._settings = settings
        self._store = store
        self._events = events
        self._reading = reading
        self._approving = approving
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._serving = Serving(settings.snapshot_path.parent, host=approving.host)
        self._publishing = threading.Lock()
        write_public_key(settings.snapshot_path.parent, store.signer.verifier)

    def publish(self) -> None:
        """Write a fresh snapshot now; a state change that must reach gateways at once calls this itself.

        Raises:
            Tampered: the database is older than its last anchor; gateways then refuse, once their snapshot is stale.
        """
        with self._publishing:
            demand_not_cut_back(self._store)
            now = self._store.clock()
            with self._reading() as work:
                content = self._serving.content(work)
                watching = work.watching.present()
            sequence = int(now.timestamp() * 1000)
            snapshot = Snapshot.sealed(content, at=now, sequence=sequence, signer=self._store.signer, watching=watching)
            write_snapshot(self._settings.snapshot_path, snapshot)

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
        self._approving.take(segment.events)
        with self._store.unit(PLATFORM.id, "relay.drain") as session:
            entered = select(EntryRow.number).where(EntryRow.table_name == "", EntryRow.row_id == segment.name)
            if session.scalars(entered.limit(1)).first() is None:
                body: dict[str, Json] = {"root": root_of(segment.lines), "events": len(segment.lines)}
                append_entry(session, "segment", subject=segment.name, body=body)
