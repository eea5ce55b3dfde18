"""Candidate policies: the list, the editor that proposes one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import RedirectResponse

from jingwei.core.errors import InputError, NotFound, Refused
from jingwei.core.text import text
from jingwei.faces.console.caller import Asking, Caller, Posted, Sent, problem, shows
from jingwei.faces.console.pages.evidence import type_name
from jingwei.faces.console.pages.policy_parts import change_lines, weaker_names
from jingwei.faces.console.pages.systems import account_names
from jingwei.faces.console.policy_form import edits, fields, listable
from jingwei.faces.console.views.candidates import CandidateLine, CandidatesView, EditorView
from jingwei.faces.console.views.parts import Choice, Form, Link, Problem
from jingwei.faces.console.wording import PACKAGE
from jingwei.manage import Candidate, may
from jingwei.platform import Proposed, Trial, Work

router = APIRouter()
_USUAL_BUDGET = "1"


def candidates_view(caller: Asking) -> CandidatesView:
    """List the candidates."""
    with caller.reading() as work:
        systems = {system.id: system.name for system in work.registry.systems()}
        names = account_names(work)
        rows = tuple(
            _line(each, systems.get(each.system_id, each.system_id), names.get(each.proposed_by, "—"))
            for each in work.candidates.candidates()
        )
        guarded = tuple(
            Choice(value=id_, label=name) for id_, name in systems.items() if work.policies.in_force(id_) is not None
        )
    return CandidatesView(rows=rows, systems=guarded)


def _line(found: Candidate, system: str, by: str) -> CandidateLine:
    trial = Trial.model_validate(found.trial) if found.trial else None
    return CandidateLine(
        id=found.id, system_id=found.system_id, system=system, reason=found.reason, by=by, at=found.proposed_at,
        state=found.state, trial=trial.state if trial else "", budget=found.false_positive_budget, signed=found.signed,
        share=trial.share if trial and trial.state == "finished" else None,
    )  # fmt: skip


def editor_view(system_id: str, caller: Asking) -> EditorView:
    """Show the policy in force as a form."""
    with caller.reading() as work:
        return _editor(work, system_id, caller)


def _editor(work: Work, system_id: str, caller: Caller, *, form: Form | None = None,
            proposed: Proposed | None = None) -> EditorView:  # fmt: skip
    system, policy = work.registry.system(system_id), work.policies.in_force(system_id)
    if policy is None:
        raise NotFound("manage:candidate-no-policy", field="policy")
    owns = caller.actor.id in {system.owner_id, system.registered_by}
    return EditorView(
        system_id=system_id, system=system.name, policy=policy,
        form=form or Form(values={**fields(policy), "budget": _USUAL_BUDGET}), previewed=proposed is not None,
        changes=change_lines(proposed.changes) if proposed else (),
        weaker=weaker_names(proposed.weaker) if proposed else (),
        lapses=tuple(Link(name=type_name(caller, each.type), url=f"/evidence/{each.id}") for each in proposed.lapses)
        if proposed else (),
        may_propose=may(caller.actor, "policy.propose", domain=system.domain, owns=owns),
    )  # fmt: skip


router.add_api_route("/candidates", shows("candidates.html", candidates_view))


@router.get("/systems/{system_id}/policy/edit")
def editor(caller: Asking, view: Annotated[EditorView, Depends(editor_view)]) -> Response:
    """Show the form."""
    return caller.page.render("editor.html", view=view, listable=listable)


@router.post("/systems/{system_id}/policy/edit")
def edit(system_id: str, caller: Asking, sent: Posted) -> Response:
    """Show what the edits come to, or propose them."""
    try:
        with caller.reading() as work:
            present = work.policies.in_force(system_id)
            if present is None:
                raise NotFound("manage:candidate-no-policy", field="policy")
            wanted = edits(sent, present)
            proposed = work.trials.preview(system_id, wanted)
            view = _editor(work, system_id, caller, form=sent.form(), proposed=proposed)
        if sent["act"] != "propose":
            return caller.page.render("editor.html", view=view, listable=listable)
        if problems := _unfilled(sent):
            return _again(system_id, caller, sent, *problems, proposed=proposed)
        with caller.work("policy.propose") as work:
            made = work.trials.propose(system_id, wanted, reason=sent["reason"], budget=float(sent["budget"]) / 100,
                                       actor=caller.actor)  # fmt: skip
    except (InputError, Refused) as error:
        return _again(system_id, caller, sent, problem(error))
    return RedirectResponse(f"/candidates/{made.id}", 303)


def _unfilled(sent: Sent) -> tuple[Problem, ...]:
    problems = sent.missing("reason")
    try:
        float(sent["budget"])
    except ValueError:
        problems += (Problem(field="budget", message=text(f"{PACKAGE}:form.number")),)
    return problems


def _again(system_id: str, caller: Caller, sent: Sent, *problems: Problem,
           proposed: Proposed | None = None) -> Response:  # fmt: skip
    with caller.reading() as work:
        view = _editor(work, system_id, caller, form=sent.form(*problems), proposed=proposed)
    return caller.page.render("editor.html", status=422, view=view, listable=listable)
