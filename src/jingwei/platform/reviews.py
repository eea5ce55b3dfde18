"""Reviews: what the judge of an evaluation left open goes to people, blind, and their words are held against its own.

evidence ─► queue()   without what the judge said, some that it decided mixed in
─► decide()  one row and one ledger entry; only then the judge's word is told
─► agreement()
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from jingwei.core.blobs import Blobs
from jingwei.core.errors import Conflict, InputError, NotFound
from jingwei.core.evidence import Artefact, Evidence
from jingwei.core.identity import Actor
from jingwei.core.ids import new_id
from jingwei.core.settings import Settings
from jingwei.core.store.tables import ReviewRow
from jingwei.core.text import Language
from jingwei.develop.evaluate.proven import artefact_of, results_in
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.reviews import Decision, Reviewed, Word, queue_of, reviewed
from jingwei.develop.evaluate.verdict import State
from jingwei.manage import Desk, Proof
from jingwei.manage.rights import demand, demand_over
from jingwei.manage.rows import system_row

RIGHT = "review.decide"
SAMPLE = 40
_LONGEST_NOTE = 500


class OpenAttempt(BaseModel):
    """An attempt that waits for a person. Holds nothing of what the judge said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    language: Language
    category: str
    asked: str
    """Redacted, as it was kept."""
    answer: str
    answer_length: int
    """Of the whole answer, in characters."""


class Decided(BaseModel):
    """What a person decided, and what the judge had said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attempt: OpenAttempt
    decision: Word
    note: str
    at: datetime
    judge: State
    score: float | None


class Agreement(BaseModel):
    """How far people and the judge agree on one evaluation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    queued: int
    """Attempts that people should look at."""
    open: int
    """Of them, those that the judge left open."""
    people: int = 0
    decisions: int = 0
    disputed: int = 0
    compared: int = 0
    """Attempts that both decided."""
    same: int = 0
    kappa: float | None = None
    """Cohen's, over what both decided; none where that is nothing."""
    open_decided: int = 0
    open_unsafe: int = 0


class Reviews:
    """Gives the queue, takes decisions, counts agreement."""

    def __init__(self, desk: Desk, *, settings: Settings) -> None:
        self.desk = desk
        self.session = desk.session
        self._blobs = settings.blobs_path

    def queue(self, evidence_id: str, *, actor: Actor) -> list[OpenAttempt]:
        """Return what this person has not decided yet, in an order that tells nothing.

        Raises:
            NotFound: there is no such evidence, or it holds no attempts.
            InputError: its attempts are damaged.
        """
        mine = self._rows(evidence_id, account_id=actor.id)
        decided = {row.attempt_id for row in mine}
        return [_blind(each) for each in self._queue(evidence_id) if each.id not in decided]

    def decided(self, evidence_id: str, *, actor: Actor) -> list[Decided]:
        """Return what this person has decided, newest first, with what the judge had said."""
        results = {each.id: each for each in self._queue(evidence_id)}
        rows = self._rows(evidence_id, account_id=actor.id)
        return [_decided(row, results[row.attempt_id]) for row in reversed(rows) if row.attempt_id in results]

    def decide(self, evidence_id: str, attempt_id: str, *, decision: Word, actor: Actor, note: str = "") -> Decided:
        """Keep this person's word on one attempt. No verdict changes by it.

        Raises:
            Refused: the actor may not.
            NotFound: the evidence or the attempt is not there, or it is not one to review.
            InputError: the note is too long.
            Conflict: this person decided before, and has seen since what the judge said.
        """
        self._demand(self._evidence(evidence_id), actor)
        found = next((each for each in self._queue(evidence_id) if each.id == attempt_id), None)
        if found is None:
            raise NotFound("platform:review-unknown", field="attempt", attempt=attempt_id[:64])
        if len(note) > _LONGEST_NOTE:
            raise InputError("platform:review-note", field="note", longest=_LONGEST_NOTE)
        if any(each.attempt_id == found.id for each in self._rows(evidence_id, account_id=actor.id)):
            raise Conflict("platform:review-decided", field="attempt")
        now = self.desk.clock()
        row = ReviewRow(id=new_id("rev"), created_at=now, evidence_id=evidence_id, attempt_id=found.id,
                        account_id=actor.id, decision=decision, note=note.strip(), decided_at=now)  # fmt: skip
        self.session.add(row)
        self.session.flush()
        return _decided(row, found)

    def agreement(self, evidence_id: str) -> Agreement:
        """Hold the judge's words against the people's."""
        results = self._queue(evidence_id)
        open_ = sum(each.verdict.state is State.UNDETERMINED for each in results)
        decisions = [_decision(row) for row in self._rows(evidence_id)]
        found = reviewed(results, decisions)
        waiting = Agreement(queued=len(results), open=open_, people=len({each.person for each in decisions}),
                            decisions=len(decisions))  # fmt: skip
        return waiting if found is None else _agreement(waiting, found)

    def _demand(self, evidence: Evidence, actor: Actor) -> None:
        if evidence.system_id is None:
            demand(actor, RIGHT, domain="*")
        else:
            demand_over(actor, RIGHT, system_row(self.session, evidence.system_id))

    def _evidence(self, evidence_id: str) -> Evidence:
        return Proof(self.desk).evidence(evidence_id)

    def _queue(self, evidence_id: str) -> Sequence[Result]:
        """Return the whole queue of a piece of evidence: the same for everybody, drawn by its id."""
        return _drawn(self._blobs, artefact_of(self._evidence(evidence_id)), int(evidence_id[:8], 16))

    def _rows(self, evidence_id: str, *, account_id: str = "") -> list[ReviewRow]:
        query = select(ReviewRow).where(ReviewRow.evidence_id == evidence_id).order_by(ReviewRow.decided_at)
        if account_id:
            query = query.where(ReviewRow.account_id == account_id)
        return list(self.session.scalars(query))


@lru_cache(maxsize=4)
def _drawn(blobs: Path, kept: Artefact, seed: int) -> tuple[Result, ...]:
    """Draw a queue; the artefact is named by its content, so what was drawn of it once stays so."""
    return tuple(queue_of(results_in(kept, Blobs(blobs).read), sample=SAMPLE, seed=seed))


def _blind(result: Result) -> OpenAttempt:
    return OpenAttempt(id=result.id, language=result.language, category=result.category, asked=result.asked_redacted,
                       answer=result.answer_redacted, answer_length=result.answer_length)  # fmt: skip


def _decided(row: ReviewRow, result: Result) -> Decided:
    return Decided(attempt=_blind(result), decision=_word(row), note=row.note, at=row.decided_at,
                   judge=result.verdict.state, score=result.verdict.score)  # fmt: skip


def _decision(row: ReviewRow) -> Decision:
    return Decision(id=row.attempt_id, person=row.account_id, decision=_word(row), at=row.decided_at, note=row.note)


def _word(row: ReviewRow) -> Word:
    word: Word = row.decision  # type: ignore[assignment]  # only this class writes the column
    return word


def _agreement(waiting: Agreement, found: Reviewed) -> Agreement:
    both = found.same
    return waiting.model_copy(update={
        "disputed": found.disputed, "compared": both.samples, "same": both.hits,
        "kappa": found.agreement if both.samples else None,
        "open_decided": found.open_decided, "open_unsafe": found.open_unsafe,
    })  # fmt: skip
