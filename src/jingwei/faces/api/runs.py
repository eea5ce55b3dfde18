"""Check runs: what the gate still wants, asked for, watched, cancelled.

A program names an address to examine, never a file: files are found among the System's own components.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from jingwei.core.errors import InputError, JingweiError
from jingwei.core.event import Event
from jingwei.core.jobs import JobError
from jingwei.core.plugins import load_check
from jingwei.core.target import Target, TargetKind
from jingwei.faces.api.caller import Asking, Caller
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import Given, OfSystem, RunId, SystemId
from jingwei.faces.api.paging import PAGE, Limit, Offset, Page, page
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import given, said
from jingwei.platform import CheckRun, Platform, Wanted, Work, wanted_runs

router = APIRouter(tags=["runs"], route_class=KeyedRoute, responses=refusals())


class Address(Given):
    """A server to examine."""

    kind: Literal["endpoint", "gateway"]
    locator: str = Field(min_length=1, max_length=500, pattern=r"^https?://\S+$")
    name: str = Field(default="", max_length=200)


class Asked(Given):
    """One check; without a target, all that the gate still wants of it."""

    check: str = Field(min_length=1, max_length=80)
    target: Address | None = None
    options: dict[str, JsonValue] = Field(default_factory=dict, max_length=40)


class WantedRun(BaseModel):
    """One check run that would give evidence the gate still lacks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check_id: str
    target: Target
    types: tuple[str, ...]
    """Evidence types it would give."""


@router.get("/systems/{system_id}/runs/wanted", **said("faces.api:list-wanted"))
def list_wanted(caller: Asking, system_id: SystemId) -> list[WantedRun]:
    """List the runs whose evidence the gate still lacks."""
    with caller.reading() as work:
        wanted = _wanted(work, caller.platform, system_id)
    return [WantedRun(check_id=each.check_id, target=each.target, types=each.types) for each in wanted]


@router.post("/systems/{system_id}/runs/wanted", status_code=HTTPStatus.ACCEPTED, **said("faces.api:ask-wanted"))
def ask_wanted(caller: Asking, system_id: SystemId) -> list[CheckRun]:
    """Start every run whose evidence the gate still lacks."""
    with caller.reading() as work:
        wanted = _wanted(work, caller.platform, system_id)
    return _started(caller, system_id, wanted)


@router.post("/systems/{system_id}/runs", status_code=HTTPStatus.ACCEPTED, **said("faces.api:ask-run"))
def ask_run(caller: Asking, system_id: SystemId, asked: Annotated[Asked, given("ask-run")]) -> list[CheckRun]:
    """Start a check on an address, or on all that the gate wants it to look at."""
    with caller.reading() as work:
        wanted = _aimed(work, caller.platform, system_id, asked)
    return _started(caller, system_id, wanted)


@router.get("/runs", **said("faces.api:list-runs"))
def list_runs(caller: Asking, system_id: OfSystem = None, offset: Offset = 0, limit: Limit = PAGE) -> Page[CheckRun]:
    """List runs, newest first."""
    with caller.reading() as work:
        found = work.runs.runs(system_id=system_id, limit=offset + limit + 1)
    return page(found, offset=offset, limit=limit)


@router.get("/runs/{run_id}", **said("faces.api:show-run"))
def show_run(caller: Asking, run_id: RunId) -> CheckRun:
    """Show a run with its progress."""
    with caller.reading() as work:
        return work.runs.run(run_id)


@router.get("/runs/{run_id}/events", **said("faces.api:list-run-events"))
def list_run_events(caller: Asking, run_id: RunId, offset: Offset = 0, limit: Limit = PAGE) -> Page[Event]:
    """List the trial events of a run, oldest first."""
    with caller.reading() as work:
        work.runs.run(run_id)
    return page(caller.platform.events.of_run(run_id), offset=offset, limit=limit)


@router.post("/runs/{run_id}/cancel", **said("faces.api:cancel-run"))
def cancel_run(caller: Asking, run_id: RunId) -> CheckRun:
    """Cancel a run that has not ended."""
    with caller.work("run.cancel") as work:
        cancelled = work.runs.cancel(run_id, actor=caller.actor)
        work.tokens.end_run(run_id)
    caller.publish()
    caller.platform.jobs.cancel(run_id)
    return cancelled


def _wanted(work: Work, platform: Platform, system_id: str) -> list[Wanted]:
    return wanted_runs(work, system_id, gateway_url=_gateway(platform))


def _gateway(platform: Platform) -> str:
    return f"http://{platform.settings.host}:{platform.settings.gateway_port}"


def _aimed(work: Work, platform: Platform, system_id: str, asked: Asked) -> list[Wanted]:
    if asked.target is not None:
        target = Target(kind=TargetKind(asked.target.kind), locator=asked.target.locator, name=asked.target.name)
        return [Wanted(asked.check, target, asked.options, ())]
    wanted = [each for each in _wanted(work, platform, system_id) if each.check_id == asked.check]
    if not wanted:
        raise InputError("faces.api:nothing-wanted", field="check", check=asked.check)
    return [Wanted(each.check_id, each.target, {**each.options, **asked.options}, each.types) for each in wanted]


def _started(caller: Caller, system_id: str, wanted: Sequence[Wanted]) -> list[CheckRun]:
    for each in wanted:
        load_check(each.check_id)  # the first time takes seconds, and writers wait for one another
    with caller.work("run.ask") as work:
        asked = [
            work.runs.ask(
                each.check_id, system_id=system_id, target=each.target, actor=caller.actor, options=each.options
            )
            for each in wanted
        ]
    return handed_over(caller, asked)


def handed_over(caller: Caller, runs: Sequence[CheckRun]) -> list[CheckRun]:
    """Hand recorded runs to the jobs; one that cannot be handed over is closed as failed, and says why."""
    for run in runs:
        try:
            caller.platform.jobs.enqueue(run.id)
        except JingweiError as error:
            with caller.work("run.failed") as work:
                work.runs.ended(run.id, "failed", error=JobError(error.code, error.field, error.message))
            raise
    return list(runs)
