"""The gate: requests of all Systems, and one System's gate with its signatures."""

from collections.abc import Mapping

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from jingwei.core.errors import JingweiError, Refused
from jingwei.core.identity import Denied
from jingwei.core.text import text
from jingwei.faces.console.caller import Asked, Asking, Caller, Posted, problem, shows
from jingwei.faces.console.pages.board import judged
from jingwei.faces.console.pages.system import required
from jingwei.faces.console.pages.systems import account_names
from jingwei.faces.console.views.gate import GatesView, GateView, RequestLine, Seat
from jingwei.faces.console.views.listing import listed
from jingwei.faces.console.views.parts import FRESH, Form, Problem
from jingwei.faces.console.wording import PACKAGE
from jingwei.manage import ReleaseRequest, System, may
from jingwei.platform import Work

router = APIRouter()


def gates_view(caller: Asking, asked: Asked) -> GatesView:
    """List the release requests."""
    with caller.reading() as work:
        systems = {system.id: system for system in work.registry.systems()}
        names = account_names(work)
        requests = work.gate.requests(status=asked.filter("status") or None)
    lines = [_line(request, systems[request.system_id], names, caller) for request in requests]
    if asked.filter("mine"):
        lines = [line for line in lines if line.mine]
    order = {"system": lambda line: line.system, "grade": lambda line: line.grade, "status": lambda line: line.status,
             "at": lambda line: line.at}  # fmt: skip
    return GatesView(listing=listed(lines, asked, order=order))


def _line(request: ReleaseRequest, system: System, names: Mapping[str, str], caller: Caller) -> RequestLine:
    signed = sum(1 for vote in request.votes if vote.approves)
    return RequestLine(
        id=request.id, system_id=system.id, system=system.name, grade=request.grade, status=request.status,
        requested_by=names.get(request.requested_by, "—"), at=request.requested_at, signed=signed,
        needed=signed + request.still_needed, mine=bool(_open_to(request, system, caller)),
    )  # fmt: skip


def _open_to(request: ReleaseRequest, system: System, caller: Caller) -> tuple[str, ...]:
    """Return the roles in which this person may still sign a request."""
    voted = any(vote.account_id == caller.actor.id for vote in request.votes)
    if request.status != "open" or voted or request.requested_by == caller.actor.id:
        return ()
    return tuple(role for role in request.roles_wanted if caller.actor.holds(role, system.domain))


def gate_view(system_id: str, caller: Asking) -> GateView:
    """Show one System's gate."""
    with caller.reading() as work:
        return _gate(work, system_id, caller, FRESH)


def _gate(work: Work, system_id: str, caller: Caller, form: Form) -> GateView:
    system = work.registry.system(system_id)
    verdict, problem = judged(work, system_id)
    names = account_names(work)
    request = next(iter(work.gate.requests(system_id)), None)
    shown = request if request is not None and request.status in ("open", "released", "rejected", "lapsed") else None
    owns = caller.actor.id in {system.owner_id, system.registered_by}
    roles = _open_to(shown, system, caller) if shown else ()
    stops = tuple(blocker.says for blocker in verdict.blockers) if verdict else (problem,) if problem else ()
    is_open = shown is not None and shown.status == "open"
    is_mine = shown is not None and is_open and shown.requested_by == caller.actor.id
    account = next(each for each in work.accounts.accounts() if each.id == caller.actor.id)
    return GateView(
        system_id=system.id, system=system.name, status=system.status, grade=verdict.grade if verdict else 0,
        passes=bool(verdict and verdict.passed), stops=stops,
        required=required(verdict, system_id, work.proof.all_of(system_id)),
        request_id=shown.id if shown else "", request_status=shown.status if shown else "",
        requested_by=names.get(shown.requested_by, "—") if shown else "",
        requested_at=shown.requested_at if shown else None,
        evidence_digest=shown.evidence_digest if shown else "",
        seats=_seats(work, system_id, shown, names), roles=roles,
        why_not=text(f"{PACKAGE}:gate.own-request") if is_mine else None,
        may_request=bool(verdict and verdict.passed and not is_open) and system.status != "live"
        and may(caller.actor, "gate.request", domain=system.domain, owns=owns),
        may_withdraw=is_mine,
        may_release=bool(is_open and shown and shown.still_needed == 0)
        and may(caller.actor, "gate.release", domain=system.domain, owns=owns),
        form=form, needs_code=account.has_totp,
    )  # fmt: skip


def _seats(work: Work, system_id: str, request: ReleaseRequest | None, names: Mapping[str, str]) -> tuple[Seat, ...]:
    votes = request.votes if request else ()
    filled = {vote.role for vote in votes}
    try:
        roles = work.grading.preview(system_id).approver_roles
    except JingweiError:
        roles = ()
    signed = [
        Seat(
            role=vote.role,
            signer=names.get(vote.account_id, "—"),
            approves=vote.approves,
            comment=vote.comment,
            at=vote.at,
        )
        for vote in votes
    ]
    return (*signed, *(Seat(role=role) for role in roles if role not in filled))


router.add_api_route("/gate", shows("gates.html", gates_view))
router.add_api_route("/systems/{system_id}/gate", shows("gate.html", gate_view))


@router.post("/systems/{system_id}/gate")
def act(system_id: str, caller: Asking, sent: Posted) -> Response:
    """Request, withdraw, sign or release."""
    try:
        match sent["act"]:
            case "request":
                with caller.work("gate.request") as work:
                    work.gate.open_request(system_id, actor=caller.actor)
            case "withdraw":
                with caller.work("gate.withdraw") as work:
                    work.gate.withdraw(sent["request"], actor=caller.actor)
            case "release":
                with caller.work("gate.release") as work:
                    work.gate.release(sent["request"], actor=caller.actor)
            case _:
                return _sign(system_id, caller, sent)
    except Refused as error:
        return _again(system_id, caller, sent, problem(error))
    return RedirectResponse(f"/systems/{system_id}/gate", 303)


def _sign(system_id: str, caller: Caller, sent: Posted) -> Response:
    problems = sent.missing("password")
    if sent["approves"] not in ("yes", "no"):
        problems += (Problem(field="approves", message=text(f"{PACKAGE}:form.choose")),)
    if problems:
        return _again(system_id, caller, sent, *problems)
    proof = caller.proof(sent.values["password"], purpose=sent["request"], code=sent["code"])
    if isinstance(proof, Denied):  # counted and committed
        return _again(system_id, caller, sent, problem(proof.error(), otherwise="password"))
    with caller.work("release.sign") as work:
        if work.gate.request(sent["request"]).evidence_digest != sent["evidence_digest"]:
            raise Refused(f"{PACKAGE}:error.form-stale")
        work.gate.sign(sent["request"], actor=caller.actor, role=sent["role"], proof=proof,
                       approves=sent["approves"] == "yes", comment=sent["comment"])  # fmt: skip
    return RedirectResponse(f"/systems/{system_id}/gate", 303)


def _again(system_id: str, caller: Caller, sent: Posted, *problems: Problem) -> Response:
    with caller.reading() as work:
        view = _gate(work, system_id, caller, sent.form(*problems))
    return caller.page.render("gate.html", status=422, view=view)
