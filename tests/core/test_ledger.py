import json
import random
import shutil
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from sqlalchemy import select, text

from jingwei.core.errors import InputError, Tampered, Unavailable
from jingwei.core.ids import new_id
from jingwei.core.ledger import Mark, Sealer, export, last_anchor, seal_pending, verify, verify_export
from jingwei.core.ledger import sealing as sealing_module
from jingwei.core.ledger.model import Checkpoint, link
from jingwei.core.merkle import Frontier
from jingwei.core.signing import Signer
from jingwei.core.store import Store, append_entry
from jingwei.core.store.tables import AccountRow, SealRow, SystemRow

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def fill(store: Store, count: int = 20, *, rounds: int = 1) -> None:
    """Write accounts and seal them, in as many rounds as asked."""
    for _ in range(rounds):
        with store.unit("acc_1", "test") as session:
            session.add_all(
                AccountRow(id=new_id("acc"), created_at=NOW, login=new_id("l"), password_hash="h") for _ in range(count)
            )
        seal_pending(store)


def check(store: Store, **how):
    return verify(store, verifier=store.signer.verifier, **how)


def codes(report) -> set[str]:
    return {fault.code for fault in report.faults}


def disarm(store: Store) -> None:
    """Drop the triggers, as someone with the database's own password could."""
    with store.writing() as connection:
        for table in ("ledger_entry", "ledger_seal", "ledger_checkpoint"):
            if store.on_sqlite:
                connection.exec_driver_sql(f"DROP TRIGGER {table}_no_update")
                connection.exec_driver_sql(f"DROP TRIGGER {table}_no_delete")
            else:
                connection.exec_driver_sql(f"DROP FUNCTION {table}_append_only() CASCADE")


def tamper(store: Store, *statements: str, **values) -> None:
    with store.writing() as connection:
        for statement in statements:
            connection.execute(text(statement), values)


# sealing --------------------------------------------------------------------------------------------------------------


def test_a_sealed_ledger_holds(store):
    fill(store, 20, rounds=3)
    report = check(store)
    assert report.holds
    assert (report.entries, report.rows, report.checkpoints, report.anchors) == (60, 60, 3, 3)
    assert (report.unsealed, report.unanchored, report.finished) == (0, 0, True)


def test_an_empty_ledger_holds(store):
    assert seal_pending(store) == 0
    assert check(store).holds


def test_entries_after_the_last_anchor_are_shown(store):
    fill(store, 5)
    with store.unit("acc_1", "test") as session:
        append_entry(session, "segment", subject="gw-1", body={"root": "00", "events": 3})
    report = check(store)
    assert report.holds
    assert (report.unsealed, report.unanchored) == (1, 1)


def test_large_backlogs_are_sealed_in_batches(store, monkeypatch):
    monkeypatch.setattr(sealing_module, "BATCH", 7)
    with store.unit("acc_1", "test") as session:
        for number in range(21):
            append_entry(session, "segment", subject=str(number), body={})
    assert seal_pending(store) == 21
    report = check(store)
    assert report.holds
    assert (report.entries, report.checkpoints, report.anchors) == (21, 3, 1)


def test_sealers_that_run_at_once_do_no_harm(store):
    with store.unit("acc_1", "test") as session:
        for number in range(300):
            append_entry(session, "segment", subject=str(number), body={})
    sealed: list[int] = []
    threads = [threading.Thread(target=lambda: sealed.append(seal_pending(store))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sealed) == 300
    assert check(store).holds


def test_a_sealer_in_the_background_anchors_within_a_second(sqlite_store):
    with Sealer(sqlite_store, period_seconds=0.02) as sealer:
        with sqlite_store.unit("acc_1", "test") as session:
            append_entry(session, "segment", subject="x", body={})
        written = time.monotonic()
        while last_anchor(sqlite_store.anchor) is None:
            assert time.monotonic() - written < 1
        assert sealer.trouble is None
    assert check(sqlite_store).unanchored == 0


def test_a_sealer_that_closes_seals_what_is_left(sqlite_store):
    with Sealer(sqlite_store, period_seconds=60), sqlite_store.unit("acc_1", "test") as session:
        append_entry(session, "segment", subject="x", body={})
    assert check(sqlite_store).unsealed == 0


def test_a_number_given_out_before_another_but_committed_after_it_is_not_skipped(postgres_store):
    """The late writer holds the shared lock, so the sealer waits for it instead of passing its number."""
    done = threading.Event()
    numbered = threading.Event()

    def late() -> None:
        with postgres_store.engine.connect() as connection, connection.begin():
            connection.exec_driver_sql(
                'INSERT INTO ledger_entry (table_name, row_id, body) VALUES (\'\', \'late\', \'{"table":"","row_id":"late"}\')'
            )
            numbered.set()
            done.wait(5)

    writer = threading.Thread(target=late)
    writer.start()
    numbered.wait(5)
    with postgres_store.engine.connect() as connection, connection.begin():
        connection.exec_driver_sql(
            'INSERT INTO ledger_entry (table_name, row_id, body) VALUES (\'\', \'early\', \'{"table":"","row_id":"early"}\')'
        )
    sealer = threading.Thread(target=seal_pending, args=(postgres_store,))
    sealer.start()
    with postgres_store.reading() as session:
        assert session.scalar(select(SealRow.sequence)) is None
    done.set()
    writer.join()
    sealer.join()
    report = check(postgres_store)
    assert report.holds
    assert (report.entries, report.unsealed) == (2, 0)


def test_a_rolled_back_number_leaves_a_gap_and_no_fault(postgres_store):
    fill(postgres_store, 2)
    with pytest.raises(KeyError), postgres_store.writing() as connection:  # noqa: PT012 - a unit fails as a whole
        connection.exec_driver_sql("INSERT INTO ledger_entry (table_name, row_id, body) VALUES ('', 'x', '{}')")
        raise KeyError
    fill(postgres_store, 2)
    assert check(postgres_store).holds


def test_nothing_is_sealed_on_top_of_a_ledger_that_was_cut_back(store):
    fill(store, 5, rounds=2)
    disarm(store)
    tamper(store, "DELETE FROM ledger_checkpoint WHERE size > 5", "DELETE FROM ledger_seal WHERE sequence > 5")
    with pytest.raises(Tampered) as caught:
        seal_pending(store)
    assert caught.value.code == "core:ledger-behind-anchor"


def test_a_sealer_keeps_saying_what_is_wrong(sqlite_store, caplog):
    fill(sqlite_store, 5, rounds=2)
    disarm(sqlite_store)
    tamper(sqlite_store, "DELETE FROM ledger_checkpoint WHERE size > 5", "DELETE FROM ledger_seal WHERE sequence > 5")
    with Sealer(sqlite_store, period_seconds=60) as sealer:
        pass
    assert sealer.trouble.code == "core:ledger-behind-anchor"
    assert "core:ledger-behind-anchor" in caplog.text


def test_an_edited_frontier_is_not_built_on(store):
    fill(store, 5)
    disarm(store)
    for peaks in (["00" * 32, "11" * 32], [], ["zz"]):
        tamper(store, "UPDATE ledger_checkpoint SET frontier = :peaks", peaks=json.dumps(peaks))
        with store.unit("acc_1", "test") as session:
            append_entry(session, "segment", subject="x", body={})
        with pytest.raises(Tampered) as caught:
            seal_pending(store)
        assert caught.value.code == "core:ledger-unsound"


# anchors --------------------------------------------------------------------------------------------------------------


def test_an_anchor_torn_by_a_power_cut_is_written_again(sqlite_store):
    fill(sqlite_store, 3)
    whole = sqlite_store.anchor.read_bytes()
    sqlite_store.anchor.write_bytes(whole[:-40])
    assert check(sqlite_store).holds
    fill(sqlite_store, 3)
    report = check(sqlite_store)
    assert report.holds
    assert report.unanchored == 0
    assert [json.loads(line)["size"] for line in sqlite_store.anchor.read_bytes().splitlines()] == [6]


def test_a_garbled_anchor_line_is_found(sqlite_store):
    fill(sqlite_store, 3, rounds=2)
    lines = sqlite_store.anchor.read_bytes().splitlines(keepends=True)
    sqlite_store.anchor.write_bytes(b"{}\n" + lines[1])
    assert codes(check(sqlite_store)) == {"anchor-unreadable"}


def test_an_anchor_line_without_end_does_not_fill_memory(sqlite_store):
    fill(sqlite_store, 3)
    with sqlite_store.anchor.open("ab") as file:
        file.write(b"x" * 100_000 + b"\n")
    assert codes(check(sqlite_store)) == {"anchor-unreadable"}


def test_anchors_of_another_key_are_found(sqlite_store):
    fill(sqlite_store, 3)
    anchor = last_anchor(sqlite_store.anchor)
    forged = Checkpoint.signed(
        size=anchor.size, root=anchor.root, chain_digest=anchor.chain_digest, at=anchor.at, signer=Signer.generate()
    )
    sqlite_store.anchor.write_text(forged.model_dump_json() + "\n")
    assert codes(check(sqlite_store)) == {"checkpoint-unsigned"}


def test_an_anchor_file_that_cannot_be_written_is_said_and_nothing_is_lost(sqlite_store, home):
    sqlite_store.anchor = home
    with sqlite_store.unit("acc_1", "test") as session:
        append_entry(session, "segment", subject="x", body={})
    with pytest.raises(Unavailable):
        seal_pending(sqlite_store)
    sqlite_store.anchor = home / "anchors.jsonl"
    seal_pending(sqlite_store)
    assert check(sqlite_store).unanchored == 0


# verification ---------------------------------------------------------------------------------------------------------


def test_verification_goes_on_where_it_stopped(store):
    fill(store, 10, rounds=4)
    mark, passed, seen = Mark(), 0, []
    while True:
        report = check(store, resume=mark, limit=15, progress=lambda done, total: seen.append((done, total)))
        assert report.holds
        passed += report.entries
        mark = Mark.model_validate_json(report.mark.model_dump_json())
        if report.finished:
            break
    assert passed == 40
    assert report.rows == 40
    assert report.unanchored == 0
    assert seen[-1] == (40, 40)
    fill(store, 10)
    assert check(store, resume=mark).entries == 10


def test_a_mark_that_no_longer_fits_is_found(store):
    fill(store, 10, rounds=2)
    mark = check(store, limit=10).mark
    disarm(store)
    tamper(store, "UPDATE ledger_seal SET chain_digest = :zero WHERE sequence = 10", zero="0" * 64)
    assert "chain-broken" in codes(check(store, resume=mark))
    tamper(store, "DELETE FROM ledger_seal WHERE sequence >= 5")
    assert "truncated" in codes(check(store, resume=mark))


def test_a_fault_says_where_and_what_in_both_languages(store):
    fill(store, 10)
    disarm(store)
    tamper(store, "UPDATE ledger_entry SET body = REPLACE(body, 'acc_1', 'acc_2') WHERE number = 7")
    report = check(store)
    assert not report.holds
    assert [(fault.code, fault.sequence) for fault in report.faults] == [("entry-edited", 7)]
    assert "7" in report.faults[0].message.zh
    assert "7" in report.faults[0].message.en


ROW_TAMPERS = {
    "row-edited": "UPDATE system SET status = 'approved'",
    "row-missing": "DELETE FROM system",
    "row-unentered": "",
}


@pytest.mark.parametrize("code", ROW_TAMPERS)
def test_a_row_changed_past_the_ledger_is_found(store, code):
    with store.unit("acc_1", "test") as session:
        session.add(AccountRow(id="acc_1", created_at=NOW, login="l", password_hash="h"))
        session.flush()
        session.add(SystemRow(id="sys_1", created_at=NOW, name="n", purpose="p", owner_id="acc_1"))
    seal_pending(store)
    assert check(store).holds
    statement = ROW_TAMPERS[code]
    if code == "row-unentered":  # a copy of the row, written column by column
        with store.reading() as session:
            columns = list(session.execute(text("SELECT * FROM system")).keys())
        picked = ["'sys_2'" if name == "id" else "'m'" if name == "name" else name for name in columns]
        statement = f"INSERT INTO system ({', '.join(columns)}) SELECT {', '.join(picked)} FROM system"
    tamper(store, statement)
    assert codes(check(store)) == {code}
    assert check(store, rows=False).holds


def test_a_deleted_row_brought_back_is_found(store):
    person = AccountRow(id="acc_1", created_at=NOW, login="l", password_hash="h")
    with store.unit("acc_1", "test") as session:
        session.add(person)
    with store.unit("acc_1", "test") as session:
        session.delete(session.get(AccountRow, "acc_1"))
    seal_pending(store)
    assert check(store).holds
    with store.writing() as connection:
        values = {c.name: None for c in AccountRow.__table__.columns} | {
            "id": "acc_1", "version": 1, "created_at": NOW, "login": "l", "display_name": "", "password_hash": "h", "active": True, "totp_last_step": 0, "must_change_password": False}  # fmt: skip
        connection.execute(AccountRow.__table__.insert(), values)
    assert codes(check(store)) == {"row-edited"}


def test_an_erased_name_is_no_fault(store):
    fill(store, 2)
    tamper(store, "UPDATE account SET login = id, display_name = '', password_hash = ''")
    assert check(store).holds


def test_reconciling_pages_misses_nothing(store, monkeypatch):
    from jingwei.core.ledger import completeness

    monkeypatch.setattr(completeness, "PAGE", 3)
    fill(store, 9)
    assert check(store).rows == 9
    assert check(store).holds
    tamper(store, "DELETE FROM account WHERE id = (SELECT max(id) FROM account)")
    assert codes(check(store)) == {"row-missing"}


def test_another_platforms_key_verifies_nothing(store):
    fill(store, 3)
    assert codes(verify(store, verifier=Signer.generate().verifier)) == {"checkpoint-unsigned"}


# tampering with anchored entries, triggers dropped --------------------------------------------------------------------


def rechain(store: Store, since: int, *, signer: Signer | None = None) -> None:
    """Seal everything again from a place on, as someone who knows the algorithm would; sign with a key of one's own."""
    with store.writing() as connection:
        seals = connection.execute(
            text(
                "SELECT s.sequence, e.body FROM ledger_seal s JOIN ledger_entry e ON e.number = s.entry_number ORDER BY s.sequence"
            )
        ).all()
        chain, frontier, roots = bytes(32), Frontier(), {}
        for sequence, body in seals:
            digest = sha256(body.encode()).digest()
            chain = link(chain, digest)
            frontier.append(digest)
            roots[sequence] = (frontier.root().hex(), chain.hex(), json.dumps([peak.hex() for peak in frontier.peaks]))
            if sequence >= since:
                connection.execute(
                    text("UPDATE ledger_seal SET entry_digest = :d, chain_digest = :c WHERE sequence = :s"),
                    {"d": digest.hex(), "c": chain.hex(), "s": sequence},
                )
        for size, at in connection.execute(text("SELECT size, at FROM ledger_checkpoint")).all():
            if size not in roots:
                continue
            root, chained, peaks = roots[size]
            values = {"r": root, "c": chained, "f": peaks, "s": size}
            connection.execute(
                text("UPDATE ledger_checkpoint SET root = :r, chain_digest = :c, frontier = :f WHERE size = :s"), values
            )
            if signer and size >= since:
                forged = Checkpoint.signed(size=size, root=root, chain_digest=chained, at=at, signer=signer)
                connection.execute(
                    text("UPDATE ledger_checkpoint SET key_id = :k, signature = :g WHERE size = :s"),
                    {"k": forged.signature.key_id, "g": forged.signature.value, "s": size},
                )


def edit(store: Store, chance: random.Random, size: int) -> None:
    number = chance.randint(1, size)
    with store.writing() as connection:
        body = connection.execute(text("SELECT body FROM ledger_entry WHERE number = :n"), {"n": number}).scalar_one()
        at = chance.randrange(len(body))
        changed = body[:at] + chance.choice([c for c in '0123456789abcdef"{}' if c != body[at]]) + body[at + 1 :]
        connection.execute(text("UPDATE ledger_entry SET body = :b WHERE number = :n"), {"b": changed, "n": number})


def edit_a_seal(store: Store, chance: random.Random, size: int) -> None:
    column = chance.choice(["entry_digest", "chain_digest"])
    tamper(
        store,
        f"UPDATE ledger_seal SET {column} = :v WHERE sequence = :n",
        v=chance.randbytes(32).hex(),
        n=chance.randint(1, size),
    )


def edit_a_filing(store: Store, chance: random.Random, size: int) -> None:
    column = chance.choice(["table_name", "row_id"])
    tamper(store, f"UPDATE ledger_entry SET {column} = 'other' WHERE number = :n", n=chance.randint(1, size))


def remove(store: Store, chance: random.Random, size: int) -> None:
    tamper(store, "DELETE FROM ledger_entry WHERE number = :n", n=chance.randint(1, size))


def remove_with_its_seal(store: Store, chance: random.Random, size: int) -> None:
    tamper(
        store,
        "DELETE FROM ledger_entry WHERE number = :n",
        "DELETE FROM ledger_seal WHERE entry_number = :n",
        n=chance.randint(1, size),
    )


def remove_and_close_the_gap(store: Store, chance: random.Random, size: int) -> None:
    n = chance.randint(1, size - 1)
    remove_one = ["DELETE FROM ledger_entry WHERE number = :n", "DELETE FROM ledger_seal WHERE entry_number = :n"]
    tamper(
        store,
        *remove_one,
        *(f"UPDATE ledger_seal SET sequence = {k - 1} WHERE sequence = {k}" for k in range(n + 1, size + 1)),
        n=n,
    )
    rechain(store, 1, signer=chance.choice([None, Signer.generate()]))


def swap_bodies(store: Store, chance: random.Random, size: int) -> None:
    a, b = chance.sample(range(1, size + 1), 2)
    tamper(
        store,
        "UPDATE ledger_entry SET number = -1 WHERE number = :a",
        "UPDATE ledger_entry SET number = :a WHERE number = :b",
        "UPDATE ledger_entry SET number = :b WHERE number = -1",
        a=a,
        b=b,
    )


def swap_seals(store: Store, chance: random.Random, size: int) -> None:
    a, b = chance.sample(range(1, size + 1), 2)
    tamper(
        store,
        "UPDATE ledger_seal SET sequence = -1 WHERE sequence = :a",
        "UPDATE ledger_seal SET sequence = :a WHERE sequence = :b",
        "UPDATE ledger_seal SET sequence = :b WHERE sequence = -1",
        a=a,
        b=b,
    )


def swap_and_rechain(store: Store, chance: random.Random, size: int) -> None:
    swap_bodies(store, chance, size)
    rechain(store, 1)


def cut(store: Store, chance: random.Random, size: int) -> None:
    k = chance.randint(0, size - 1)
    tamper(
        store,
        "DELETE FROM ledger_entry WHERE number > :k",
        "DELETE FROM ledger_seal WHERE sequence > :k",
        "DELETE FROM ledger_checkpoint WHERE size > :k",
        k=k,
    )


def cut_with_the_rows(store: Store, chance: random.Random, size: int) -> None:
    k = chance.randint(0, size - 1)
    tamper(store, "DELETE FROM account WHERE id IN (SELECT row_id FROM ledger_entry WHERE number > :k)", k=k)
    tamper(
        store,
        "DELETE FROM ledger_entry WHERE number > :k",
        "DELETE FROM ledger_seal WHERE sequence > :k",
        "DELETE FROM ledger_checkpoint WHERE size > :k",
        k=k,
    )


def cut_and_write_anew(store: Store, chance: random.Random, size: int) -> None:
    cut_with_the_rows(store, chance, size)
    anchor, store.anchor = store.anchor, None
    fill_size = size + chance.randint(0, 5)
    with store.reading() as session:
        left = session.execute(text("SELECT count(*) FROM ledger_entry")).scalar_one()
    tamper(store, "DELETE FROM ledger_seal", "DELETE FROM ledger_checkpoint")
    fill(store, fill_size - left)
    store.anchor = anchor


def edit_and_rechain(store: Store, chance: random.Random, size: int) -> None:
    n = chance.randint(1, size)
    tamper(store, "UPDATE ledger_entry SET body = REPLACE(body, 'acc_1', 'acc_2') WHERE number = :n", n=n)
    rechain(store, n)


def edit_and_rechain_and_forge(store: Store, chance: random.Random, size: int) -> None:
    n = chance.randint(1, size)
    tamper(store, "UPDATE ledger_entry SET body = REPLACE(body, 'acc_1', 'acc_2') WHERE number = :n", n=n)
    rechain(store, n, signer=Signer.generate())


def slip_one_in(store: Store, chance: random.Random, size: int) -> None:
    n = chance.randint(1, size)
    tamper(
        store,
        "DELETE FROM ledger_entry WHERE number = :n",
        "INSERT INTO ledger_entry (number, table_name, row_id, body) VALUES (:n, '', 'x', '{}')",
        n=n,
    )


def remove_a_checkpoint(store: Store, chance: random.Random, size: int) -> None:
    tamper(store, "DELETE FROM ledger_checkpoint WHERE size = (SELECT max(size) FROM ledger_checkpoint)")


TAMPERS = [
    edit, edit_a_seal, edit_a_filing, remove, remove_with_its_seal, remove_and_close_the_gap, swap_bodies, swap_seals,
    swap_and_rechain, cut, cut_with_the_rows, cut_and_write_anew, edit_and_rechain, edit_and_rechain_and_forge, slip_one_in,
    remove_a_checkpoint,
]  # fmt: skip
SIZE = 24


@pytest.fixture(scope="session")
def anchored(tmp_path_factory, sqlite_template, signer):
    """A folder with an anchored ledger of SIZE entries."""
    folder = tmp_path_factory.mktemp("anchored")
    shutil.copyfile(sqlite_template, folder / "jingwei.db")
    store = Store(f"sqlite:///{folder / 'jingwei.db'}", signer=signer, anchor=folder / "anchors.jsonl")
    fill(store, SIZE // 3, rounds=3)
    disarm(store)
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return folder


def tampered(anchored, home, signer, number: int):
    """Tamper with a copy at random, and return how and what verification says."""
    chance = random.Random(number)
    how = TAMPERS[number % len(TAMPERS)]
    shutil.copyfile(anchored / "jingwei.db", home / "jingwei.db")
    shutil.copyfile(anchored / "anchors.jsonl", home / "anchors.jsonl")
    store = Store(f"sqlite:///{home / 'jingwei.db'}", signer=signer, anchor=home / "anchors.jsonl")
    try:
        assert check(store).holds
        how(store, chance, SIZE)
        return how.__name__, check(store, rows=False)
    finally:
        store.close()
        for path in home.glob("jingwei.db*"):
            path.unlink()


@pytest.mark.parametrize("number", range(64))
def test_a_random_tampering_is_found(anchored, home, signer, number):
    how, report = tampered(anchored, home, signer, number)
    assert not report.holds, how


@pytest.mark.slow
def test_of_a_thousand_random_tamperings_all_are_found(anchored, home, signer):
    missed = [
        how for number in range(1000) for how, report in [tampered(anchored, home, signer, number)] if report.holds
    ]
    assert missed == []


@pytest.mark.parametrize("how", TAMPERS)
def test_each_tampering_is_found_on_either_engine(store, how):
    fill(store, SIZE // 3, rounds=3)
    disarm(store)
    how(store, random.Random(7), SIZE)
    assert not check(store, rows=False).holds


# export ---------------------------------------------------------------------------------------------------------------


def exported(store, home):
    path = home / "ledger.jsonl"
    with path.open("wb") as out:
        assert export(store, out) > 0
    return path


def test_an_export_is_verified_offline(store, home):
    fill(store, 5, rounds=3)
    report = verify_export(exported(store, home), verifier=store.signer.verifier)
    assert report.holds
    assert (report.entries, report.checkpoints) == (15, 3)


@pytest.mark.parametrize(
    ("line", "change", "code"),
    [
        (3, lambda line: line.replace(b"acc_1", b"acc_2"), "checkpoint-unlike"),
        (3, lambda line: b"", "order-changed"),
        (-1, lambda line: b"", "export-cut"),
        (-1, lambda line: line.replace(b'"size":10', b'"size":9'), "checkpoint-unlike"),
    ],
)
def test_a_changed_export_is_found(sqlite_store, home, line, change, code):
    fill(sqlite_store, 5, rounds=2)
    path = exported(sqlite_store, home)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line] = change(lines[line])
    path.write_bytes(b"".join(lines))
    assert code in codes(verify_export(path, verifier=sqlite_store.signer.verifier))


def test_an_export_of_another_platform_is_found(sqlite_store, home):
    fill(sqlite_store, 5)
    report = verify_export(exported(sqlite_store, home), verifier=Signer.generate().verifier)
    assert codes(report) == {"checkpoint-unsigned"}


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"{}\n", b'{"kind":"entry","sequence":1,"body":"x"}\n', b"[" * 2_000_000]
)
def test_a_file_that_is_no_export_is_refused(home, signer, content):
    path = home / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        verify_export(path, verifier=signer.verifier)
    assert caught.value.code == "core:ledger-not-an-export"


KILLED = """
import sys
from pathlib import Path
from jingwei.core.ledger import seal_pending
from jingwei.core.signing import Signer
from jingwei.core.store import Store
home = Path(sys.argv[2])
store = Store(sys.argv[1], signer=Signer.at(home / "key"), anchor=home / "anchors.jsonl")
print("up", flush=True)
while True:
    seal_pending(store)
"""


@pytest.mark.slow
def test_a_killed_sealer_leaves_a_sound_ledger(store, home):
    """Killed ten times in the middle of its work; the next one goes on."""
    (home / "key").write_bytes(store.signer.private)
    url = store.engine.url.render_as_string(hide_password=False)
    chance = random.Random(1)
    for _ in range(10):
        sealer = subprocess.Popen([sys.executable, "-c", KILLED, url, str(home)], stdout=subprocess.PIPE)
        assert sealer.stdout.readline() == b"up\n"
        end = time.monotonic() + chance.random() * 0.3
        while time.monotonic() < end:
            with store.unit("acc_1", "test") as session:
                append_entry(session, "segment", subject="x", body={})
        sealer.kill()
        sealer.wait()
        sealer.stdout.close()
    seal_pending(store)
    report = check(store)
    assert report.holds
    assert report.unanchored == 0
