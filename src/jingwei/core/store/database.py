"""One database: its engine, its transactions, its migrations.

SQLite (WAL) is the default and PostgreSQL the way to grow; both go through the same code and the same tests. Writers
of an SQLite file pass a turnstile and then `BEGIN IMMEDIATE`, so that none starves and none upgrades a read lock.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, ClassVar, Literal

from sqlalchemy import Connection, Engine, MetaData, create_engine, event, make_url, text
from sqlalchemy.orm import Session

from jingwei.core.errors import InputError
from jingwei.core.folder import keep_private
from jingwei.core.store.failure import failures_said
from jingwei.core.store.tables import Base, EventBase
from jingwei.core.store.turnstile import Turnstile

Branch = Literal["state", "events"]

MIGRATION_LOCK = 0x4A57_0001
"""PostgreSQL advisory lock: one migration at a time."""


class Database:
    """A database of one branch of tables.

    Args:
        url: SQLAlchemy URL; `sqlite:///path` or `postgresql://…`.

    Raises:
        InputError: the URL is of no database we know.
    """

    branch: ClassVar[Branch]
    metadata: ClassVar[MetaData]

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self.place = _place(self.engine)
        self._inside = threading.local()
        self._turnstile = self._make_turnstile()

    @property
    def on_sqlite(self) -> bool:
        """Tell whether this is an SQLite file."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session on one unchanging view of the data; whatever it writes is refused.

        Raises:
            Unavailable: the database cannot be read.
        """
        with failures_said(self.place), self.engine.connect() as connection:
            if not self.on_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            connection.execution_options(jingwei_reading=True)
            with Session(connection, autoflush=False) as session:
                yield session

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Hold one write transaction: committed on a clean exit, rolled back on an error.

        Raises:
            Unavailable: the database is full, locked, or cannot be reached.
        """
        if getattr(self._inside, "unit", False):
            raise RuntimeError("a unit of work inside another would wait for itself")
        self._inside.unit = True
        try:
            with failures_said(self.place), self._turned(), self.engine.connect() as connection:
                connection.execution_options(jingwei_writing=True)
                with connection.begin():
                    yield connection
        finally:
            self._inside.unit = False

    def migrate(self) -> None:
        """Bring the tables to the newest form, in one transaction; waits while another process does."""
        self._alembic("upgrade", "head")

    def downgrade(self, revision: str = "base") -> None:
        """Take the tables back to an older form."""
        self._alembic("downgrade", revision)

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    def _alembic(self, verb: Literal["upgrade", "downgrade"], revision: str) -> None:
        from alembic import command  # noqa: PLC0415 - 0.7 s to import, and only needed here
        from alembic.config import Config  # noqa: PLC0415

        with as_file(files("jingwei.core.store") / "migrations") as scripts, self.writing() as connection:
            if not self.on_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            config = Config()
            config.set_main_option("script_location", str(scripts).replace("%", "%%"))
            config.set_main_option("version_locations", str(scripts / "versions" / self.branch).replace("%", "%%"))
            config.set_main_option("path_separator", "newline")
            config.attributes.update(connection=connection, metadata=self.metadata, branch=self.branch)
            getattr(command, verb)(config, revision)

    @contextmanager
    def _turned(self) -> Iterator[None]:
        if self._turnstile is None:
            yield
            return
        with self._turnstile.pass_through():
            yield

    def _make_turnstile(self) -> Turnstile | None:
        path = self.engine.url.database
        if not self.on_sqlite or not path or path == ":memory:":
            return None
        with failures_said(self.place):
            Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(OSError):  # what hinders it, opening the database says
            keep_private(Path(path))
        return Turnstile(Path(path + ".turnstile"))


class EventStore(Database):
    """The database of run-time events: a file of its own on SQLite, so that neither waits on the other."""

    branch = "events"
    metadata = EventBase.metadata

    @contextmanager
    def adding(self) -> Iterator[Session]:
        """Open a session whose rows are committed on a clean exit."""
        with self.writing() as connection, Session(connection) as session:
            yield session
            session.flush()


class StateDatabase(Database):
    """The database of state, proof, gate and ledger; `Store` adds the unit of work."""

    branch = "state"
    metadata = Base.metadata


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    match parsed.get_backend_name():
        case "sqlite":
            engine = create_engine(parsed, pool_timeout=30)
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        case "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
            engine = create_engine(parsed, pool_size=10, max_overflow=20, pool_timeout=30)
        case other:
            raise InputError("core:store-unknown", field="database", name=other)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:  # Any: the driver's own connection
    connection.isolation_level = None  # the driver starts no transaction of its own; `_begin_sqlite` does
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON",
                   "recursive_triggers=ON"):  # fmt: skip
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("jingwei_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _place(engine: Engine) -> str:
    if engine.dialect.name == "sqlite":
        return engine.url.database or ":memory:"
    return f"{engine.url.host or 'localhost'}/{engine.url.database}"
