"""The queue of tool calls that wait for a person, and one of them."""

from collections.abc import Mapping

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from jingwei.core.errors import InputError, Refused
from jingwei.core.identity import Denied
from jingwei.core.text import text
from jingwei.faces.console.caller import Asking, Caller, Posted, Sent, problem, shows
from jingwei.faces.console.pages.systems import account_names
from jingwei.faces.console.pages.watch import watcher_line
from jingwei.faces.console.reasons import reason_of
from jingwei.faces.console.views.approvals import ApprovalLine, ApprovalsView, ApprovalView
from jingwei.faces.console.views.parts import FRESH, Choice, Form, Problem
from jingwei.faces.console.wording import PACKAGE
from jingwei.manage import ApprovalRecord, System, may
from jingwei.platform import Work

router = APIRouter()
_DECIDED = 30


def approvals_view(caller: Asking) -> ApprovalsView:
    """Gather the queue, the latest decisions and the watchers."""
    with caller.reading() as work:
        systems = {system.id: system for system in work.registry.systems()}
        names = account_names(work)
        waiting = work.approvals.approvals(state="waiting")
        others = [each for each in work.approvals.approvals(limit=_DECIDED * 2) if each.state != "waiting"]
        return ApprovalsView(
            waiting=tuple(_line(each, systems, names) for each in reversed(waiting)),
            decided=tuple(_line(each, systems, names) for each in others[:_DECIDED]),
            watchers=tuple(watcher_line(each, systems, names) for each in work.watching.watchers()),
            watchable=tuple(
                Choice(value=system.id, label=system.name)
                for system in systems.values()
                if system.status != "retired" and work.policies.in_force(system.id) is not None
                and may(caller.actor, "watch.keep", domain=system.domain,
                        owns=caller.actor.id in {system.owner_id, system.registered_by})
            ),
        )  # fmt: skip


def _line(found: ApprovalRecord, systems: Mapping[str, System], names: Mapping[str, str]) -> ApprovalLine:
    system = systems.get(found.system_id)
    return ApprovalLine(
        id=found.id, system_id=found.system_id, system=system.name if system else found.system_id,
        principal=found.principal, server=found.server, tool=found.tool, effect=found.effect,
        why=reason_of(found.why) if found.why else "", state=found.state, at=found.at, expires_at=found.expires_at,
        decided_by=names.get(found.decided_by, ""), decided_at=found.decided_at, reason=found.reason,
    )  # fmt: skip


def approval_view(approval_id: str, caller: Asking) -> ApprovalView:
    """Show one held call."""
    with caller.reading() as work:
        return _view(work, approval_id, caller, FRESH)


def _view(work: Work, approval_id: str, caller: Caller, form: Form) -> ApprovalView:
    found = work.approvals.approval(approval_id)
    system = work.registry.system(found.system_id)
    account = next(each for each in work.accounts.accounts() if each.id == caller.actor.id)
    return ApprovalView(
        line=_line(found, {system.id: system}, account_names(work)), session=found.session, arguments=found.arguments,
        arguments_digest=found.arguments_digest, policy_digest=found.policy_digest, form=form,
        may_decide=found.state == "waiting" and may(caller.actor, "approval.decide", domain=system.domain),
        needs_code=account.has_totp,
    )  # fmt: skip


router.add_api_route("/approvals", shows("approvals.html", approvals_view))
router.add_api_route("/approvals/{approval_id}", shows("approval.html", approval_view))


@router.post("/approvals/{approval_id}")
def decide(approval_id: str, caller: Asking, sent: Posted) -> Response:
    """Approve, having proven oneself again, or refuse for a reason."""
    approves = sent["decision"] == "approve"
    if sent["decision"] not in {"approve", "refuse"}:
        return _again(approval_id, caller, sent, Problem(field="decision", message=text(f"{PACKAGE}:form.choose")))
    if problems := sent.missing("password") if approves else sent.missing("reason"):
        return _again(approval_id, caller, sent, *problems)
    try:
        denied = _decided(approval_id, caller, sent)
    except (Refused, InputError) as error:
        return _again(approval_id, caller, sent, problem(error))
    if denied is not None:
        return _again(approval_id, caller, sent, denied)
    caller.publish()
    return RedirectResponse("/approvals", 303)


def _decided(approval_id: str, caller: Caller, sent: Sent) -> Problem | None:
    """Approve or refuse; return what is wrong with the password or code, where they do not hold."""
    if sent["decision"] == "refuse":
        with caller.work("approval.refuse") as work:
            work.approvals.refuse(approval_id, actor=caller.actor, reason=sent["reason"])
        return None
    proof = caller.proof(sent.values["password"], purpose=approval_id, code=sent["code"])
    if isinstance(proof, Denied):  # counted and committed
        return problem(proof.error(), otherwise="password")
    with caller.work("approval.approve") as work:
        if work.approvals.approval(approval_id).arguments_digest != sent["digest"]:
            raise Refused(f"{PACKAGE}:error.form-stale")
        work.approvals.approve(approval_id, actor=caller.actor, proof=proof, reason=sent["reason"])
    return None


def _again(approval_id: str, caller: Caller, sent: Sent, *problems: Problem) -> Response:
    with caller.reading() as work:
        view = _view(work, approval_id, caller, sent.form(*problems))
    return caller.page.render("approval.html", status=422, view=view)
