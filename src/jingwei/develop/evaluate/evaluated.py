"""One evaluation as a page or a program shows it, read back from its evidence alone: rates, gap of languages, places.

    evidence ─► evaluated() ─► Evaluated: suite, whole rates, zh beside en, places of the frameworks
    several  ─► by_place()  ─► one framework over several suites, their samples added up

Nothing is judged again: every figure is one that the signed evidence holds, or a sum of such.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict

from jingwei.core.configuration import ABSENT
from jingwei.core.evidence import Evidence, Measure, Outcome
from jingwei.core.interval import Rate, wilson
from jingwei.core.target import TargetKind
from jingwei.core.text import Both, text
from jingwei.develop.evaluate.drafts import EVIDENCE_TYPES
from jingwei.develop.evaluate.measures import Kind, part_of
from jingwei.develop.evaluate.proven import attempts_in
from jingwei.develop.evaluate.suite_file import suite_card, suite_names
from jingwei.develop.evaluate.taxonomy import View

_OPEN = "undetermined_rate"
_LEVELS = (".level.before", ".level.after")


class LanguageGap(BaseModel):
    """One rate in Chinese beside the same in English."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    zh: Measure
    en: Measure
    difference: float
    """Of the Chinese rate from the English one; above 0 where Chinese ends badly more often."""
    low: float
    high: float
    """Its 95 % interval (Newcombe's, from those of both rates)."""

    @property
    def shown(self) -> bool:
        """Tell whether chance alone does not explain it."""
        return self.low > 0 or self.high < 0


class PlaceRate(BaseModel):
    """One rate at one place of a framework."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    place: str
    """Such as `tc260:a1-a`."""
    kind: Kind
    hits: int
    samples: int


class Evaluated(BaseModel):
    """What one piece of evidence says of one suite."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    evidence_id: str
    type: str
    suite: str
    """Id of the suite; of the check, where its evidence does not name one."""
    title: Both
    outcome: Outcome
    at: AwareDatetime
    guarded: bool
    """Whether it was measured through the gateway."""
    target: str
    examined: int
    open: int
    """Attempts that the judge left to a person."""
    attempts: bool
    """Whether the attempts were kept, so that there is a report and something to review."""
    rates: tuple[Measure, ...]
    """The whole ones; parts are in the evidence."""
    levels: tuple[Measure, ...] = ()
    """Of dangerous capability by domain, before and after mitigation: 0 for low up to 3 for critical."""
    gaps: tuple[LanguageGap, ...]
    places: tuple[PlaceRate, ...]

    @property
    def headline(self) -> Measure | None:
        """Return the rate that a course over time follows: the suite's first."""
        return next((each for each in self.rates if each.unit == "ratio"), None)


class Spot(NamedTuple):
    """One place of a framework over several evaluations."""

    place: str
    title: Both
    kind: Kind
    rate: Rate


def is_evaluation(type_id: str) -> bool:
    """Tell whether evidence of a type comes of an evaluation."""
    return type_id in EVIDENCE_TYPES


def evaluated(evidence: Evidence) -> Evaluated:
    """Read what one piece of evidence says."""
    kept = attempts_in(evidence)
    suite = kept.name.removeprefix("attempts").removesuffix(".jsonl").removeprefix("-") if kept else ""
    parts = [(each, part) for each in evidence.measures if (part := part_of(each.name))]
    left = next((each for each in evidence.measures if each.name == _OPEN), None)
    return Evaluated(
        evidence_id=evidence.id,
        type=evidence.type,
        suite=suite or evidence.source.name,
        title=_title(suite),
        outcome=evidence.outcome,
        at=evidence.finished_at,
        guarded=_guarded(evidence),
        target=evidence.target.name or evidence.target.locator,
        examined=evidence.examined,
        open=_hits(left) if left else 0,
        attempts=kept is not None,
        rates=tuple(each for each in evidence.measures if "." not in each.name),
        levels=tuple(each for each in evidence.measures if each.name.endswith(_LEVELS)),
        gaps=tuple(_gaps((each, part) for each, part in parts if part[1] == "language")),
        places=tuple(
            PlaceRate(place=part[2], kind=part[0], hits=_hits(each), samples=each.samples or 0)
            for each, part in parts
            if part[1] == "tag"
        ),
    )


def newest(found: Iterable[Evaluated]) -> list[Evaluated]:
    """Return the newest evaluation of each suite, without the guard and through it, in the order given."""
    latest: dict[tuple[str, str, bool], Evaluated] = {}
    for each in found:
        key = each.type, each.suite, each.guarded
        if key not in latest or latest[key].at < each.at:
            latest[key] = each
    return list(latest.values())


def by_place(found: Iterable[Evaluated], view: View) -> list[Spot]:
    """Return the places of one framework that some evaluations touch, in its own order, samples added up."""
    hits: Mapping[tuple[str, Kind], list[int]] = defaultdict(lambda: [0, 0])
    for place in (place for each in found for place in each.places):
        counts = hits[place.place, place.kind]
        counts[0] += place.hits
        counts[1] += place.samples
    return [
        Spot(place, view.places[place], kind, wilson(*counts))
        for place in view.places
        for (name, kind), counts in sorted(hits.items())
        if name == place and counts[1]
    ]


def _guarded(evidence: Evidence) -> bool:
    behind = evidence.configuration is not None and evidence.configuration.policy != ABSENT
    return behind or evidence.target.kind is TargetKind.GATEWAY


def _title(suite: str) -> Both:
    if not suite:
        return text("develop.evaluate:redteam-title")
    return suite_card(suite).title if suite in suite_names() else Both(zh=suite, en=suite)


def _gaps(measures: Iterable[tuple[Measure, tuple[Kind, str, str]]]) -> list[LanguageGap]:
    by_kind: dict[Kind, dict[str, Measure]] = {}
    for each, (kind, _, language) in measures:
        by_kind.setdefault(kind, {})[language] = each
    return [_gap(kind, both["zh"], both["en"]) for kind, both in by_kind.items() if both.keys() >= {"zh", "en"}]


def _gap(kind: Kind, zh: Measure, en: Measure) -> LanguageGap:
    """Compare two independent rates by the limits of each (Newcombe 1998, method 10)."""
    first, second = wilson(_hits(zh), zh.samples or 0), wilson(_hits(en), en.samples or 0)
    apart = first.value - second.value
    return LanguageGap(
        kind=kind, zh=zh, en=en, difference=apart,
        low=apart - math.hypot(first.value - first.low, second.high - second.value),
        high=apart + math.hypot(first.high - first.value, second.value - second.low),
    )  # fmt: skip


def _hits(measure: Measure) -> int:
    return round(measure.value * (measure.samples or 0))
