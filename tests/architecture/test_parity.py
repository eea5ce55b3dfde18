"""Parity: every public method of every service is reached by a program over HTTP and by a person, or it says why not.

A face reaches a method where it writes `work.<service>.<method>` or `platform.<service>.<method>`.
"""

import ast
import inspect
from functools import cached_property
from pathlib import Path

import pytest

from jingwei.core.jobs import Jobs
from jingwei.platform import Events, LedgerBook, Work

SOURCE = Path(__file__).resolve().parents[2] / "src" / "jingwei"
FACES = SOURCE / "faces"

OURS = "for our own services and the job process, not for a face"
GATEWAYS = "for the relay, which tells gateways"
BY_FILE = "a person changes system.yaml and takes it in again: intake.take"
NOWHERE = {
    "campaign_tries.answered": OURS,
    "campaign_tries.failed": OURS,
    "campaign_tries.reserve": "platform.campaigning counts a prompt, sends it and keeps the answer",
    "tokens.issue_campaign": OURS,
    "candidates.promote": "trials.promote sees first to what the grade demands by now",
    "candidates.propose": "trials.propose sees first to what the grade demands",
    "candidates.shadowed": GATEWAYS,
    "candidates.tried": OURS,
    "guarding.lapses": "guarding.preview, trials.preview and trials.compare tell it",
    "approvals.ask": GATEWAYS,
    "approvals.granted": GATEWAYS,
    "approvals.lapse": GATEWAYS,
    "approvals.used": GATEWAYS,
    "watching.present": GATEWAYS,
    "intake.found": OURS,
    "keys.hashes": GATEWAYS,
    "keys.served": GATEWAYS,
    "keys.set_terms": "registry.set_key_terms looks at who may",
    "policies.attach": "a policy is compiled from the grade, never written by hand: guarding.attach",
    "proof.add": OURS,
    "proof.bound": OURS,
    "proof.holds": OURS,
    "proof.record": OURS,
    "registry.register": "intake.take registers a System together with its facts",
    "registry.retire": "tokens.retire retires a System together with its tokens",
    "roles.enter": OURS,
    "runs.began": OURS,
    "runs.progressed": OURS,
    "runs.row": OURS,
    "tokens.issue_assessment": OURS,
    "tokens.issue_release": "gate.release issues it",
    "tokens.revoked": GATEWAYS,
    "tokens.servable": GATEWAYS,
    "jobs.close": OURS,
}
"""Not offered in any face."""

NOT_BY_API = {
    "accounts.bootstrap": "the first account is made where the server is started",
    "accounts.sign_in": "a program holds a key; there are no sessions to open",
    "browsers.close": "the API has no cookies",
    "browsers.close_all": "the API has no cookies; a new password ends every session",
    "browsers.open": "the API has no cookies",
    "browsers.visitor": "the API has no cookies",
    "events.at_work": "for the board's steps; a program reads the events themselves",
    "guarding.preview": "guarding.compile gives the policy, proof.standings what stands",
    "jobs.state": "runs.run tells the state",
    "proof.all_of": "proof.standings lists the same evidence with its standing",
    "proof.headers": "proof.standings lists the same evidence with its standing",
    "proof.types": "for the board's coverage; proof.standings lists the evidence itself",
    "registry.configuration": "registry.in_use tells it together with its digests",
    "runs.checked": "for the board's steps; runs.runs lists the runs themselves",
}

NOT_BY_PEOPLE = {
    "browsers.open": "accounts.sign_in opens the session",
    "browsers.close_all": "changing the password does it",
    "events.of_run": "the job's page links to the events of the System",
    "jobs.state": "runs.run tells the state",
    "keys.holder": "for programs that call the API",
    "parts.add": BY_FILE,
    "parts.retire": BY_FILE,
    "registry.configuration": "registry.in_use tells it together with its digests",
    "registry.edit": BY_FILE,
    "runs.ended": "cancelling is runs.cancel; the rest is the job process's",
}
"""Not offered in the terminal or the console."""


def services() -> dict[str, type]:
    """Return every service a face can reach, by the name it reaches it under."""
    found = {
        name: inspect.signature(each.func, eval_str=True).return_annotation
        for name, each in vars(Work).items()
        if isinstance(each, cached_property)
    }
    return found | {"events": Events, "ledger": LedgerBook, "jobs": Jobs}


def offered() -> set[str]:
    """Return `service.method` for every public method."""
    return {
        f"{name}.{method}"
        for name, service in services().items()
        for method, made in vars(service).items()
        if inspect.isfunction(made) and not method.startswith("_")
    }


def reached(*folders: Path) -> set[str]:
    """Return `service.method` for every such chain that the modules under some folders write."""
    names, found = set(services()), set()
    for folder in folders:
        for path in folder.rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            aliases = {  # book = caller.platform.ledger
                node.targets[0].id: node.value.attr
                for node in ast.walk(tree)
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
                and isinstance(node.value, ast.Attribute) and node.value.attr in names
            }  # fmt: skip
            for node in ast.walk(tree):
                if isinstance(node, ast.Attribute):
                    owner = node.value
                    if isinstance(owner, ast.Attribute) and owner.attr in names:
                        found.add(f"{owner.attr}.{node.attr}")
                    elif isinstance(owner, ast.Name) and aliases.get(owner.id, owner.id) in names:
                        found.add(f"{aliases.get(owner.id, owner.id)}.{node.attr}")
    return found


def test_every_service_is_found():
    assert {"registry", "intake", "gate", "proof", "accounts", "events", "ledger"} <= set(services())
    assert len(offered()) > 80


def test_a_program_reaches_every_method():
    missing = offered() - reached(FACES / "api", FACES / "web") - set(NOWHERE) - set(NOT_BY_API)
    assert not missing, f"give the API an operation for these, or a reason: {sorted(missing)}"


def test_a_person_reaches_every_method():
    missing = (
        offered()
        - reached(FACES / "cli", FACES / "console", SOURCE / "platform" / "loop.py")
        - set(NOWHERE)
        - set(NOT_BY_PEOPLE)
    )
    assert not missing, f"give the terminal or the console a way to these, or a reason: {sorted(missing)}"


@pytest.mark.parametrize(("listed", "folders"), [
    (NOT_BY_API, ["api"]), (NOT_BY_PEOPLE, ["cli", "console"]), (NOWHERE, ["api", "cli", "console"]),
])  # fmt: skip
def test_what_is_said_not_to_be_offered_exists_and_is_not(listed, folders):
    assert set(listed) <= offered(), sorted(set(listed) - offered())
    stale = set(listed) & reached(*(FACES / each for each in folders))
    assert not stale, f"these are offered after all: {sorted(stale)}"
