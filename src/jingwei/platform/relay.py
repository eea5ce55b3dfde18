"""The relay: the one bridge between the platform, which has the database, and gateways, which have none.

Every second it publishes a signed snapshot of what may be served, and drains the spool that gateways of this host
write. A segment is taken in two steps that are each safe to repeat: its events go into the events database, and its
Merkle root into the ledger. One relay a host.
"""

import logging
import threading
from datetime import timedelta

from sqlalchemy import select

from jingwei.core.clock import Clock, utc_now
from jingwei.core.errors import JingweiError
from jingwei.core.identity import PLATFORM
from jingwei.core.merkle import root_of
from jingwei.core.policy import Policy
from jingwei.core.snapshot import Content, Served, Snapshot, key_hash, write_public_key, write_snapshot
from jingwei.core.spool import Segment, drain
from jingwei.core.store import EventStore, Store, append_entry
from jingwei.core.store.tables import (
    ApiKeyRow,
    ComponentRow,
    EntryRow,
    EventRow,
    PolicyRow,
    SystemRow,
    TokenRow,
)
from jingwei.core.settings import Settings

PERIOD_SECONDS = 1.0
_log = logging.getLogger(__name__)

__all__ = ["Relay", "key_hash"]


class Relay:
    """Publishes snapshots and drains the spool.

    Args:
        settings: where snapshot and spool lie.
        store: state and ledger.
        events: the events database.
        clock: gives the snapshot's time.
    """

    def __init__(self, settings: Settings, *, store: Store, events: EventStore, clock: Clock = utc_now) -> None:
        self._settings = settings
        self._store = store
        self._events = events
        self._clock = clock
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._content = Content()
        self._publishing = threading.Lock()
        write_public_key(settings.snapshot_path.parent, store.signer.verifier)

    def publish(self) -> None:
        """Write a fresh snapshot now; a state change that must reach gateways at once calls this itself."""
        with self._publishing:
            content = self._read()
            if content.digest != self._content.digest:
                self._content = content
            now = self._clock()
            snapshot = Snapshot.sealed(
                self._content, at=now, sequence=int(now.timestamp() * 1000), signer=self._store.signer
            )
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
            try:
                self.publish()
                self.drain()
            except (JingweiError, OSError):
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
                body = {"root": root_of(segment.lines), "events": len(segment.lines)}
                append_entry(session, "segment", subject=segment.name, body=body)

    def _read(self) -> Content:
        now = self._clock()
        with self._store.reading() as session:
            policies = {row.system_id: row for row in session.scalars(select(PolicyRow).where(PolicyRow.retired_at.is_(None)))}
            tokens = session.scalars(select(TokenRow).where(TokenRow.expires_at > now - timedelta(minutes=1))).all()
            keys = session.scalars(select(ApiKeyRow).where(ApiKeyRow.system_id.is_not(None), ApiKeyRow.revoked_at.is_(None))).all()
            parts = session.scalars(select(ComponentRow).where(ComponentRow.retired_at.is_(None))).all()
            systems = session.scalars(select(SystemRow).order_by(SystemRow.id)).all()
            served = tuple(
                _served(system, policies[system.id], tokens=tokens, parts=parts,
                        keys=[key for key in keys if key.expires_at is None or key.expires_at > now])
                for system in systems
                if system.id in policies
            )  # fmt: skip
        return Content(systems=served, revoked=tuple(sorted(token.id for token in tokens if token.revoked_at)))


def _served(system: SystemRow, policy: PolicyRow, *, tokens: "list[TokenRow]", parts: "list[ComponentRow]",
            keys: "list[ApiKeyRow]") -> Served:  # fmt: skip
    live = sorted(
        (token for token in tokens if token.system_id == system.id and token.revoked_at is None),
        key=lambda token: token.created_at,
    )
    releases = [token.body["written"] for token in live if token.kind == "release"]
    return Served(
        system_id=system.id,
        name=system.name,
        status=system.status,
        upstream_url=system.upstream_url,
        upstream_model=system.upstream_model,
        upstream_key_env=system.upstream_key_env,
        policy=Policy.model_validate(policy.body),
        release_token=releases[-1] if releases else None,
        assessment_tokens=tuple(token.body["written"] for token in live if token.kind == "assessment"),
        key_hashes=tuple(sorted(key.key_hash for key in keys if key.system_id == system.id)),
        configuration={
            kind: part.digest for kind in ("model", "prompt") for part in parts
            if part.system_id == system.id and part.kind == kind
        },
    )  # fmt: skip
