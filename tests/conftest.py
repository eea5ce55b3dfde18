"""Fixtures that many tests share: a home folder, a key, and a migrated store on each engine."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from postgres import MissingError, Server, running

from jingwei.core.signing import Signer
from jingwei.core.store import Store


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder of one installation."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer.generate()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One PostgreSQL server a session, without fsync."""
    try:
        with running(durable=False) as server:
            yield server
    except MissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory, signer: Signer) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "jingwei.db"
    fresh = Store(f"sqlite:///{path}", signer=signer)
    fresh.migrate()
    with fresh.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    fresh.close()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: Server, signer: Signer) -> str:
    """A migrated PostgreSQL database to copy."""
    name = postgres.create()
    fresh = Store(postgres.url(name), signer=signer)
    fresh.migrate()
    fresh.close()
    return name


@pytest.fixture
def sqlite_store(home: Path, signer: Signer, sqlite_template: Path) -> Iterator[Store]:
    """A migrated, anchored store on SQLite."""
    path = home / "jingwei.db"
    shutil.copyfile(sqlite_template, path)
    store = Store(f"sqlite:///{path}", signer=signer, anchor=home / "anchors.jsonl")
    yield store
    store.close()


@pytest.fixture
def postgres_store(home: Path, signer: Signer, postgres: Server, postgres_template: str) -> Iterator[Store]:
    """A migrated, anchored store on PostgreSQL."""
    name = postgres.create(template=postgres_template)
    store = Store(postgres.url(name), signer=signer, anchor=home / "anchors.jsonl")
    yield store
    store.close()
    postgres.drop(name)


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    """A migrated, anchored store, on each engine in turn."""
    return request.getfixturevalue(f"{request.param}_store")


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, home: Path) -> Iterator[str]:
    """The URL of a database without tables, on each engine in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{home / 'empty.db'}"
        return
    server: Server = request.getfixturevalue("postgres")
    name = server.create()
    yield server.url(name)
    server.drop(name)
