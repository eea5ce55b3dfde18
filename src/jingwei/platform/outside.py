"""Two proofs of the demonstration that look from outside: a message through the gateway, and a forged ledger."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import httpx2

from jingwei.core.errors import InputError, Unavailable
from jingwei.core.ledger import Report, verify
from jingwei.core.store import Store
from jingwei.platform.platform import Platform

MAX_TOKENS = 48


class Reply(NamedTuple):
    """What the gateway answered to one live message."""

    status: int
    decision: str
    """`allow`, or what the guard decided."""
    text: str
    seconds: float


def wait_until_served(*, gateway_url: str, key: str) -> None:
    """Wait until the gateway has read the snapshot that names a key; it looks four times a second.

    Raises:
        Unavailable: it does not serve the key in time.
    """
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        time.sleep(0.5)
        try:
            answer = httpx2.get(f"{gateway_url}/v1/models", headers={"Authorization": f"Bearer {key}"}, trust_env=False)
        except httpx2.HTTPError:
            continue
        if answer.is_success:
            return
    raise Unavailable("platform:gateway-not-admitting", field="target", url=gateway_url)


def send(message: str, *, gateway_url: str, prompt: str, key: str) -> Reply:
    """Send one message through the gateway, as an application would.

    Raises:
        Unavailable: the gateway does not answer.
    """
    body = {
        "model": "assistant",
        "messages": [{"role": "system", "content": prompt}, {"role": "user", "content": message}],
        "max_tokens": MAX_TOKENS,
        "temperature": 0,
    }
    began = time.monotonic()
    try:
        answer = httpx2.post(f"{gateway_url}/v1/chat/completions", json=body, timeout=60, trust_env=False,
                             headers={"Authorization": f"Bearer {key}"})  # fmt: skip
    except httpx2.HTTPError as error:
        raise Unavailable("platform:gateway-not-admitting", field="target", url=gateway_url) from error
    found = answer.json()
    choice = (found.get("choices") or [{}])[0]
    decision = found.get("jingwei", {}).get("decision", "allow" if answer.is_success else "refused")
    return Reply(answer.status_code, decision, choice.get("message", {}).get("content") or "", time.monotonic() - began)


def tampered(platform: Platform) -> Report:
    """Change one ledger entry in a copy of the database, and verify the copy.

    Raises:
        InputError: the database is not an SQLite file, which is what can be copied here.
    """
    if not platform.store.on_sqlite:
        raise InputError("platform:demo-needs-sqlite", field="database")
    copy = platform.settings.home / "tampered.db"
    for leftover in platform.settings.home.glob("tampered.db*"):
        leftover.unlink()
    with closing(sqlite3.connect(platform.store.place)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    forge(copy)
    store = Store(f"sqlite:///{copy}", signer=platform.signer, clock=platform.clock,
                  anchor=platform.settings.anchor_path)  # fmt: skip
    try:
        return verify(store, verifier=platform.signer.verifier)
    finally:
        store.close()


def forge(database: Path) -> None:
    """Do what a database administrator with something to hide could do: drop the guards and edit an entry."""
    with closing(sqlite3.connect(database)) as connection, connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute(
            'UPDATE ledger_entry SET body = replace(body, \'"action":"insert"\', \'"action":"update"\') '
            "WHERE number = (SELECT number FROM ledger_entry WHERE table_name = 'release_signature' LIMIT 1)"
        )
