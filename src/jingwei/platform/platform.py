"""Platform: every service, composed once. What a face is given, and all it is given."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from jingwei.catalog import Catalog, load_catalog
from jingwei.core.blobs import Blobs
from jingwei.core.clock import Clock, utc_now
from jingwei.core.errors import Unavailable
from jingwei.core.identity import PLATFORM, Actor, Bootstrapped
from jingwei.core.jobs import Jobs
from jingwei.core.ledger import Sealer
from jingwei.core.settings import Settings
from jingwei.core.signing import Signer
from jingwei.core.store import EventStore, Store
from jingwei.deploy.guard import gateway_version
from jingwei.manage import Desk, demand_monotone
from jingwei.platform.approving import Approving
from jingwei.platform.campaigning import Campaigning
from jingwei.platform.events import Events
from jingwei.platform.ledger import LedgerBook
from jingwei.platform.relay import Relay
from jingwei.platform.replaying import Replays
from jingwei.platform.work import Work


@dataclass
class Platform:
    """One installation: its settings, its key, its stores, its services."""

    settings: Settings
    clock: Clock = utc_now
    _prepared: bool = field(default=False, init=False)

    @cached_property
    def signer(self) -> Signer:
        """Return the platform's own key."""
        return Signer.at(self.settings.keys_path / "platform.key")

    @cached_property
    def store(self) -> Store:
        """Return state and ledger."""
        return Store(self.settings.database_url, signer=self.signer, clock=self.clock, anchor=self.settings.anchor_path)

    @cached_property
    def event_store(self) -> EventStore:
        """Return the events database."""
        return EventStore(self.settings.events_url)

    @cached_property
    def blobs(self) -> Blobs:
        """Return the content-addressed store."""
        return Blobs(self.settings.blobs_path)

    @cached_property
    def catalog(self) -> Catalog:
        """Return the catalogue with the organisation's own packs, whose grading rules must be monotone."""
        catalog = load_catalog(tuple(self.settings.packs))
        if self.settings.packs:
            for rules in catalog.grading.values():
                demand_monotone(rules)
        return catalog

    @cached_property
    def events(self) -> Events:
        """Return the reader of run-time events."""
        return Events(self.event_store)

    @cached_property
    def ledger(self) -> LedgerBook:
        """Return the reader and verifier of the ledger."""
        return LedgerBook(self.store)

    @cached_property
    def relay(self) -> Relay:
        """Return the bridge to this host's gateways."""
        approving = Approving(self.settings.spool_path, working=lambda reason: self.work(PLATFORM, reason))
        return Relay(self.settings, store=self.store, events=self.event_store, reading=self.reading,
                     approving=approving)  # fmt: skip

    @cached_property
    def replays(self) -> Replays:
        """Return the replays of candidate policies."""
        return Replays(self)

    @cached_property
    def campaigning(self) -> Campaigning:
        """Return what sends the prompts of campaigns to their targets."""
        return Campaigning(self)

    @cached_property
    def sealer(self) -> Sealer:
        """Return the ledger's sealer."""
        return Sealer(self.store)

    @cached_property
    def jobs(self) -> Jobs:
        """Return the queue of durable jobs."""
        return Jobs(self.settings.jobs_url)

    def prepare(self) -> None:
        """Make the home folder and bring both databases to the newest form; safe to repeat.

        Raises:
            Unavailable: the folder cannot be written, or a database cannot be reached.
        """
        if self._prepared:
            return
        try:
            self.settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise Unavailable("platform:home-unwritable", field="home", path=str(self.settings.home),
                              why=error.strerror or str(error)) from error  # fmt: skip
        self.store.migrate()
        self.event_store.migrate()
        self._prepared = True

    @contextmanager
    def work(self, actor: Actor, reason: str) -> Iterator[Work]:
        """Open a unit of work: all its changes and their ledger entries are committed together, or none is.

        Args:
            actor: who acts.
            reason: why, as a key such as `release.sign`.
        """
        with self.store.unit(actor.id, reason) as session:
            yield Work(actor, self._desk(session), self.settings)

    @contextmanager
    def reading(self, actor: Actor = PLATFORM) -> Iterator[Work]:
        """Open the services on one unchanging view of the data; nothing can be written."""
        with self.store.reading() as session:
            yield Work(actor, self._desk(session), self.settings)

    def _desk(self, session: object) -> Desk:
        return Desk(
            session=session,  # type: ignore[arg-type]  # both doors of the store give a Session
            catalog=self.catalog,
            signer=self.signer,
            clock=self.clock,
            gateway_version=gateway_version(),
        )

    def first_account(self) -> Bootstrapped | None:
        """Make the first administrator with a one-time password, where there is no account yet."""
        with self.reading() as work:
            if work.accounts.accounts():
                return None
        with self.work(PLATFORM, "account.bootstrap") as work:
            return work.accounts.bootstrap()

    def close(self) -> None:
        """Give all connections back."""
        for name in ("jobs", "store", "event_store"):
            if name in self.__dict__:
                self.__dict__[name].close()
