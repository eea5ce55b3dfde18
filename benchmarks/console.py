"""What a console page costs in an organisation of 200 Systems with 15 pieces of evidence each.

    .venv/bin/python benchmarks/console.py [--systems 200] [--evidence 15] [--rounds 5]

Seeds a SQLite home through the services, then asks each page in this process and prints the CPU milliseconds of one
request: the first one (nothing read before) and the median of the following ones. Prints one JSON line at the end.
"""

import argparse
import json
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from starlette.testclient import TestClient

from jingwei.core.clock import utc_now
from jingwei.core.evidence import Outcome
from jingwei.core.identity import PLATFORM, Actor
from jingwei.core.settings import Settings
from jingwei.core.text import Both
from jingwei.faces.console import console
from jingwei.faces.console.caller import SESSION
from jingwei.manage import SystemFile
from jingwei.platform import Platform, Work

FACTS = {"autonomy": "L2", "personal_info": "general", "public_facing": "partners", "tools": "reversible_write",
         "model_origin": "third_party_documented"}  # fmt: skip
SAYS = Both(zh="逐项检查完成。", en="Every unit was examined.")
BATCH = 20


class Time:
    """A clock that begins days ago and moves a millisecond each look, so that all that is seeded lies in the past."""

    def __init__(self) -> None:
        self.now = utc_now() - timedelta(days=2)

    def __call__(self) -> object:
        """Return the next moment."""
        self.now += timedelta(milliseconds=1)
        return self.now


def seeded(home: Path, systems: int, evidence: int) -> tuple[Platform, str, str]:
    """Make the organisation; return its platform, an engineer's session and one System's id."""
    platform = Platform(Settings(home=home), clock=Time())  # type: ignore[arg-type]
    platform.prepare()
    with platform.work(PLATFORM, "bench.people") as work:
        admin = work.accounts.bootstrap()
        root = work.accounts.actor(admin.account.id)
        account = work.accounts.create("mei", "a long first one", actor=root, must_change_password=False)
        for role in ("engineer", "system_owner", "security"):
            work.roles.grant(account.id, role, actor=root)
        token = work.browsers.open(account.id).token
        actor = work.accounts.actor(account.id)
    system_id = ""
    for first in range(0, systems, BATCH):
        with platform.work(actor, "bench.systems") as work:
            for number in range(first, min(first + BATCH, systems)):
                system_id = _system(work, actor, number, evidence)
    with platform.sealer:
        pass
    return platform, token, system_id


def _system(work: Work, actor: Actor, number: int, evidence: int) -> str:
    file = SystemFile.model_validate({
        "name": f"system-{number:03d}", "purpose": "Drafts and books.", "domain": "retail",
        "facts": {**work.desk.rules.defaults(), **FACTS},
        "upstream": {"url": "http://127.0.0.1:8080/v1", "model": "small"},
        "components": [
            {"kind": "model", "name": "small", "digest": f"{number:064x}", "responsibility": {"party": "Platform"}},
            {"kind": "dataset", "name": "handbook", "digest": "b" * 64, "responsibility": {"party": "HR"}},
        ],
        "tools": [{"name": "book_room", "effect": "reversible_write"}],
    })  # fmt: skip
    system_id = work.intake.take(file, actor=actor).system.id
    work.grading.grade(system_id, actor=actor)
    work.guarding.attach(system_id, actor=actor)
    wanted = [item.type for item in work.gate.verdict(system_id).items]
    for type_id in (wanted * (1 + evidence // len(wanted)))[:evidence]:
        outcome = Outcome.FAIL if number % 9 == 0 and type_id == "EV-PII" else Outcome.PASS
        try:
            work.proof.record(type_id, system_id=system_id, actor_id=actor.id, producer="bench", outcome=outcome,
                              summary=SAYS)  # fmt: skip
        except ValueError:
            continue
    return system_id


def pages(system_id: str) -> dict[str, str]:
    """Name the pages that are asked."""
    return {
        "board": "/", "system": f"/systems/{system_id}", "gate": f"/systems/{system_id}/gate", "systems": "/systems",
        "systems by grade": "/systems?sort=-grade", "evidence": "/evidence",
        "evidence lapsing": "/evidence?lapsing=yes",
        "gates": "/gate", "jobs": "/jobs", "events": "/events", "ledger": "/ledger",
        "controls": "/catalogue/caict-202510",
    }  # fmt: skip


def main() -> None:
    """Seed, ask, print."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--systems", type=int, default=200)
    asked.add_argument("--evidence", type=int, default=15)
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--home", type=Path, default=None, help="keep the seeded home here")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        platform, token, system_id = seeded(given.home or Path(folder) / "home", given.systems, given.evidence)
        print(f"seeded {given.systems} systems in {time.monotonic() - began:.0f} s")
        client = TestClient(console(platform), base_url="http://console.test")
        client.cookies.set(SESSION, token)
        found = {}
        for name, path in pages(system_id).items():
            spent = []
            for _ in range(given.rounds + 1):
                before = time.process_time()
                answer = client.get(path)
                spent.append((time.process_time() - before) * 1000)
                answer.raise_for_status()
            found[name] = {"first": round(spent[0]), "next": round(statistics.median(spent[1:]))}
            print(f"{name:20} first {spent[0]:8.0f} ms   next {statistics.median(spent[1:]):8.0f} ms CPU")
        print(json.dumps(found))
        platform.close()


if __name__ == "__main__":
    main()
