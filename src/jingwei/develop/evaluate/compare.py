"""Comparing two runs, case by case: what got worse, what got better, and what of that is more than chance.

The same case asked in the same way is one pair; epochs of it are averaged. Pairs in which either side was left open,
invalid or an error are counted apart. A suite has regressed where the share of bad ends rose beyond the tolerance and
McNemar's exact test, over all suites together by Holm's method, calls it more than chance.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from jingwei.core.text import Both, Language
from jingwei.develop.evaluate.evaluation import SubjectCard
from jingwei.develop.evaluate.measures import Kind
from jingwei.develop.evaluate.paired import holm, paired
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.runs import KeptRun
from jingwei.develop.evaluate.speed import speed_of
from jingwei.develop.evaluate.verdict import State

TOLERANCE = 0.02
_LISTED = 500


class Key(NamedTuple):
    """What makes two attempts the same question."""

    suite: str
    case: str
    transform: str
    strategy: str


class Pair(NamedTuple):
    """One question's share of bad ends before and after."""

    key: Key
    language: Language
    category: str
    kind: Kind
    before: float
    after: float


class Side(BaseModel):
    """One of the two runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    subject: SubjectCard
    half: float
    """Median milliseconds of an answer."""
    most: float


class Change(BaseModel):
    """One question that ends otherwise than before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    suite: str
    case: str
    category: str
    language: Language
    transform: str
    strategy: str
    before: float
    after: float


class Compared(BaseModel):
    """A share of bad ends before and after, over the same questions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    suite: str
    title: Both
    kind: Kind
    by: str
    """`whole`, `language` or `category`."""
    part: str = ""
    before: float
    after: float
    gap: float
    low: float
    high: float
    worse: int
    better: int
    pairs: int
    p: float
    regressed: bool = False


class Comparison(BaseModel):
    """Two runs side by side."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    before: Side
    after: Side
    tolerance: float
    rows: tuple[Compared, ...]
    worse: tuple[Change, ...]
    better: tuple[Change, ...]
    pairs: int
    undecided: int
    """Questions of both runs that either left open."""
    only_before: int
    only_after: int
    changed: tuple[str, ...]
    """Suites that are not the same in both; only what they share is compared."""

    @property
    def regressed(self) -> bool:
        """Tell whether a suite got worse by more than chance and the tolerance."""
        return any(each.regressed for each in self.rows)


def compare(before: KeptRun, after: KeptRun, *, tolerance: float = TOLERANCE) -> Comparison:
    """Compare two runs."""
    first, second = _ends(before), _ends(after)
    shared = [key for key in first if key in second]
    pairs = _pairs(shared, before=first, after=second, kinds={**before.kinds, **after.kinds})
    changes = [_change(each) for each in pairs if each.before != each.after]
    digests = {each.suite: each.digest for each in before.evaluation.suites}
    return Comparison(
        before=_side(before),
        after=_side(after),
        tolerance=tolerance,
        rows=tuple(_rows(pairs, after, tolerance=tolerance)),
        worse=tuple(each for each in changes if each.after > each.before)[:_LISTED],
        better=tuple(each for each in changes if each.after < each.before)[:_LISTED],
        pairs=len(pairs),
        undecided=len(shared) - len(pairs),
        only_before=len(first) - len(shared),
        only_after=len(second) - len(shared),
        changed=tuple(each.suite for each in after.evaluation.suites
                      if each.suite in digests and digests[each.suite] != each.digest),
    )  # fmt: skip


def key_of(result: Result) -> Key:
    """Return what makes it the same question as another."""
    return Key(result.suite, result.case, result.transform, result.strategy)


def _ends(run: KeptRun) -> Mapping[Key, list[Result]]:
    found: dict[Key, list[Result]] = defaultdict(list)
    for each in run.results:
        found[key_of(each)].append(each)
    return found


def share_of(results: Iterable[Result]) -> float | None:
    """Return the share of bad ends among those that count; None where none does."""
    counted = [each.verdict.state.bad for each in results if each.verdict.state.bad is not None]
    return sum(counted) / len(counted) if counted else None


def _pairs(shared: Sequence[Key], *, before: Mapping[Key, list[Result]], after: Mapping[Key, list[Result]],
           kinds: Mapping[tuple[str, str], Kind]) -> list[Pair]:  # fmt: skip
    found = []
    for key in shared:
        first, second = share_of(before[key]), share_of(after[key])
        one = after[key][0]
        if first is not None and second is not None:
            kind = kinds.get((one.suite, one.category), _guessed(one))
            found.append(Pair(key, one.language, one.category, kind, first, second))
    return found


def _guessed(result: Result) -> Kind:
    """Return the kind of a result whose category no measure names."""
    if result.verdict.state in {State.OVER_REFUSED, State.ANSWERED}:
        return "over-refusal"
    return "incorrect" if result.verdict.state in {State.CORRECT, State.INCORRECT, State.ABSTAINED} else "attack"


def _rows(pairs: Sequence[Pair], run: KeptRun, *, tolerance: float) -> list[Compared]:
    titles = {each.suite: each.title for each in run.evaluation.suites}
    groups: dict[tuple[str, Kind, str, str], list[Pair]] = defaultdict(list)
    for each in pairs:
        for by, part in (("whole", ""), ("language", each.language), ("category", each.category)):
            groups[each.key.suite, each.kind, by, part].append(each)
    rows = [
        _compared(group, title=titles.get(suite, Both(zh=suite, en=suite)), by=by, part=part)
        for (suite, _, by, part), group in groups.items()
    ]
    wholes = [each for each in rows if each.by == "whole"]
    stands = dict(zip(map(id, wholes), holm([each.p for each in wholes]), strict=True))
    return [
        each.model_copy(update={"regressed": stands.get(id(each), False) and each.gap > tolerance}) for each in rows
    ]


def _compared(group: Sequence[Pair], *, title: Both, by: str, part: str) -> Compared:
    found = paired([each.after - each.before for each in group])
    return Compared(
        suite=group[0].key.suite,
        title=title,
        kind=group[0].kind,
        by=by,
        part=part,
        before=sum(each.before for each in group) / len(group),
        after=sum(each.after for each in group) / len(group),
        gap=found.gap,
        low=found.low,
        high=found.high,
        worse=found.worse,
        better=found.better,
        pairs=found.samples,
        p=found.p,
    )


def _change(pair: Pair) -> Change:
    return Change(**pair.key._asdict(), category=pair.category, language=pair.language, before=pair.before,
                  after=pair.after)  # fmt: skip


def _side(run: KeptRun) -> Side:
    speed = speed_of([each.milliseconds for each in run.results if each.verdict.state is not State.ERROR])
    return Side(run=run.evaluation.id, subject=run.evaluation.subject, half=speed.half, most=speed.most)
