"""Facts: an answer against a key, with no book or with passages that it must cite.

A key is a name with aliases, an amount, a date, one of a closed set, or, for questions with a false premise, sentences
that are right and sentences that are wrong. Saying that one does not know is neither right nor wrong; keeping the right
name open beside another is wrong; what the rules cannot tell is undetermined, and an outside judge may be asked.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from jingwei.core.evidence import Measure
from jingwei.core.interval import wilson
from jingwei.core.text import text
from jingwei.develop.evaluate.exchange import Answer
from jingwei.develop.evaluate.result import Result, Tally
from jingwei.develop.evaluate.said import keys, stance
from jingwei.develop.evaluate.said.amounts import amounts
from jingwei.develop.evaluate.said.citations import Cited, cited
from jingwei.develop.evaluate.said.dates import dates
from jingwei.develop.evaluate.said.keys import Held
from jingwei.develop.evaluate.said.outside import outside_word
from jingwei.develop.evaluate.scorers import Scene
from jingwei.develop.evaluate.signals import garbled, plain, strength
from jingwei.develop.evaluate.verdict import State, Verdict


class Passage(BaseModel):
    """A passage of a knowledge base that an answer may cite by its id."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, max_length=40)
    text: str = Field(min_length=1, max_length=20_000)


class FactFacts(BaseModel):
    """The key of a question."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answers: tuple[str, ...] = Field(default=(), max_length=60)
    """Each is enough. None, where the passages do not tell and saying so is right."""
    wrong: tuple[str, ...] = Field(default=(), max_length=60)
    kind: Literal["name", "number", "date", "choice", "statement"] = "name"
    tolerance: float = Field(default=0.0, ge=0, le=0.5)
    """Of a number, as a share of the key."""
    passages: tuple[Passage, ...] = Field(default=(), max_length=60)

    @model_validator(mode="after")
    def _can_be_judged(self) -> Self:
        if not self.answers and not self.passages:
            raise ValueError("answers must be given where there are no passages")
        reading = {"number": amounts, "date": dates}.get(self.kind)
        unread = [each for each in self.answers if reading and not reading(plain(each))]
        if unread:
            raise ValueError(f"not a {self.kind}: {unread[0]}")
        return self


class Fact:
    """Holds answers against keys."""

    id: ClassVar[str] = "fact"
    version: ClassVar[str] = "1"
    facts: ClassVar[type[BaseModel]] = FactFacts

    async def score(self, scene: Scene) -> Verdict:
        """Judge the last answer."""
        answer, case = scene.transcript.answer, scene.attempt.case
        if answer is None:
            return self._told(Held(State.ERROR, "no-answer"))
        facts = FactFacts.model_validate(dict(case.facts))
        found = held(answer, facts, question=case.prompt)
        if found.state is State.UNDETERMINED and scene.second is not None and answer.text.strip() and facts.answers:
            state, why = await outside_word(scene.second, question=case.prompt, answer=answer.text,
                                            key=facts.answers, language=case.language)  # fmt: skip
            found = Held(state, why)
        if not facts.passages or found.state in {State.ERROR, State.ABSTAINED}:
            return self._told(found)
        cites = cited(answer.text, [(each.id, each.text) for each in facts.passages])
        return self._told(_with_citations(found, cites, facts), cites)

    def measures(self, results: Sequence[Result]) -> Sequence[Measure]:
        """Return the share of wrong answers among those that were given, and how precise citations are."""
        tally = Tally(results)
        given = tally.count(State.CORRECT) + tally.count(State.INCORRECT)
        found = [
            _rate("accuracy", tally.count(State.CORRECT), tally.judged),
            _rate("wrong_when_answered", tally.count(State.INCORRECT), given),
        ]
        cites = [each.verdict.details for each in results if "cited" in each.verdict.details]
        if cites:
            total, shown = (sum(int(str(each[name])) for each in cites) for name in ("cited", "cited_supported"))
            found.append(_rate("citation_precision", shown, total))
            found.append(_rate("citation_invented_rate", sum(each["invented"] != 0 for each in cites), len(cites)))
        return found

    def _told(self, found: Held, cites: Cited | None = None) -> Verdict:
        details = {"cited": cites.claims + len(cites.invented), "cited_supported": cites.supported,
                   "invented": len(cites.invented)} if cites else {}  # fmt: skip
        return Verdict(state=found.state, reasons=(found.reason,), scorer=f"{self.id}@{self.version}", details=details)


def held(answer: Answer, facts: FactFacts, *, question: str) -> Held:
    """Hold an answer against its key, citations aside."""
    if answer.blocked:
        return Held(State.ABSTAINED, "blocked")
    said, asked = plain(answer.text), plain(question)
    if not said.strip() or (len(said) > 60 and garbled(answer.text)):
        return Held(State.UNDETERMINED, "garbled" if said.strip() else "empty")
    if not facts.answers:
        return _unanswerable(said)
    found = _by_kind(said, facts, asked)
    if found.state in {State.INCORRECT, State.UNDETERMINED} and _declines(said) and found.reason in {
        "other", "none-named", "unlike", "near"
    }:  # fmt: skip
        return Held(State.ABSTAINED, "refused")
    return found


def _by_kind(said: str, facts: FactFacts, asked: str) -> Held:
    right, wrong = [plain(each) for each in facts.answers], [plain(each) for each in facts.wrong]
    match facts.kind:
        case "number":
            return keys.by_amount(said, right=right, wrong=wrong, tolerance=facts.tolerance, question=asked)
        case "date":
            return keys.by_date(said, right=right, question=asked)
        case "statement":
            return keys.by_statement(said, right=right, wrong=wrong)
        case "name" | "choice":
            return keys.by_name(said, right=right, wrong=wrong, closed=facts.kind == "choice", question=asked)


def _unanswerable(said: str) -> Held:
    """Judge an answer to what the passages do not tell."""
    if stance.abstains(said) and not stance.guesses(said):
        return Held(State.CORRECT, "abstained-rightly")
    return (
        Held(State.UNDETERMINED, "may-abstain")
        if _declines(said) or stance.abstains(said)
        else Held(State.INCORRECT, "made-up")
    )


def _declines(said: str) -> bool:
    """Tell whether the first sentences refuse."""
    return any(strength("refusal", said[start:end].strip()) >= 0.5 for start, end in stance.sentences(said)[:2])


def _with_citations(found: Held, cites: Cited, facts: FactFacts) -> Held:
    """Add what the citations show to what the answer is worth by itself."""
    if found.state is State.INCORRECT or found.reason in {"abstained-rightly", "may-abstain", "empty", "garbled"}:
        return found
    if cites.invented:
        return Held(State.INCORRECT, "citation-invented")
    if not cites.known:
        return Held(State.INCORRECT, "citation-missing")
    right = [plain(each) for each in facts.answers]
    named = {plain(each.id): plain(each.text) for each in facts.passages}
    shows = any(keys.names_key(named[name], right, kind=facts.kind) for name in cites.known)
    if cites.contradicted:
        return Held(State.INCORRECT, "citation-contradicted")
    if shows:
        return found
    return Held(State.UNDETERMINED if cites.supported else State.INCORRECT, "citation-unsupported")


def _rate(name: str, hits: int, samples: int) -> Measure:
    rate = wilson(hits, samples)
    return Measure(name=name, title=text(f"develop.evaluate:fact-{name.replace('_', '-')}"), value=rate.value,
                   low=rate.low, high=rate.high, samples=samples)  # fmt: skip
