"""How fast the ledger takes entries from parallel writer processes, whether any is lost, and how fast it is verified.

    python benchmarks/ledger.py [--writers 8] [--database sqlite|postgres] [--seconds 10]

Ours: each writer process commits units of work of one governed row; a sealer seals and anchors beside them.

Beside it, a RE-ENACTMENT, in our own words, of one class of audit trail: the state change commits first; then its trail
row is chained in a SERIALIZABLE transaction of its own, and a failure is caught and only logged. It is not VerifyWise's
code. VerifyWise's own code (v2.1.1, its audit ledger on PostgreSQL 15, run on another day on a loaded two-core machine)
was measured to lose 0 % of its entries with 1 writer (69 entries/s), 46.3 % with 2, 71.5 % with 4 and 84.5 % with 8
(20 entries/s), while its `verifyChain` answered "intact" each time.

The PostgreSQL server is a throw-away one with its default settings (fsync on).
"""

import argparse
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from hashlib import sha256
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import psycopg
from postgres import MissingError, Server, running
from sqlalchemy import func, select

from jingwei.core.ids import new_id
from jingwei.core.ledger import Sealer, seal_pending, verify
from jingwei.core.signing import Signer
from jingwei.core.store import Store
from jingwei.core.store.tables import AccountRow, EntryRow


class Written(NamedTuple):
    """What one writer did: the seconds each change took."""

    latencies: list[float]
    seconds: float


def write_ours(url: str, key: bytes, seconds: float, gate: Barrier) -> Written:
    store = Store(url, signer=Signer(key))
    with store.unit("acc_bench", "bench.warm") as session:
        session.add(AccountRow(id=new_id("acc"), created_at=datetime.now(UTC), login=new_id("l"), password_hash="h"))

    def one() -> None:
        with store.unit("acc_bench", "bench.write") as session:
            person = AccountRow(id=new_id("acc"), created_at=datetime.now(UTC), login=new_id("l"), password_hash="h")
            session.add(person)

    written = _for(seconds, gate, one)
    store.close()
    return written


def write_reenacted(address: str, seconds: float, gate: Barrier) -> Written:
    with psycopg.connect(address) as connection:

        def one() -> None:
            connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            connection.execute("INSERT INTO thing (body) VALUES ('x')")
            connection.commit()
            connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
            try:
                last = connection.execute("SELECT hash FROM trail ORDER BY id DESC LIMIT 1").fetchone()
                before = last[0] if last else "0" * 64
                after = sha256(f"{before}|thing|insert".encode()).hexdigest()
                connection.execute("INSERT INTO trail (before, hash) VALUES (%s, %s)", (before, after))
                connection.commit()
            except psycopg.Error:
                connection.rollback()  # the caller has long gone on; the failure would only be logged

        return _for(seconds, gate, one)


def _for(seconds: float, gate: Barrier, one: Callable[[], None]) -> Written:
    gate.wait()
    began = now = time.perf_counter()
    latencies = []
    while now - began < seconds:
        one()
        latencies.append(time.perf_counter() - now)
        now = time.perf_counter()
    return Written(latencies, now - began)


def in_parallel(work: Callable[..., Written], given: tuple[object, ...], writers: int, seconds: float) -> list[Written]:
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(writers) as pool:
        gate = manager.Barrier(writers)
        return pool.starmap(work, [(*given, seconds, gate)] * writers)


def speed(written: list[Written]) -> str:
    latencies = sorted(latency for one in written for latency in one.latencies)
    rate = sum(len(one.latencies) / one.seconds for one in written)
    cuts = statistics.quantiles(latencies, n=100)
    return (
        f"{rate:8,.0f} changes/s   median {cuts[49] * 1000:.1f} ms   p95 {cuts[94] * 1000:.1f} ms   "
        f"longest {latencies[-1] * 1000:.0f} ms"
    )


def run_ours(url: str, folder: Path, writers: int, seconds: float) -> bool:
    signer = Signer.generate()
    store = Store(url, signer=signer, anchor=folder / "anchors.jsonl")
    store.migrate()
    with Sealer(store):
        written = in_parallel(write_ours, (url, signer.private), writers, seconds)
    seal_pending(store)
    changes = sum(len(one.latencies) for one in written) + writers
    with store.reading() as session:
        rows = session.scalar(select(func.count()).select_from(AccountRow))
        entries = session.scalar(select(func.count()).select_from(EntryRow))
    began = time.perf_counter()
    report = verify(store, verifier=signer.verifier, rows=False)
    chain_seconds = time.perf_counter() - began
    whole = verify(store, verifier=signer.verifier)
    print(f"  ours          {speed(written)}")
    print(f"                changes {changes:,}   rows {rows:,}   entries {entries:,}   lost {changes - entries:,}")
    print(f"                verify {report.entries / chain_seconds:,.0f} entries/s   holds {whole.holds}")
    print(f"                rows reconciled {whole.rows:,}   unanchored {whole.unanchored}")
    store.close()
    return whole.holds and changes == rows == entries


def run_reenacted(server: Server, writers: int, seconds: float) -> None:
    name = server.create()
    address = f"host={server.socket} user=postgres dbname={name}"
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE thing (id bigserial PRIMARY KEY, body text)")
        connection.execute("CREATE TABLE trail (id bigserial PRIMARY KEY, before text, hash text)")
    written = in_parallel(write_reenacted, (address,), writers, seconds)
    with psycopg.connect(address) as connection:
        changes = connection.execute("SELECT count(*) FROM thing").fetchone()[0]
        trail = connection.execute("SELECT before, hash FROM trail ORDER BY id").fetchall()
    intact = all(row[0] == (trail[at - 1][1] if at else "0" * 64) for at, row in enumerate(trail))
    print(f"  re-enactment  {speed(written)}")
    lost = changes - len(trail)
    said = "intact" if intact else "broken"
    print(f"                changes {changes:,}   entries {len(trail):,}   lost {lost:,} ({lost / changes:.1%})")
    print(f"                its own check of the chain says: {said}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}")
    print(f"{given.writers} writer processes, {given.seconds:g} s each")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        try:
            server = stack.enter_context(running(durable=True))
        except MissingError as missing:
            print(missing)
            server = None
        if given.database == "postgres" and server is None:
            return 4
        ours = server.url(server.create()) if given.database == "postgres" else f"sqlite:///{folder / 'jingwei.db'}"
        print(given.database)
        sound = run_ours(ours, folder, given.writers, given.seconds)
        if server:
            print("postgres")
            run_reenacted(server, given.writers, given.seconds)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
