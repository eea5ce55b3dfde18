"""Schemathesis drives every operation with thousands of right and wrong requests, all its checks on, and finds nothing."""

from collections import Counter
from collections.abc import Iterator

import pytest
import schemathesis
from schemathesis.config import (
    ChecksConfig,
    FuzzingPhaseConfig,
    GenerationConfig,
    PhasesConfig,
    PositiveDataAcceptanceConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
    StatefulPhaseConfig,
)  # fmt: skip
from schemathesis.engine import Status, from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished

pytestmark = pytest.mark.slow
EXAMPLES = 20
# What a schema cannot say (a role, an open gate, a fact of the rule pack in force) is refused with 422 as well.
REFUSED_WELL = ["2xx", "401", "403", "404", "409", "422", "503"]
NOT_ON_THE_KNOWN = ("/retire", "/deactivate", "/revoke", "/suspend")


@pytest.fixture(scope="module")
def known(here) -> dict[str, str]:
    """Ids of things that are there, so that requests reach past the door."""
    token = here.released("known")
    system_id = token["system_id"]
    every = here.get("auditor", f"/systems/{system_id}/evidence", params={"limit": 200})["items"]
    document = next(each for each in every if each["evidence"]["artefacts"])
    made_of = here.get("auditor", f"/systems/{system_id}/components")
    return {
        "system_id": system_id, "request_id": token["request_id"], "token_id": token["id"], "evidence_id": document["id"],
        "component_id": made_of["components"][0]["id"], "sha256": document["evidence"]["artefacts"][0]["sha256"],
        "account_id": here.people["auditor"],
    }  # fmt: skip


def configured(key: str) -> SchemathesisConfig:
    checks = ChecksConfig(positive_data_acceptance=PositiveDataAcceptanceConfig(expected_statuses=REFUSED_WELL))
    phases = PhasesConfig(fuzzing=FuzzingPhaseConfig(enabled=True), stateful=StatefulPhaseConfig(enabled=False))
    generation = GenerationConfig(max_examples=EXAMPLES, deterministic=True, no_shrink=True)
    project = ProjectConfig(
        headers={"Authorization": f"Bearer {key}"}, checks=checks, phases=phases, generation=generation,
        continue_on_failure=True, request_timeout=60.0,
    )  # fmt: skip
    return SchemathesisConfig(projects=ProjectsConfig(default=project), seed=20260101)


def found_by(schema) -> tuple[Counter[int], dict[str, str]]:
    """Run the engine; return the answers by status, and each kind of problem once."""
    answered: Counter[int] = Counter()
    problems: dict[str, str] = {}
    for event in from_schema(schema).execute():
        if isinstance(event, FatalError):
            raise event.exception
        if isinstance(event, NonFatalError):
            problems[f"{event.label}: error"] = repr(event.value)
        if isinstance(event, ScenarioFinished):
            answered.update(each.response.status_code for each in event.recorder.interactions.values() if each.response)
            for case_id, checks in event.recorder.checks.items():
                for check in checks:
                    if check.status == Status.FAILURE:
                        case = event.recorder.cases[case_id].value
                        answer = event.recorder.interactions[case_id].response
                        said = answer.content[:300] if answer else b""
                        problems.setdefault(
                            f"{case.method} {case.path}: {check.name}",
                            f"{check.failure_info.failure.message}\n{case.as_curl_command()}\n{said!r}",
                        )
    return answered, problems


@pytest.fixture(scope="module", autouse=True)
def aimed(known: dict[str, str]) -> Iterator[None]:
    """Aim every second right request at something that is there."""
    turns = iter(range(10**9))

    def before_call(context, case, kwargs) -> None:
        if next(turns) % 2 and not case.path.endswith(NOT_ON_THE_KNOWN) and case.meta.generation.mode.is_positive:
            for name in set(case.path_parameters or {}) & set(known):
                case.path_parameters[name] = known[name]

    schemathesis.hook(before_call)
    yield
    schemathesis.hooks.unregister(before_call)


@pytest.mark.parametrize(("login", "part"), [("fuzzer", "exclude"), ("admin", "include")])
def test_schemathesis_finds_nothing(here, monkeypatch, login, part):
    monkeypatch.setattr(type(here.platform.jobs), "enqueue", lambda _jobs, _run_id: None)  # no job process here
    monkeypatch.setattr(type(here.platform.jobs), "cancel", lambda _jobs, _run_id: None)
    if login not in here.keys:
        here.add(login, "engineer", "system_owner", "security", "business", "data")
    schema = schemathesis.openapi.from_asgi("/openapi.json", here.client.app, config=configured(here.keys[login]))
    answered, problems = found_by(getattr(schema, part)(tag="accounts"))
    print(dict(answered))  # noqa: T201 - with -s, what the note quotes
    assert sum(answered.values()) > 200
    assert sum(number for status, number in answered.items() if status < 300) > 20
    assert not problems, "\n\n".join(f"{label}: {problem}" for label, problem in problems.items())
