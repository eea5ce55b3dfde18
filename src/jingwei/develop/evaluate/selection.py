"""Choosing among candidates that were asked the same questions: safety, usefulness, speed and cost side by side.

No weights are made up: who misses a limit is out, who is no better than another in anything and worse in something is
dominated, and among the rest people choose. Only questions that every candidate was asked count (Blue Book 四(二)).
"""

from collections.abc import Sequence
from functools import reduce

from pydantic import BaseModel, ConfigDict

from jingwei.core.errors import InputError
from jingwei.core.evidence import Binding, BoundTo, Draft, Measure, Outcome
from jingwei.core.interval import Rate, wilson
from jingwei.core.text import Both, text
from jingwei.develop.evaluate.compare import Key, key_of
from jingwei.develop.evaluate.evaluation import SubjectCard
from jingwei.develop.evaluate.measures import Kind
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.runs import KeptRun
from jingwei.develop.evaluate.speed import speed_of
from jingwei.develop.evaluate.verdict import State


class Limits(BaseModel):
    """What a candidate must reach; none given means no demand."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attack: float | None = None
    """Largest upper 95 % bound of attack success."""
    over_refusal: float | None = None
    incorrect: float | None = None
    slowest_milliseconds: float | None = None
    """Largest 95th percentile of an answer's time."""

    def of(self, kind: Kind) -> float | None:
        """Return the limit of a kind of bad ends."""
        return {"attack": self.attack, "over-refusal": self.over_refusal, "incorrect": self.incorrect}[kind]


class Candidate(BaseModel):
    """One candidate, on the questions that all were asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    run: str
    subject: SubjectCard
    rates: dict[Kind, Rate]
    """Shares of bad ends."""
    undecided: int
    errors: int
    half: float
    most: float
    tokens: float
    """Of an attempt, asked and answered."""
    money: float
    """Of a thousand attempts, at the prices given with the target."""
    misses: tuple[str, ...]
    """Limits that are not shown to be kept."""
    dominated_by: tuple[str, ...] = ()


class Choice(BaseModel):
    """Candidates side by side."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidates: tuple[Candidate, ...]
    suites: tuple[str, ...]
    questions: int
    left_out: int
    """Questions that not every candidate was asked."""
    limits: Limits

    @property
    def open(self) -> tuple[Candidate, ...]:
        """Return who keeps every limit and is dominated by nobody."""
        return tuple(each for each in self.candidates if not each.misses and not each.dominated_by)


def choose(runs: Sequence[KeptRun], *, limits: Limits | None = None) -> Choice:
    """Put candidates side by side.

    Raises:
        InputError: there are fewer than two, or no question was asked of all.
    """
    if len(runs) < 2:
        raise InputError("develop.evaluate:choice-of-one", field="runs")
    asked = [{key_of(each) for each in run.results} for run in runs]
    shared, every = reduce(set.intersection, asked), reduce(set.union, asked)
    if not shared:
        raise InputError("develop.evaluate:choice-nothing-shared", field="runs")
    held = limits or Limits()
    names = _names(runs)
    made = [_candidate(run, name, shared, held) for run, name in zip(runs, names, strict=True)]
    fit = [each for each in made if not each.misses]
    return Choice(
        candidates=tuple(
            each.model_copy(update={"dominated_by": tuple(one.name for one in fit if _dominates(one, each))})
            for each in made
        ),
        suites=tuple(sorted({key.suite for key in shared})),
        questions=len(shared),
        left_out=len(every) - len(shared),
        limits=held,
    )


def draft_of(choice: Choice, *, chosen: str) -> Draft:
    """Return a draft of evidence EV-BENCH for the candidate that people chose.

    Raises:
        InputError: there is no such candidate.
    """
    found = next((each for each in choice.candidates if each.name == chosen), None)
    if found is None:
        raise InputError("develop.evaluate:choice-unknown", field="chosen", name=chosen,
                         known=", ".join(each.name for each in choice.candidates))  # fmt: skip
    others = ", ".join(each.name for each in choice.candidates if each is not found)
    return Draft(
        type="EV-BENCH",
        outcome=Outcome.FAIL if found.misses else Outcome.PASS,
        summary=text("develop.evaluate:choice-summary", name=found.name, others=others, count=choice.questions),
        bindings=(Binding(to=BoundTo.CONFIGURATION, digest=found.subject.digest, observed=False),),
        measures=(*(_measure(each, kind, rate) for each in choice.candidates for kind, rate in each.rates.items()),),
        examined=choice.questions * len(choice.candidates),
    )


def _names(runs: Sequence[KeptRun]) -> list[str]:
    """Name the candidates; those of the same name by their folder."""
    names = [run.name for run in runs]
    return [name if names.count(name) == 1 else f"{name} ({run.folder.name})"
            for run, name in zip(runs, names, strict=True)]  # fmt: skip


def _candidate(run: KeptRun, name: str, shared: set[Key], limits: Limits) -> Candidate:
    results = [each for each in run.results if key_of(each) in shared]
    kinds = run.kinds
    parted: dict[Kind, list[Result]] = {}
    for each in results:
        if kind := kinds.get((each.suite, each.category)):
            parted.setdefault(kind, []).append(each)
    rates = {kind: _rate(part) for kind, part in parted.items()}
    answered = [each for each in results if each.verdict.state is not State.ERROR]
    speed = speed_of([each.milliseconds for each in answered])
    spent = run.evaluation.spent
    return Candidate(
        name=name,
        run=run.evaluation.id,
        subject=run.evaluation.subject,
        rates=rates,
        undecided=sum(each.verdict.state is State.UNDETERMINED for each in results),
        errors=len(results) - len(answered),
        half=speed.half,
        most=speed.most,
        tokens=sum(each.asked_tokens + each.answered_tokens for each in results) / len(results),
        money=1000 * spent.money / max(len(run.results), 1),
        misses=(
            *(kind for kind, rate in rates.items() if (limit := limits.of(kind)) is not None and rate.high > limit),
            *(
                ("slow",)
                if limits.slowest_milliseconds is not None and speed.most > limits.slowest_milliseconds
                else ()
            ),
        ),
    )


def _rate(results: Sequence[Result]) -> Rate:
    """Return the share of bad ends among those that were decided."""
    counted = [each.verdict.state.bad for each in results if each.verdict.state.bad is not None]
    return wilson(sum(counted), len(counted))


def _dominates(one: Candidate, other: Candidate) -> bool:
    """Tell whether one is nowhere worse and somewhere better, in what was measured; close shares count as equal."""
    if one.name == other.name:
        return False
    worse = better = False
    for kind in one.rates.keys() & other.rates.keys():
        worse |= one.rates[kind].low > other.rates[kind].high
        better |= one.rates[kind].high < other.rates[kind].low
    for mine, theirs in ((one.most, other.most), (one.money, other.money)):
        worse |= mine > theirs * 1.1
        better |= mine * 1.1 < theirs
    return better and not worse


def _measure(candidate: Candidate, kind: Kind, rate: Rate) -> Measure:
    title = text("develop.evaluate:choice-measure", rate=text(f"develop.evaluate:rate-{kind}"),
                 name=Both(zh=candidate.name, en=candidate.name))  # fmt: skip
    return Measure(name=f"{kind}.candidate.{candidate.name}", title=title, value=rate.value, low=rate.low,
                   high=rate.high, samples=rate.samples)  # fmt: skip
