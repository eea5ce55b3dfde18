"""Triage of a report: which step may follow which, what is due when, and which reports say the same."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.errors import Conflict
from jingwei.core.package_data import package_data
from jingwei.core.text import Both, text
from jingwei.ecosystem.sharing.record import Move, Report, State
from jingwei.manage.likeness import NEAR, bare, jaccard, shingles

_NEXT: dict[State, frozenset[State]] = {
    State.RECEIVED: frozenset({State.CONFIRMED, State.REJECTED, State.DUPLICATE}),
    State.CONFIRMED: frozenset({State.VENDOR_TOLD, State.FIXED, State.DISCLOSED, State.REJECTED, State.DUPLICATE}),
    State.VENDOR_TOLD: frozenset({State.FIXED, State.DISCLOSED, State.REJECTED}),
    State.FIXED: frozenset({State.DISCLOSED}),
    State.DISCLOSED: frozenset(),
    State.REJECTED: frozenset({State.CONFIRMED}),
    State.DUPLICATE: frozenset({State.CONFIRMED}),
}


def moved(report: Report, to: State, *, at: datetime, by: str, note: str = "") -> Report:
    """Take a report one step further.

    Raises:
        Conflict: that step does not follow from where it is, or lies before the last one.
    """
    if to not in _NEXT[report.state]:
        may = ", ".join(sorted(_NEXT[report.state])) or "–"
        raise Conflict("ecosystem.sharing:no-such-step", field="to", now=report.state, to=to, may=may)
    last = report.moves[-1].at if report.moves else report.received_at
    if at < last:
        raise Conflict("ecosystem.sharing:step-before", field="at", at=at.isoformat(), last=last.isoformat())
    step = Move(to=to, at=at, by=by, note=note)
    return report.model_copy(update={"moves": (*report.moves, step), "modified_at": at})


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    since: State = Field(alias="from")
    until: tuple[State, ...]
    hours: float
    exploited: float
    clock: str = ""


class Due(NamedTuple):
    """One step that is due."""

    id: str
    title: Both
    by: datetime
    """When it must have been taken."""
    done: datetime | None
    """When it was."""
    clock: str
    """The catalogue's clock behind it, where a law stands behind it."""

    def late(self, now: datetime) -> bool:
        """Tell whether it was or is too late."""
        return (self.done or now) > self.by


@lru_cache(maxsize=1)
def _rules() -> tuple[_Rule, ...]:
    return tuple(_Rule.model_validate(entry) for entry in package_data(__package__, "clocks.yaml"))


def dues(report: Report) -> Iterator[Due]:
    """Give the steps whose clock has started, each with its deadline."""
    for rule in _rules():
        began = report.reached(rule.since)
        if began is None:
            continue
        by = began + timedelta(hours=rule.exploited if report.exploited else rule.hours)
        ended = [at for state in rule.until if (at := report.reached(state)) is not None]
        yield Due(rule.id, text(f"ecosystem.sharing:due-{rule.id}"), by, min(ended, default=None), rule.clock)


class Duplicate(NamedTuple):
    """Two reports that may say the same."""

    first: Report
    second: Report
    likeness: float
    """1 where they share an id; else how alike their words are."""


def duplicates(reports: Sequence[Report]) -> list[Duplicate]:
    """Return the pairs that share an id, or that affect the same thing in like words, the likest first."""
    said = [shingles(bare(f"{each.title} {each.summary[:2000]}")) for each in reports]
    found = []
    for one, other in _candidates(reports):
        first, second = reports[one], reports[other]
        alike = 1.0 if _ids(first) & _ids(second) else jaccard(said[one], said[other])
        if alike >= NEAR:
            found.append(Duplicate(first, second, alike))
    return sorted(found, key=lambda pair: (-pair.likeness, pair.first.id, pair.second.id))


def _candidates(reports: Sequence[Report]) -> Iterator[tuple[int, int]]:
    """Give the numbers of pairs worth comparing: those that share an id or the name of something affected."""
    met: dict[str, list[int]] = {}
    told: set[tuple[int, int]] = set()
    for number, report in enumerate(reports):
        for mark in _marks(report):
            for earlier in met.setdefault(mark, []):
                if earlier != number and (earlier, number) not in told:
                    told.add((earlier, number))
                    yield earlier, number
            met[mark].append(number)


def _marks(report: Report) -> Iterable[str]:
    return {f"id:{each}" for each in _ids(report)} | {f"on:{each.name.casefold()}" for each in report.affected}


def _ids(report: Report) -> frozenset[str]:
    return frozenset(each.casefold() for each in (report.id, *report.aliases))
