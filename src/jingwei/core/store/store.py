"""The store: state, proof, gate and ledger in one database, changed only through units of work."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.orm import Session

from jingwei.core.clock import Clock, utc_now
from jingwei.core.signing import Signer
from jingwei.core.store.database import StateDatabase
from jingwei.core.store.unit import Unit, finish, open_session, refuse_unledgered


class Store(StateDatabase):
    """The one door to state.

    Args:
        url: SQLAlchemy URL; `sqlite:///path` or `postgresql://…`.
        signer: the platform's key; signs the ledger's checkpoints.
        clock: gives the time of entries and checkpoints.
        anchor: the file outside the database that the ledger is anchored in; none means it is not anchored.
    """

    def __init__(self, url: str, *, signer: Signer, clock: Clock = utc_now, anchor: Path | None = None) -> None:
        super().__init__(url)
        self.signer = signer
        self.clock = clock
        self.anchor = anchor
        event.listen(self.engine, "before_cursor_execute", refuse_unledgered)

    @contextmanager
    def unit(self, actor_id: str, reason: str) -> Iterator[Session]:
        """Open a unit of work: all its changes and their ledger entries are committed together, or none is.

        Args:
            actor_id: id of the account, or of the part of the platform, that acts.
            reason: why, as a key such as `release.sign`; no names.

        Raises:
            Unavailable: the database is full, locked, or cannot be reached; nothing was changed.
            Conflict: another writer changed a row first; nothing was changed.
        """
        unit = Unit(actor_id, reason, clock=self.clock)
        with self.writing() as connection, open_session(connection, unit) as session:
            yield session
            finish(session)
