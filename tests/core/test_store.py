import json
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select, text, update

from jingwei.core.errors import Conflict, InputError, Refused, Unavailable
from jingwei.core.ids import new_id
from jingwei.core.signing import Signer
from jingwei.core.store import EventStore, Store, append_entry
from jingwei.core.store.row import governed_tables, row_digest
from jingwei.core.store.tables import AccountRow, Base, EntryRow, EventBase, EventRow, SessionRow, SystemRow

NOW = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)


def account(name: str = "lin") -> AccountRow:
    return AccountRow(id=new_id("acc"), created_at=NOW, login=name, display_name="林", password_hash="h")


def system(owner: AccountRow, name: str = "assistant") -> SystemRow:
    return SystemRow(id=new_id("sys"), created_at=NOW, name=name, purpose="helps", owner_id=owner.id)


def entries(store: Store) -> list[dict]:
    with store.reading() as session:
        return [json.loads(body) for body in session.scalars(select(EntryRow.body).order_by(EntryRow.number))]


def test_every_change_of_a_governed_row_has_its_entry(store):
    person = account()
    with store.unit("acc_1", "account.create") as session:
        session.add(person)
        session.flush()
        person.active = False
    with store.unit("acc_2", "account.remove") as session:
        session.delete(session.get(AccountRow, person.id))
    found = entries(store)
    assert [(e["action"], e["actor_id"], e["reason"], e["row_version"], e["changed"]) for e in found] == [
        ("insert", "acc_1", "account.create", 1, []),
        ("update", "acc_1", "account.create", 2, ["active"]),
        ("delete", "acc_2", "account.remove", 2, []),
    ]
    assert {(e["table"], e["row_id"]) for e in found} == {("account", person.id)}


def test_a_change_that_fails_leaves_neither_row_nor_entry(store):
    with pytest.raises(KeyError), store.unit("acc_1", "test") as session:  # noqa: PT012 - a unit fails as a whole
        session.add(account())
        session.flush()
        raise KeyError
    assert entries(store) == []
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(AccountRow)) == 0


def test_a_savepoint_that_is_rolled_back_takes_its_entries_along(store):
    with store.unit("acc_1", "test") as session:
        session.add(account("first"))
        session.flush()
        savepoint = session.begin_nested()
        session.add(account("second"))
        session.flush()
        savepoint.rollback()
        session.add(account("third"))
    with store.reading() as session:
        assert set(session.scalars(select(AccountRow.login))) == {"first", "third"}
    assert len(entries(store)) == 2


def test_an_entry_names_nobody_and_its_digest_leaves_personal_columns_out(store):
    person = account("lin.mei@example.org")
    with store.unit("acc_1", "test") as session:
        session.add(person)
    with store.unit("acc_1", "test") as session:
        session.get(AccountRow, person.id).display_name = "erased"
    first, second = entries(store)
    assert "lin" not in json.dumps(first)
    assert "林" not in json.dumps(first, ensure_ascii=False)
    assert second["changed"] == ["display_name"]
    with store.reading() as session:
        row = session.execute(select(AccountRow.__table__)).mappings().one()
        assert row_digest(AccountRow.__table__, row) == second["row_digest"]
        assert row_digest(AccountRow.__table__, {**row, "login": "other"}) == second["row_digest"]
        assert row_digest(AccountRow.__table__, {**row, "active": False}) != second["row_digest"]


def _after_a_failed_flush(session):
    savepoint = session.begin_nested()
    session.add(SystemRow(id="sys_x", created_at=NOW, name=None, purpose="p", owner_id="nobody"))
    with pytest.raises(Exception, match=r"(?i)null"):
        session.flush()
    savepoint.rollback()
    session.execute(delete(AccountRow))


BULK = {
    "orm update": lambda session: session.execute(update(AccountRow).values(active=False)),
    "orm delete": lambda session: session.execute(delete(AccountRow)),
    "orm insert": lambda session: session.execute(
        insert(AccountRow), [{"id": "x", "created_at": NOW, "login": "x", "password_hash": "h", "version": 1}]
    ),
    "core insert": lambda session: session.connection().execute(
        insert(AccountRow.__table__), {"id": "x", "created_at": NOW, "login": "x", "password_hash": "h", "version": 1}
    ),
    "bulk save": lambda session: session.bulk_save_objects([account("x")]),
    "bulk mapping": lambda session: session.bulk_insert_mappings(
        AccountRow, [{"id": "x", "created_at": NOW, "login": "x", "password_hash": "h", "version": 1}]
    ),
    "text": lambda session: session.execute(text("DELETE FROM account")),
    "text behind a comment": lambda session: session.execute(text("/* SELECT */ DELETE FROM account")),
    "text behind a cte": lambda session: session.execute(text("WITH gone AS (SELECT 1) DELETE FROM account")),
    "driver": lambda session: session.connection().exec_driver_sql("DELETE FROM account"),
    "after a failed flush": _after_a_failed_flush,
}


@pytest.mark.parametrize("door", BULK)
def test_nothing_changes_a_governed_row_past_the_ledger(store, door):
    with store.unit("acc_1", "test") as session:
        session.add(account())
    with pytest.raises(Refused), store.unit("acc_1", "test") as session:
        BULK[door](session)
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(AccountRow).where(AccountRow.active)) == 1
    assert len(entries(store)) == 1


def test_an_ungoverned_table_is_free(store):
    person = account()
    with store.unit("acc_1", "test") as session:
        session.add(person)
        session.flush()
        session.add(SessionRow(token_hash="t", account_id=person.id, csrf="c", expires_at=NOW))
        session.flush()
        session.execute(delete(SessionRow))
    assert len(entries(store)) == 1


def test_reading_writes_nothing(store):
    with pytest.raises(Refused), store.reading() as session:  # noqa: PT012 - a unit fails as a whole
        session.add(account())
        session.flush()
    with pytest.raises(Refused), store.reading() as session:
        append_entry(session, "test", subject="x", body={})


def test_reading_sees_one_unchanging_view(store):
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(AccountRow)) == 0
        thread = threading.Thread(target=_add_account, args=(store,))
        thread.start()
        thread.join()
        assert session.scalar(select(func.count()).select_from(AccountRow)) == 0
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(AccountRow)) == 1


def _add_account(store):
    with store.unit("acc_1", "test") as session:
        session.add(account())


def test_a_change_on_a_version_that_has_passed_is_refused(store):
    person = account()
    with store.unit("acc_1", "test") as session:
        session.add(person)
    with store.reading() as session:
        stale = session.get(AccountRow, person.id)
        session.expunge(stale)
    with store.unit("acc_1", "test") as session:
        session.get(AccountRow, person.id).active = False
    stale.display_name = "late"
    with pytest.raises(Conflict), store.unit("acc_1", "test") as session:
        session.add(stale)
    assert len(entries(store)) == 2


def test_a_name_taken_twice_is_a_conflict(store):
    with store.unit("acc_1", "test") as session:
        session.add(account())
    with pytest.raises(Conflict), store.unit("acc_1", "test") as session:
        session.add(account())
    assert len(entries(store)) == 1


def test_a_reference_to_nothing_is_a_conflict(store):
    with pytest.raises(Conflict), store.unit("acc_1", "test") as session:
        session.add(system(account()))
    assert entries(store) == []


@pytest.mark.parametrize("table", ["ledger_entry", "ledger_seal", "ledger_checkpoint"])
@pytest.mark.parametrize("verb", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}"])
def test_the_database_itself_refuses_to_change_the_ledger(store, table, verb):
    column = {"ledger_entry": "body", "ledger_seal": "chain_digest", "ledger_checkpoint": "root"}[table]
    with store.writing() as connection:
        connection.exec_driver_sql({
            "ledger_entry": "INSERT INTO ledger_entry (table_name, row_id, body) VALUES ('', '', '{}')",
            "ledger_seal": "INSERT INTO ledger_seal VALUES (1, 1, 'a', 'b')",
            "ledger_checkpoint": "INSERT INTO ledger_checkpoint (size, root, frontier, chain_digest, at, key_id, signature) VALUES (1, 'a', '[]', 'b', 'c', 'd', 'e')",
        }[table])  # fmt: skip
    with pytest.raises(Refused, match="only grows"), store.writing() as connection:
        connection.exec_driver_sql(verb.format(table, column))


def test_sqlite_refuses_to_replace_an_entry(sqlite_store):
    with sqlite_store.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO ledger_entry (number, table_name, row_id, body) VALUES (1, '', '', '{}')"
        )
    with pytest.raises(Refused, match="only grows"), sqlite_store.writing() as connection:
        connection.exec_driver_sql(
            "INSERT OR REPLACE INTO ledger_entry (number, table_name, row_id, body) VALUES (1, '', '', '[]')"
        )


@pytest.mark.parametrize("kind", [Store, EventStore])
def test_migrations_go_up_down_and_up_again_and_match_the_tables(empty_url, signer, kind):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy import inspect

    database = Store(empty_url, signer=signer) if kind is Store else EventStore(empty_url)
    metadata = Base.metadata if kind is Store else EventBase.metadata
    for _ in range(2):
        database.migrate()
        with database.engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "version_table": f"alembic_version_{database.branch}"}
            )
            assert compare_metadata(context, metadata) == []
        database.downgrade()
        with database.engine.connect() as connection:
            assert set(inspect(connection).get_table_names()) <= {f"alembic_version_{database.branch}"}
    database.close()


def test_state_and_events_share_one_postgres_database(postgres, signer):
    name = postgres.create()
    state, events = Store(postgres.url(name), signer=signer), EventStore(postgres.url(name))
    state.migrate()
    events.migrate()
    with events.adding() as session:
        session.add(EventRow(id="e", at=NOW, system_id="s", kind="verdict", decision="allow", segment="g", body={}))
    events.downgrade()
    assert entries(state) == []
    state.close()
    events.close()
    postgres.drop(name)


def test_every_governed_table_has_what_an_entry_needs():
    assert "account" in governed_tables()
    assert "ledger_entry" not in governed_tables()
    for table in governed_tables().values():
        assert {"id", "version"} <= set(table.columns.keys())


def test_a_nested_unit_is_a_plain_mistake_not_a_deadlock(store):
    with pytest.raises(RuntimeError, match="inside another"), store.unit("acc_1", "a"), store.unit("acc_1", "b"):
        pass


@pytest.mark.parametrize(
    ("actor", "reason"), [("Lin Mei", "test"), ("acc_1", "because Lin asked"), ("acc_1", ""), ("林", "test")]
)
def test_actor_and_reason_are_keys(store, actor, reason):
    with pytest.raises(ValueError, match="is a key"), store.unit(actor, reason):
        pass


def test_a_value_that_does_not_fit_is_said(postgres_store):
    with pytest.raises(InputError), postgres_store.unit("acc_1", "test") as session:
        session.add(account("x" * 200))


# bad weather ---------------------------------------------------------------------------------------------------------


def test_a_locked_database_is_said_and_nothing_is_written(sqlite_store):
    path = sqlite_store.engine.url.database
    with sqlite_store.engine.connect() as connection:  # a short wait for the test's sake
        connection.exec_driver_sql("PRAGMA busy_timeout=20")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable) as caught, sqlite_store.unit("acc_1", "test") as session:
        session.add(account())
    other.execute("ROLLBACK")
    other.close()
    assert caught.value.code == "core:store-locked"
    assert entries(sqlite_store) == []


def test_a_full_disk_is_said_and_nothing_is_written(sqlite_store):
    with sqlite_store.unit("acc_1", "test") as session:
        session.add(account("before"))
    with sqlite_store.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    with pytest.raises(Unavailable) as caught, sqlite_store.unit("acc_1", "test") as session:  # noqa: PT012 - a unit fails as a whole
        person = account("after")
        session.add(person)
        session.flush()
        session.add(SystemRow(id="s", created_at=NOW, name="n", purpose="x" * 100_000, owner_id=person.id))
    assert caught.value.code == "core:store-full"
    assert len(entries(sqlite_store)) == 1


def test_a_file_that_is_no_database_is_said(home, signer):
    path = home / "photo.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(Unavailable) as caught:
        Store(f"sqlite:///{path}", signer=signer).migrate()
    assert caught.value.code == "core:store-broken"
    assert path.read_bytes() == b"not a database" * 100


def test_a_folder_in_the_way_is_said(home, signer):
    (home / "jingwei.db").mkdir()
    with pytest.raises(Unavailable) as caught:
        Store(f"sqlite:///{home / 'jingwei.db'}", signer=signer).migrate()
    assert caught.value.code == "core:store-unreadable"


def test_a_parent_that_is_a_file_is_said(home, signer):
    (home / "data").write_text("x")
    with pytest.raises(Unavailable) as caught:
        Store(f"sqlite:///{home / 'data' / 'jingwei.db'}", signer=signer)
    assert caught.value.code == "core:file-unusable"


def test_a_server_that_is_not_there_is_said(home, signer):
    store = Store(f"postgresql://nobody@/none?host={home}", signer=signer)
    with pytest.raises(Unavailable) as caught, store.reading() as session:
        session.execute(text("SELECT 1"))
    assert caught.value.code == "core:store-unreachable"


def test_a_lost_server_is_said(postgres_store):
    with pytest.raises(Unavailable) as caught, postgres_store.unit("acc_1", "test") as session:
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert caught.value.code == "core:store-unreachable"
    with postgres_store.unit("acc_1", "test") as session:
        session.add(account())
    assert len(entries(postgres_store)) == 1


def test_an_unknown_engine_is_said(signer):
    with pytest.raises(InputError, match="mysql"):
        Store("mysql://x/y", signer=signer)


def test_a_writer_that_waits_too_long_at_the_turnstile_is_told(sqlite_store):
    from jingwei.core.store.turnstile import Turnstile

    path = Path(sqlite_store.engine.url.database + ".turnstile")
    patient, hasty = Turnstile(path), Turnstile(path, wait_seconds=0.02)
    with patient.pass_through(), pytest.raises(Unavailable) as caught, hasty.pass_through():
        pass
    assert caught.value.code == "core:store-locked"
    with hasty.pass_through():
        pass


WRITER = """
import sys
from datetime import UTC, datetime
from jingwei.core.ids import new_id
from jingwei.core.signing import Signer
from jingwei.core.store import Store
from jingwei.core.store.tables import AccountRow
store = Store(sys.argv[1], signer=Signer.generate())
for number in range(int(sys.argv[2])):
    with store.unit("acc_w", "test.write") as session:
        session.add(AccountRow(id=new_id("acc"), created_at=datetime.now(UTC), login=new_id("l"), password_hash="h"))
"""


@pytest.mark.slow
def test_thirty_two_writer_processes_lose_nothing(store):
    from jingwei.core.ledger import seal_pending, verify

    url = store.engine.url.render_as_string(hide_password=False)
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, url, "20"]) for _ in range(32)]
    sealed = 0
    while any(writer.poll() is None for writer in writers):
        sealed += seal_pending(store)
    assert [writer.returncode for writer in writers] == [0] * 32
    sealed += seal_pending(store)
    assert sealed == 32 * 20
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(AccountRow)) == 32 * 20
    report = verify(store, verifier=store.signer.verifier)
    assert report.holds
    assert (report.entries, report.unanchored) == (32 * 20, 0)


def test_the_signer_of_a_store_is_its_own(sqlite_store, signer):
    assert isinstance(sqlite_store.signer, Signer)
    assert sqlite_store.signer == signer
