"""Watching an agent: a person is there as long as they give signs of life."""

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from jingwei.core.errors import Conflict
from jingwei.core.identity import Denied
from jingwei.faces.console.caller import Asked, Asking, Caller, Posted, Sent, problem, shows
from jingwei.faces.console.pages.systems import account_names
from jingwei.faces.console.views.approvals import WatcherLine, WatchView
from jingwei.faces.console.views.parts import FRESH, Form, Problem
from jingwei.manage import System, Watcher, may
from jingwei.platform import Work

router = APIRouter()
_USUAL_IDLE = 60


def watcher_line(found: Watcher, systems: Mapping[str, System], names: Mapping[str, str]) -> WatcherLine:
    """Return a watcher as a line."""
    system = systems.get(found.system_id)
    return WatcherLine(name=names.get(found.account_id, "—"), system_id=found.system_id, session=found.session,
                       system=system.name if system else found.system_id, seen_at=found.seen_at,
                       present=found.present)  # fmt: skip


def watch_view(system_id: str, caller: Asking, asked: Asked) -> WatchView:
    """Show the watch."""
    with caller.reading() as work:
        return _view(work, system_id, caller, session=asked.filter("session"), form=FRESH)


def _view(work: Work, system_id: str, caller: Caller, *, session: str, form: Form) -> WatchView:
    system, names = work.registry.system(system_id), account_names(work)
    policy, watchers = work.policies.in_force(system_id), work.watching.watchers(system_id)
    mine = next(
        (each for each in watchers if each.account_id == caller.actor.id and each.session == session and each.present),
        None,
    )
    account = next(each for each in work.accounts.accounts() if each.id == caller.actor.id)
    return WatchView(
        system_id=system_id, system=system.name, session=session, watching=mine is not None,
        idle_at=mine.idle_at if mine else None, idle_seconds=policy.watch_idle_seconds if policy else _USUAL_IDLE,
        watchers=tuple(watcher_line(each, {system.id: system}, names) for each in watchers), form=form,
        may_watch=may(caller.actor, "watch.keep", domain=system.domain,
                      owns=caller.actor.id in {system.owner_id, system.registered_by}),
        needs_code=account.has_totp,
    )  # fmt: skip


router.add_api_route("/systems/{system_id}/watch", shows("watch.html", watch_view))


@router.post("/systems/{system_id}/watch")
def act(system_id: str, request: Request, caller: Asking, sent: Posted) -> Response:
    """Begin, give a sign of life, or leave."""
    session = sent["session"]
    where = f"/systems/{system_id}/watch" + (f"?session={session}" if session else "")
    match sent["act"]:
        case "leave":
            with caller.work("watch.leave") as work:
                work.watching.leave(system_id, actor=caller.actor, session=session)
        case "sign":
            try:
                with caller.work("watch.sign") as work:
                    work.watching.sign(system_id, actor=caller.actor, session=session)
            except Conflict as error:
                return _again(system_id, caller, sent, Problem(field="", message=error.message))
        case _:
            if problems := _begun(system_id, caller, sent):
                return _again(system_id, caller, sent, *problems)
    caller.publish()
    if request.headers.get("jingwei-sign"):  # the page's own script: it reads nothing but whether it was heard
        return Response(status_code=204)
    return RedirectResponse(where, 303)


def _begun(system_id: str, caller: Caller, sent: Sent) -> tuple[Problem, ...]:
    if problems := sent.missing("password"):
        return problems
    proof = caller.proof(sent.values["password"], purpose=system_id, code=sent["code"])
    if isinstance(proof, Denied):  # counted and committed
        return (problem(proof.error(), otherwise="password"),)
    with caller.work("watch.begin") as work:
        work.watching.begin(system_id, actor=caller.actor, proof=proof, session=sent["session"])
    return ()


def _again(system_id: str, caller: Caller, sent: Sent, *problems: Problem) -> Response:
    with caller.reading() as work:
        view = _view(work, system_id, caller, session=sent["session"], form=sent.form(*problems))
    return caller.page.render("watch.html", status=422, view=view)
