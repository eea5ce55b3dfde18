"""Running what is missing: every check whose evidence a System's gate still lacks, in one go."""

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from jingwei.core.errors import Conflict, InputError
from jingwei.faces.console.caller import Asking, Caller, Posted
from jingwei.faces.console.wording import PACKAGE
from jingwei.platform import Wanted, Work, wanted_runs

router = APIRouter()
_ACTIVE = ("queued", "running")


def missing_runs(caller: Caller, work: Work, system_id: str) -> list[Wanted]:
    """List the runs whose evidence is missing, less those that are under way already.

    Raises:
        InputError: facts are missing, or a file that the System names cannot be read.
    """
    settings = caller.platform.settings
    gateway = f"http://{settings.host}:{settings.gateway_port}"
    try:
        wanted = wanted_runs(work, system_id, gateway_url=gateway)
    except OSError as error:
        raise InputError(f"{PACKAGE}:missing.file-gone", field="locator", name=str(error.filename or "")) from error
    active = {(run.check_id, run.target) for run in work.runs.runs(system_id=system_id) if run.status in _ACTIVE}
    return [each for each in wanted if (each.check_id, each.target) not in active]


@router.post("/systems/{system_id}/checks")
def run_missing(system_id: str, caller: Asking, sent: Posted) -> Response:  # noqa: ARG001 - checks the form's secret
    """Ask for every missing run, hand them to the jobs, and show them."""
    with caller.work("run.start") as work:
        asked = [
            work.runs.ask(each.check_id, system_id=system_id, target=each.target, options=each.options,
                          actor=caller.actor)
            for each in missing_runs(caller, work, system_id)
        ]  # fmt: skip
        if not asked:
            raise Conflict(f"{PACKAGE}:missing.none")
    for run in asked:
        caller.platform.jobs.enqueue(run.id)
    return RedirectResponse(f"/jobs?system={system_id}", 303)
