"""Naming who answers for a component, and what that one rests on."""

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from jingwei.core.errors import JingweiError, NotFound
from jingwei.faces.console.caller import Asking, Posted, problem, shows
from jingwei.faces.console.views.answers import AnswersView
from jingwei.faces.console.views.parts import Choice, Form
from jingwei.faces.console.wording import PACKAGE
from jingwei.platform import Work

router = APIRouter()


def answers_view(system_id: str, component_id: str, caller: Asking) -> AnswersView:
    """Show the form with who answers now."""
    with caller.reading() as work:
        links = {link.component_id: link for link in work.parts.of(system_id).links}
        link = links.get(component_id)
        values = {} if link is None else {"party": link.party, "duty": link.duty, "contact": link.contact,
                                          "rests_on": link.rests_on_id or ""}  # fmt: skip
        return _view(work, system_id, component_id, Form(values=values))


def _view(work: Work, system_id: str, component_id: str, form: Form) -> AnswersView:
    system = work.registry.system(system_id)
    live = {each.id: each for each in work.parts.of(system_id).components if each.retired_at is None}
    if component_id not in live:
        raise NotFound(f"{PACKAGE}:error.not-found")
    component = live.pop(component_id)
    return AnswersView(system_id=system_id, system=system.name, component_id=component_id, component=component.name,
                       kind=component.kind, form=form,
                       others=tuple(Choice(value=each.id, label=each.name) for each in live.values()))  # fmt: skip


router.add_api_route("/systems/{system_id}/parts/{component_id}", shows("answers.html", answers_view))


@router.post("/systems/{system_id}/parts/{component_id}")
def answer_for(system_id: str, component_id: str, caller: Asking, sent: Posted) -> Response:
    """Name who answers; the link named last counts."""
    problems = sent.missing("party")
    with caller.reading() as work:
        view = _view(work, system_id, component_id, sent.form(*problems))
        link = next((each for each in work.parts.of(system_id).links if each.component_id == component_id), None)
    if not problems:
        try:
            with caller.work("component.answer") as work:
                work.parts.answer_for(component_id, sent["party"], duty=sent["duty"], contact=sent["contact"],
                                      document_sha256=link.document_sha256 if link else "",
                                      rests_on_id=sent["rests_on"] or None, actor=caller.actor)  # fmt: skip
            return RedirectResponse(f"/systems/{system_id}#chain-head", 303)
        except JingweiError as error:
            with caller.reading() as work:
                view = _view(work, system_id, component_id, sent.form(problem(error, otherwise="party")))
    return caller.page.render("answers.html", status=422, view=view)
