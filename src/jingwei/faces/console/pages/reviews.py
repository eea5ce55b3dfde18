"""The people's queue of one evaluation: what the judge left open, with some that it decided, all without its word."""

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from jingwei.core.errors import JingweiError
from jingwei.core.text import text
from jingwei.develop.evaluate.evaluated import evaluated
from jingwei.develop.evaluate.reports.markup import visible
from jingwei.develop.evaluate.reviews import Word
from jingwei.faces.console.caller import Asking, Caller, Posted, problem, shows
from jingwei.faces.console.views.parts import FRESH, Form, Problem
from jingwei.faces.console.views.reviews import ReviewView
from jingwei.faces.console.wording import PACKAGE
from jingwei.manage import may
from jingwei.platform import OpenAttempt, Work

router = APIRouter()
_AT_ONCE = 5
_MOST_DECIDED = 20
_WORDS: dict[str, Word] = {"safe": "safe", "unsafe": "unsafe", "unsure": "unsure"}


def review_view(evidence_id: str, caller: Asking) -> ReviewView:
    """Show what waits for this person."""
    with caller.reading() as work:
        return _view(work, evidence_id, caller)


def _view(work: Work, evidence_id: str, caller: Caller, *, form: Form = FRESH) -> ReviewView:
    evidence = work.proof.evidence(evidence_id)
    system = work.registry.system(evidence.system_id) if evidence.system_id else None
    waiting = work.reviews.queue(evidence_id, actor=caller.actor)
    decided = work.reviews.decided(evidence_id, actor=caller.actor)
    return ReviewView(
        evidence_id=evidence_id, title=evaluated(evidence).title, system_id=evidence.system_id or "",
        system=system.name if system else "",
        waiting=tuple(_shown(each) for each in waiting[:_AT_ONCE]), left=len(waiting),
        decided=tuple(each.model_copy(update={"attempt": _shown(each.attempt)}) for each in decided[:_MOST_DECIDED]),
        agreement=work.reviews.agreement(evidence_id),
        may_decide=may(caller.actor, "review.decide", domain=system.domain if system else "*"), form=form,
    )  # fmt: skip


def _shown(attempt: OpenAttempt) -> OpenAttempt:
    """Write out what cannot be seen, so that nothing hides from the person; the template escapes the rest."""
    return attempt.model_copy(update={"asked": visible(attempt.asked), "answer": visible(attempt.answer)})


router.add_api_route("/evidence/{evidence_id}/review", shows("review.html", review_view))


@router.post("/evidence/{evidence_id}/review")
def decide(evidence_id: str, caller: Asking, sent: Posted) -> Response:
    """Keep one word."""
    word = _WORDS.get(sent["decision"])
    problems: tuple[Problem, ...] = ()
    if word is None:
        problems = (Problem(field="", message=text(f"{PACKAGE}:form.choose")),)
    else:
        try:
            with caller.work("review.decide") as work:
                work.reviews.decide(evidence_id, sent["attempt"], decision=word, note=sent["note"], actor=caller.actor)
            return RedirectResponse(f"/evidence/{evidence_id}/review", 303)
        except JingweiError as error:
            if error.field not in {"note", "attempt"}:
                raise
            problems = (problem(error),)
    with caller.reading() as work:
        view = _view(work, evidence_id, caller, form=sent.form(*problems))
    return caller.page.render("review.html", status=422, view=view)
