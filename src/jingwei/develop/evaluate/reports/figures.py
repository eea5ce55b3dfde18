"""What the report shows, counted once: one pass over the results, however many there are."""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from jingwei.core.evidence import Measure
from jingwei.core.interval import Rate, wilson
from jingwei.core.text import LANGUAGES, Both, Language, texts
from jingwei.develop.evaluate.evaluation import Evaluation, SuiteOutcome
from jingwei.develop.evaluate.measures import STEM, Kind, part_of
from jingwei.develop.evaluate.reports.correction import Judged, Without, without_errors
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.reviews import Decision, Reviewed, reviewed
from jingwei.develop.evaluate.speed import Speed, speed_of
from jingwei.develop.evaluate.verdict import State

_SHOWN = {State.ATTACK_SUCCEEDED: 150, State.OVER_REFUSED: 60, State.INCORRECT: 60, State.UNDETERMINED: 100,
          State.ERROR: 30, State.INVALID: 20, State.RESISTED: 30, State.ANSWERED: 20, State.CORRECT: 20,
          State.ABSTAINED: 20}  # fmt: skip
"""How many transcripts of each state the page shows at most, in this order; all are in `attempts.jsonl`."""


class Part(NamedTuple):
    """A share of a suite's results: of a language, a category, a transform, a place in a taxonomy."""

    kind: Kind
    by: str
    value: str
    name: Both
    rate: Rate
    limit: float | None


class Gap(NamedTuple):
    """How much worse one language is than the other."""

    kind: Kind
    zh: Rate
    en: Rate
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SuiteFigures:
    """One suite."""

    outcome: SuiteOutcome
    heads: tuple[Measure, ...]
    parts: tuple[Part, ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything the page shows beside the evaluation itself."""

    suites: tuple[SuiteFigures, ...]
    rates: dict[Kind, Rate]
    """Over all suites."""
    states: Counter[State]
    invalid: Counter[str]
    """Attempts that nobody could read, by transform."""
    faults: Counter[str]
    open_reasons: Counter[str]
    """Why the judge could not tell."""
    speed: Speed
    corrected: dict[Language | None, Without]
    """Attack success without the judge's errors; None is all languages together."""
    transcripts: tuple[Result, ...]
    agreement: Counter[tuple[str, str]]
    """What another tool said of an answer (`unsafe`, `safe`, `unknown`), and what became of it here."""
    results: int
    reviewed: Reviewed | None = None
    """What people decided, where some did."""


def figures_of(evaluation: Evaluation, results: Sequence[Result], *, decisions: Sequence[Decision] = ()) -> Figures:
    """Count."""
    suites = suites_of(evaluation)
    attacks = {(each.outcome.suite, part.value) for each in suites for part in each.parts
               if part.by == "category" and part.kind == "attack"}  # fmt: skip
    counted = _Counted(attacks)
    for each in results:
        counted.add(each)
    return Figures(
        suites=suites,
        rates=_pooled(suites),
        states=counted.states,
        invalid=counted.invalid,
        faults=counted.faults,
        open_reasons=counted.open_reasons,
        speed=speed_of(counted.took),
        corrected=without_errors(counted.judged),
        transcripts=tuple(each for state in _SHOWN for each in counted.kept[state]),
        agreement=counted.agreement,
        results=counted.states.total(),
        reviewed=reviewed(results, decisions) if decisions else None,
    )


def suites_of(evaluation: Evaluation) -> tuple[SuiteFigures, ...]:
    """Take the suites' measures to pieces."""
    return tuple(_suite(each) for each in evaluation.suites)


class _Counted:
    """What one pass over the results finds."""

    def __init__(self, attacks: set[tuple[str, str]]) -> None:
        self._attacks = attacks
        self.states: Counter[State] = Counter()
        self.invalid: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.open_reasons: Counter[str] = Counter()
        self.agreement: Counter[tuple[str, str]] = Counter()
        self.took = array("q")
        self.judged = {language: Judged() for language in LANGUAGES}
        self.kept: dict[State, list[Result]] = {state: [] for state in _SHOWN}

    def add(self, result: Result) -> None:
        """Count one result."""
        verdict = result.verdict
        self.states[verdict.state] += 1
        if verdict.state is State.ERROR:
            self.faults.update(verdict.reasons)
        else:
            self.took.append(result.milliseconds)
        if verdict.state is State.INVALID:
            self.invalid[result.transform] += 1
        if verdict.state is State.UNDETERMINED:
            self.open_reasons.update(verdict.reasons or ("unsure",))
        if isinstance(theirs := verdict.details.get("theirs"), str):
            self.agreement[theirs, verdict.state.value] += 1
        if (result.suite, result.category) in self._attacks:
            self.judged[result.language].add(verdict)
        if len(self.kept[verdict.state]) < _SHOWN[verdict.state]:
            self.kept[verdict.state].append(result)


def _suite(outcome: SuiteOutcome) -> SuiteFigures:
    parts = tuple(part for measure in outcome.measures if (part := _part(measure, outcome)))
    return SuiteFigures(
        outcome=outcome,
        heads=tuple(each for each in outcome.measures if not part_of(each.name)),
        parts=parts,
        gaps=tuple(_gaps(parts)),
    )


def _part(measure: Measure, outcome: SuiteOutcome) -> Part | None:
    found = part_of(measure.name)
    if not found:
        return None
    kind, by, value = found
    samples = measure.samples or 0
    return Part(kind, by, value, _bare(measure.title, kind), wilson(round(measure.value * samples), samples),
                outcome.limits.get(STEM[kind]))  # fmt: skip


def _bare(title: Both, kind: Kind) -> Both:
    """Return what a part is called without the name of its rate."""
    frame = texts("develop.evaluate")[f"rate-{kind}-of"]
    return Both(zh=title.zh.removeprefix(frame.zh.partition("{name}")[0]) or title.zh,
                en=title.en.removeprefix(frame.en.partition("{name}")[0]) or title.en)  # fmt: skip


def _gaps(parts: Sequence[Part]) -> list[Gap]:
    found = []
    for kind in STEM:
        rates = {part.value: part.rate for part in parts if part.kind == kind and part.by == "language"}
        if len(rates) == len(LANGUAGES):
            found.append(Gap(kind, rates["zh"], rates["en"], *difference(rates["zh"], rates["en"])))
    return found


def difference(one: Rate, other: Rate) -> tuple[float, float, float]:
    """Return the difference of two independent shares with its 95 % interval (Newcombe 1998, method 10)."""
    value = one.value - other.value
    below = ((one.value - one.low) ** 2 + (other.high - other.value) ** 2) ** 0.5
    above = ((one.high - one.value) ** 2 + (other.value - other.low) ** 2) ** 0.5
    return value, max(-1.0, value - below), min(1.0, value + above)


def _pooled(suites: Sequence[SuiteFigures]) -> dict[Kind, Rate]:
    hits: Counter[Kind] = Counter()
    samples: Counter[Kind] = Counter()
    for kind, stem in STEM.items():
        for measure in (each for suite in suites for each in suite.heads if each.name == stem):
            hits[kind] += round(measure.value * (measure.samples or 0))
            samples[kind] += measure.samples or 0
    return {kind: wilson(hits[kind], samples[kind]) for kind in STEM if samples[kind]}


def top(counts: Counter[str], *, most: int = 8) -> list[tuple[str, int]]:
    """Return the commonest, equals by name."""
    return list(islice(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])), most))
