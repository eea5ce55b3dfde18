"""Evaluations of a System, and the people's queue of what their judge left open."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.text import Both
from jingwei.develop.evaluate.evaluated import Evaluated
from jingwei.develop.evaluate.reviews import Word
from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import EvidenceId, Given, SystemId
from jingwei.faces.api.paging import PAGE, Limit, Offset, Page, page
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.runs import handed_over
from jingwei.faces.api.words import given, line, said
from jingwei.platform import Agreement, CheckRun, Decided, OpenAttempt, Through

router = APIRouter(tags=["evaluations"], route_class=KeyedRoute, responses=refusals())
AttemptId = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,64}$", description=line("faces.api:the-attempt"))]


class SuiteOffer(BaseModel):
    """A suite that can be run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title: Both
    about: Both
    evidence_type: str


class AskedEvaluation(Given):
    """Suites to run, and on what."""

    suites: tuple[str, ...] = Field(min_length=1, max_length=40)
    through: Through = "gateway"
    limit: int | None = Field(default=None, ge=1, le=100_000)
    """Largest number of attempts of each suite."""


class Review(Given):
    """What a person decides about one attempt."""

    decision: Word
    note: str = Field(default="", max_length=500)


@router.get("/evaluation-suites", **said("faces.api:list-suites"))
def list_suites(caller: Asking) -> list[SuiteOffer]:
    """List the suites that can be run."""
    with caller.reading() as work:
        return [SuiteOffer(**each._asdict()) for each in work.evaluations.suites()]


@router.get("/systems/{system_id}/evaluations", **said("faces.api:list-evaluations"))
def list_evaluations(caller: Asking, system_id: SystemId, offset: Offset = 0, limit: Limit = PAGE) -> Page[Evaluated]:
    """List what each piece of evaluation evidence says, newest first."""
    with caller.reading() as work:
        work.registry.system(system_id)
        return page(work.evaluations.of(system_id), offset=offset, limit=limit)


@router.post("/systems/{system_id}/evaluations", status_code=HTTPStatus.ACCEPTED, **said("faces.api:ask-evaluation"))
def ask_evaluation(
    caller: Asking, system_id: SystemId, asked: Annotated[AskedEvaluation, given("ask-evaluation")]
) -> CheckRun:
    """Start an evaluation of chosen suites."""
    with caller.work("run.ask") as work:
        run = work.evaluations.ask(system_id, suites=asked.suites, through=asked.through, limit=asked.limit,
                                   actor=caller.actor)  # fmt: skip
    return handed_over(caller, [run])[0]


@router.get("/evidence/{evidence_id}/reviews/queue", **said("faces.api:list-open-attempts"))
def list_open_attempts(
    caller: Asking, evidence_id: EvidenceId, offset: Offset = 0, limit: Limit = PAGE
) -> Page[OpenAttempt]:
    """List the attempts that the caller has not decided yet, without what the judge said."""
    with caller.reading() as work:
        return page(work.reviews.queue(evidence_id, actor=caller.actor), offset=offset, limit=limit)


@router.get("/evidence/{evidence_id}/reviews", **said("faces.api:list-reviews"))
def list_reviews(caller: Asking, evidence_id: EvidenceId, offset: Offset = 0, limit: Limit = PAGE) -> Page[Decided]:
    """List what the caller decided, with what the judge had said."""
    with caller.reading() as work:
        return page(work.reviews.decided(evidence_id, actor=caller.actor), offset=offset, limit=limit)


@router.post("/evidence/{evidence_id}/reviews/{attempt_id}", **said("faces.api:review-attempt"))
def review_attempt(
    caller: Asking, evidence_id: EvidenceId, attempt_id: AttemptId, review: Annotated[Review, given("review-attempt")]
) -> Decided:
    """Decide one attempt; the answer tells what the judge had said."""
    with caller.work("review.decide") as work:
        return work.reviews.decide(evidence_id, attempt_id, decision=review.decision, note=review.note,
                                   actor=caller.actor)  # fmt: skip


@router.get("/evidence/{evidence_id}/reviews/agreement", **said("faces.api:show-agreement"))
def show_agreement(caller: Asking, evidence_id: EvidenceId) -> Agreement:
    """Show how far people and the judge agree."""
    with caller.reading() as work:
        return work.reviews.agreement(evidence_id)
