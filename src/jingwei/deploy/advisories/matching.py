"""Which flaws a component has: told once each, with all its ids, and never guessed.

Four answers. *Affected*: a range or a list holds the version. *Unaffected*. *Undecided*: an advisory gives no range
that could tell. *Version unknown*: the component has none, so its advisories are counted apart and none is claimed. And
a package whose ecosystem no source covers was not looked at: that is a gap, not a clean result.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, lru_cache
from typing import NamedTuple

from jingwei.core.finding import Severity
from jingwei.deploy.advisories.advisory import Advisory
from jingwei.deploy.advisories.naming import component_of
from jingwei.deploy.advisories.orders import Key, Loose, key
from jingwei.deploy.advisories.store import SourceOf, Store

_COMPONENT = "AI"
_RANK = {severity: severity.rank for severity in Severity}


class Package(NamedTuple):
    """A package in its ecosystem, as advisories name it."""

    ecosystem: str
    name: str
    version: str = ""
    """Empty: not known."""


class Flaw(NamedTuple):
    """One flaw that a package has, whoever told it."""

    advisory: Advisory
    """What is known of it, drawn together."""
    ids: tuple[str, ...]
    ranges: tuple[str, ...]
    fixed: tuple[str, ...]
    """Versions that end it, the lowest first."""
    sources: tuple[str, ...]

    @property
    def severity(self) -> Severity:
        """Return how bad it is; what nobody rated needs a person, what is being exploited does at once."""
        rated = self.advisory.severity or Severity.MEDIUM
        return Severity.HIGH if self.advisory.exploited and _RANK[rated] < _RANK[Severity.HIGH] else rated


class Matched(NamedTuple):
    """What is known of one package."""

    affected: tuple[Flaw, ...] = ()
    undecided: tuple[Flaw, ...] = ()
    unknown: tuple[Flaw, ...] = ()
    """Flaws of some version, where the component's own version is not known."""
    covered: bool = True
    """Whether a source covers the package's ecosystem."""
    version_read: bool = True
    """Whether the version is one, in the ecosystem's terms."""


@dataclass(frozen=True)
class _Group:
    """Advisories that are about one flaw."""

    members: tuple[Advisory, ...]

    @cached_property
    def flaw(self) -> Flaw:
        """Return the flaw as all of them tell it."""
        return _flaw(self.members)

    def of(self, said: Sequence[str]) -> Flaw:
        """Return the flaw with the ranges of those that hit."""
        hit = [one for one, each in zip(self.members, said, strict=True) if each == "affected"]
        others = [one for one, each in zip(self.members, said, strict=True) if each != "affected"]
        return _flaw([*hit, *others], ranges=hit)


class _Decision(NamedTuple):
    affected: tuple[Flaw, ...]
    undecided: tuple[Flaw, ...]


@dataclass(frozen=True)
class _Table:
    """What is known of one package, with every version at which something changes, in order.

    Between two such versions every version has the same flaws, so each of these gaps is decided once.
    """

    groups: tuple[_Group, ...]
    bounds: tuple[Key, ...]
    ordered: bool
    """False where rules about components speak too, whose versions are compared in another way."""
    decided: dict[int, _Decision] = field(default_factory=dict)


def _table_of(groups: tuple[_Group, ...], *, ordered: bool) -> _Table:
    members = [one for group in groups for one in group.members] if ordered else []
    spans = [bound for one in members for span in one.bounds for _, bound in span.parts if bound is not None]
    bounds = {*spans, *(bound for one in members for bound in one.version_keys)}
    return _Table(groups, tuple(sorted(bounds, key=_Sorted)), ordered=ordered and not _loose(bounds))


def _loose(bounds: set[Key]) -> bool:
    return any(isinstance(each, Loose) for each in bounds)


def _decision(groups: Sequence[_Group], version: str) -> _Decision:
    affected, undecided = [], []
    for group in groups:
        said = [one.hits(version) for one in group.members]
        if "affected" in said:
            affected.append(group.flaw if said.count("affected") == len(said) else group.of(said))
        elif said.count("undecided") == len(said):
            undecided.append(group.flaw)
    return _Decision(_ordered(affected), _ordered(undecided))


class Knowledge:
    """Several stores as one; of the same advisory in two, the newer counts."""

    def __init__(self, stores: Sequence[Store]) -> None:
        self.stores = tuple(stores)
        self.tables = lru_cache(maxsize=50_000)(self._table)
        self.decides = lru_cache(maxsize=400_000)(self._decides)
        self._covered = frozenset(source.ecosystem for source in self.sources if source.advisories)

    @property
    def sources(self) -> tuple[SourceOf, ...]:
        """Return where it all comes from."""
        return tuple(source for store in self.stores for source in store.sources)

    def covers(self, ecosystem: str) -> bool:
        """Tell whether a source covers an ecosystem."""
        return ecosystem in self._covered

    def age_days(self, today: date) -> int | None:
        """Return how old the newest advisory is; none where there is none."""
        days = [date.fromisoformat(source.day) for source in self.sources if source.advisories and source.day]
        return max((today - max(days)).days, 0) if days else None

    def match(self, package: Package) -> Matched:
        """Tell which flaws a package has."""
        covered = self.covers(package.ecosystem)
        if not self._knows(package):
            return Matched(covered=covered)
        groups = self.tables(package.ecosystem, package.name).groups
        if not package.version:
            return Matched(unknown=tuple(group.flaw for group in groups), covered=covered)
        read = key(package.ecosystem, package.version) is not None
        affected, undecided = self.decides(package)
        if not read:
            return Matched(affected, (), tuple(undecided), covered=covered, version_read=not groups)
        return Matched(affected, undecided, (), covered=covered)

    def _knows(self, package: Package) -> bool:
        component = component_of(package.ecosystem, package.name)
        return any(store.has(package.ecosystem, package.name) or (component and store.has(_COMPONENT, component))
                   for store in self.stores)  # fmt: skip

    def _decides(self, package: Package) -> _Decision:
        table = self.tables(package.ecosystem, package.name)
        at = key(package.ecosystem, package.version)
        if at is None or not table.ordered:
            return _decision(table.groups, package.version)
        place = bisect_left(table.bounds, at)
        slot = 2 * place + (place < len(table.bounds) and table.bounds[place] == at)
        if slot not in table.decided:
            table.decided[slot] = _decision(table.groups, package.version)
        return table.decided[slot]

    def advisories(self, package: Package) -> tuple[Advisory, ...]:
        """Return every advisory that decides on a package, affected or not."""
        return tuple(one for group in self.tables(package.ecosystem, package.name).groups for one in group.members)

    def _table(self, ecosystem: str, name: str) -> _Table:
        own = _newest(each for store in self.stores for each in store.of(ecosystem, name))
        component = component_of(ecosystem, name)
        rules = _newest(each for store in self.stores for each in store.of(_COMPONENT, component)) if component else []
        known = {each for one in own for each in one.ids}
        beside = [one for one in rules if not one.covered and not one.ids & known]
        told = {each: one for one in rules for each in one.ids}
        own = [_translated(one, told) for one in own]
        live = [one for one in [*own, *beside] if not one.withdrawn]
        return _table_of(tuple(_Group(tuple(group)) for group in _grouped(live)), ordered=not beside)


def _newest(advisories: Iterable[Advisory]) -> list[Advisory]:
    found: dict[str, Advisory] = {}
    for one in advisories:
        if one.id not in found or one.modified > found[one.id].modified:
            found[one.id] = one
    return list(found.values())


def _translated(own: Advisory, told: dict[str, Advisory]) -> Advisory:
    """Take over what a rule about the same flaw says in Chinese, and what to do; the ranges stay the package's own."""
    other = next((told[each] for each in sorted(own.ids) if each in told), None)
    if other is None:
        return own
    return replace(own, summary_zh=own.summary_zh or other.summary_zh, advice=own.advice or other.advice,
                   advice_zh=own.advice_zh or other.advice_zh, severity=own.severity or other.severity)  # fmt: skip


def _grouped(advisories: Sequence[Advisory]) -> list[list[Advisory]]:
    """Put advisories that share an id together, however long the chain."""
    groups: list[list[Advisory]] = []
    place: dict[str, int] = {}
    for one in advisories:
        found = sorted({place[each] for each in one.ids if each in place})
        target = found[0] if found else len(groups)
        if not found:
            groups.append([])
        for other in found[1:]:
            groups[target] += groups[other]
            groups[other] = []
        groups[target].append(one)
        place.update((each, target) for member in groups[target] for each in member.ids)
    return [group for group in groups if group]


def _flaw(group: Sequence[Advisory], ranges: Sequence[Advisory] = ()) -> Flaw:
    worst = max(group, key=lambda one: ((one.severity or Severity.INFO).rank, one.score or 0))
    first = group[0]
    if len(group) == 1:
        return Flaw(first, ids=_ids(group), ranges=first.spans, fixed=first.fixed, sources=(first.source,))
    whole = replace(
        first, severity=worst.severity, score=worst.score, vector=worst.vector,
        summary=next((one.summary for one in group if one.summary), ""),
        summary_zh=next((one.summary_zh for one in group if one.summary_zh), ""),
        exploited=any(one.exploited for one in group),
        likelihood=max((one.likelihood for one in group if one.likelihood is not None), default=None),
    )  # fmt: skip
    told = ranges or group
    return Flaw(
        advisory=whole, ids=_ids(group), sources=tuple(dict.fromkeys(one.source for one in group)),
        ranges=tuple(dict.fromkeys(span for one in told for span in one.spans)),
        fixed=tuple(dict.fromkeys(version for one in told for version in one.fixed)),
    )  # fmt: skip


def _ids(group: Sequence[Advisory]) -> tuple[str, ...]:
    """Return all ids, CVE first: that is the one people look for."""
    order = ("CVE", "GHSA", "PYSEC")
    every = {each for one in group for each in one.ids}
    return tuple(
        sorted(every, key=lambda each: (next((n for n, p in enumerate(order) if each.startswith(p)), 9), each))
    )


def _ordered(flaws: list[Flaw]) -> tuple[Flaw, ...]:
    return tuple(sorted(flaws, key=lambda flaw: (-_RANK[flaw.severity], flaw.ids)))


def fix_for(package: Package, advisories: Sequence[Advisory]) -> str | None:
    """Return the smallest fixed version that ends every advisory of a package; none where no advisory names one.

    A release before its final version is offered only to who runs one already.
    """
    at = key(package.ecosystem, package.version)
    if at is None or not any(one.hits(package.version) == "affected" for one in advisories):
        return None
    live = [one for one in advisories if not one.withdrawn]
    offered = {version for one in live for version in one.fixed}
    above = [
        (each, version) for version in offered if (each := key(package.ecosystem, version)) is not None and each > at
    ]
    early = _is_early(at)
    for each, version in sorted(above, key=lambda pair: _Sorted(pair[0])):
        if (early or not _is_early(each)) and not any(one.hits(version) == "affected" for one in live):
            return version
    return None


class _Sorted:
    """Keys of which some do not compare: those count as equal."""

    __slots__ = ("key",)

    def __init__(self, found: Key) -> None:
        self.key = found

    def __lt__(self, other: "_Sorted") -> bool:
        return bool(self.key < other.key)


def _is_early(found: Key) -> bool:
    """Tell whether a version is an alpha, a beta, a candidate or a build of a developer."""
    read = getattr(found, "value", found)
    if isinstance(read, tuple):
        return len(read) == 6 and read[4] == 0  # a semantic version with a pre-release part
    return bool(getattr(read, "is_prerelease", False))
