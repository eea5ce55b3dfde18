"""Runs of checks: the list, one run with its progress, starting and cancelling."""

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from jingwei.core.errors import JingweiError
from jingwei.core.plugins import check_names, load_check
from jingwei.core.target import Target, TargetKind
from jingwei.core.text import text
from jingwei.faces.console.caller import Asked, Asking, Caller, Posted, problem, shows
from jingwei.faces.console.pages.systems import account_names
from jingwei.faces.console.views.jobs import CheckOffer, JobLine, JobsView, StartView
from jingwei.faces.console.views.listing import listed
from jingwei.faces.console.views.parts import FRESH, Choice, Form, Label, Link, Problem
from jingwei.faces.console.wording import PACKAGE
from jingwei.manage import System, may
from jingwei.platform import CheckRun, Work

router = APIRouter()
_MOST = 1000


def jobs_view(caller: Asking, asked: Asked) -> JobsView:
    """List the runs, newest first, narrowed by state and System."""
    with caller.reading() as work:
        systems = {system.id: system for system in work.registry.systems()}
        names = account_names(work)
        runs = work.runs.runs(system_id=asked.filter("system") or None, limit=_MOST)
    status = asked.filter("status")
    lines = [_line(run, systems, names, caller) for run in runs if not status or run.status == status]
    return JobsView(listing=listed(lines, asked, order={}))


def _line(run: CheckRun, systems: Mapping[str, System], names: Mapping[str, str], caller: Caller,
          evidence: tuple[Link, ...] = ()) -> JobLine:  # fmt: skip
    system = systems.get(run.system_id or "")
    owns = system is not None and caller.actor.id in {system.owner_id, system.registered_by}
    return JobLine(
        id=run.id, check_id=run.check_id, check=check_title(run.check_id), system_id=run.system_id or "",
        system=system.name if system else "", target=run.target.name or run.target.locator, status=run.status,
        done=run.done, total=run.total, through_gateway=run.through_gateway, at=run.started_at or run.created_at,
        finished_at=run.finished_at, evidence=evidence, error=run.error,
        requested_by=names.get(run.requested_by, run.requested_by),
        may_cancel=system is not None and may(caller.actor, "run.start", domain=system.domain, owns=owns),
    )  # fmt: skip


def check_title(check_id: str) -> Label:
    """Return what to call a check; its id, where it is not installed any more."""
    try:
        return load_check(check_id).title
    except (JingweiError, ImportError):
        return check_id


def job_view(run_id: str, caller: Asking) -> JobLine:
    """Show one run."""
    with caller.reading() as work:
        run = work.runs.run(run_id)
        systems = {system.id: system for system in work.registry.systems()}
        links = tuple(_proof(work, each, caller) for each in run.evidence_ids)
        return _line(run, systems, account_names(work), caller, links)


def _proof(work: Work, evidence_id: str, caller: Caller) -> Link:
    type_id = work.proof.evidence(evidence_id).type
    known = caller.platform.catalog.evidence_types.get(type_id)
    return Link(name=known.title if known else type_id, url=f"/evidence/{evidence_id}")


def start_view(request: Request, caller: Asking) -> StartView:
    """Offer the checks; a System's gate sends people here with the check already chosen."""
    given = {name: request.query_params[name] for name in ("system", "check") if name in request.query_params}
    with caller.reading() as work:
        return _start(work, Form(values=_filled(work, given)) if given else FRESH)


def _filled(work: Work, given: dict[str, str]) -> dict[str, str]:
    """Fill in the target that a System itself names, where the check can look at it."""
    if "system" not in given:
        return given
    system = work.registry.system(given["system"])
    return {"kind": TargetKind.ENDPOINT.value, "locator": system.upstream_url, "name": system.upstream_model, **given}


def _start(work: Work, form: Form) -> StartView:
    checks = tuple(
        CheckOffer(
            id=name, title=check.title, about=check.about, kinds=tuple(kind.value for kind in check.target_kinds)
        )
        for name in check_names()
        for check in (load_check(name),)
    )
    return StartView(
        checks=checks,
        systems=tuple(Choice(value=system.id, label=system.name) for system in work.registry.systems()),
        form=form,
    )


router.add_api_route("/jobs", shows("jobs.html", jobs_view))
router.add_api_route("/jobs/new", shows("start.html", start_view))


@router.post("/jobs/new")
def start(caller: Asking, sent: Posted) -> Response:
    """Record a run and hand it to the jobs."""
    problems = sent.missing("system", "locator")
    if sent["check"] not in check_names():
        problems += (Problem(field="check", message=text(f"{PACKAGE}:form.choose")),)
    if not problems:
        try:
            target = Target(kind=TargetKind(sent["kind"]), locator=sent["locator"], name=sent["name"])
            with caller.work("run.start") as work:
                run = work.runs.ask(sent["check"], system_id=sent["system"], target=target, actor=caller.actor)
            caller.platform.jobs.enqueue(run.id)
            return RedirectResponse(f"/jobs/{run.id}", 303)
        except ValueError:
            problems = (Problem(field="kind", message=text(f"{PACKAGE}:form.choose")),)
        except JingweiError as error:
            problems = (problem(error, otherwise="locator"),)
    with caller.reading() as work:
        view = _start(work, sent.form(*problems))
    return caller.page.render("start.html", status=422, view=view)


router.add_api_route("/jobs/{run_id}", shows("job.html", job_view))


@router.post("/jobs/{run_id}/cancel")
def cancel(run_id: str, caller: Asking, sent: Posted) -> Response:  # noqa: ARG001 - checks the form's secret
    """Cancel a run."""
    with caller.work("run.cancel") as work:
        work.runs.cancel(run_id, actor=caller.actor)
    caller.platform.jobs.cancel(run_id)
    return RedirectResponse(f"/jobs/{run_id}", 303)
