"""What lies on the disk: who may read it, what it must not hold, and what an old copy of it brings back."""

import logging
import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from tests.faces.api.conftest import PASSWORD

from jingwei.core.errors import Tampered
from jingwei.core.jobs import Jobs
from jingwei.core.ledger import seal_pending
from jingwei.core.settings import Settings
from jingwei.core.signing import Signer
from jingwei.core.store import Store
from jingwei.platform import Platform


def loose(home):
    """Name every file that others than the owner may read or write, where the folders above do not keep them out."""
    found: list[str] = []
    for each in Path(home).iterdir():
        if each.stat().st_mode & 0o077:
            found += loose(each) if each.is_dir() else [each.name]
    return found


@pytest.fixture
def open_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_home_that_everyone_may_look_into_holds_nothing_they_may_read(tmp_path, open_umask):
    home = tmp_path / "home"
    home.mkdir(mode=0o777)
    platform = Platform(Settings(home=home))
    platform.prepare()
    platform.first_account()
    platform.relay.publish()
    platform.blobs.put(b"report")
    seal_pending(platform.store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jingwei.core.jobs.JobWorker", object)
        Jobs(platform.settings.jobs_url).close()
    assert loose(home) == []
    platform.close()
    assert loose(home) == []


def test_a_database_or_key_that_others_could_read_is_closed_to_them(tmp_path, open_umask):
    key, database = tmp_path / "platform.key", tmp_path / "jingwei.db"
    key.write_bytes(Signer.generate().private)
    database.touch(0o666)
    Store(f"sqlite:///{database}", signer=Signer.at(key)).close()
    assert (key.stat().st_mode & 0o777, database.stat().st_mode & 0o777) == (0o600, 0o600)


def test_a_database_restored_from_an_old_copy_serves_nothing(fresh):
    token = fresh.released("rollback")
    platform = fresh.platform
    seal_pending(platform.store)
    old = platform.settings.home.with_name("old.db")
    with sqlite3.connect(platform.store.place) as source, sqlite3.connect(old) as target:
        source.backup(target)
    fresh.post("security", f"/tokens/{token['id']}/revoke", {"reason": "Found to leak."}, 200)
    seal_pending(platform.store)
    platform.close()
    before = platform.settings.snapshot_path.read_bytes()  # it grows stale, and then nothing is served
    home = platform.settings.home.with_name("restored")
    shutil.copytree(platform.settings.home, home, ignore=shutil.ignore_patterns("jingwei.db*"))
    shutil.copyfile(old, home / "jingwei.db")
    again = Platform(platform.settings.model_copy(update={"home": home}))
    with again.reading() as work:  # in the copy, the token is live again
        assert work.tokens.servable(token["system_id"]).release is not None
    with pytest.raises(Tampered):
        again.relay.publish()
    assert not again.settings.snapshot_path.exists() or before == again.settings.snapshot_path.read_bytes()
    again.close()


def test_no_name_password_key_or_code_lies_in_the_ledger_events_or_log(fresh, caplog):
    caplog.set_level(logging.DEBUG)
    fresh.add("somebody.unusual@example.com", "engineer")
    fresh.released("Quarterly numbers of somebody unusual")
    fresh.ask("engineer", "POST", "/me/keys", json={"name": "k", "scopes": ["*"], "password": "a wrong passphrase!"})
    platform = fresh.platform
    seal_pending(platform.store)
    platform.close()
    home = platform.settings.home
    with sqlite3.connect(home / "jingwei.db") as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        kept = {name: repr(connection.execute(f'SELECT * FROM "{name}"').fetchall()) for name in tables}
    ledger = "".join(kept[name] for name in tables if name.startswith("ledger"))
    assert ledger
    elsewhere = "".join(kept.values())
    secrets = [PASSWORD, "a wrong passphrase!", *fresh.keys.values()]
    for secret in secrets:
        assert secret not in elsewhere
        assert secret not in caplog.text
    for name in ("somebody.unusual", "Quarterly numbers"):
        assert name not in ledger
        assert name not in caplog.text
        assert name not in (home / "anchors.jsonl").read_text()
        assert name.encode() not in (home / "events.db").read_bytes()
    private = (home / "keys" / "platform.key").read_bytes()
    for path in home.rglob("*"):
        if path.is_file() and path.name != "platform.key":
            raw = path.read_bytes()
            assert private not in raw, path
            assert private.hex().encode() not in raw, path
    assert private.hex() not in repr(os.environ)
