"""Components held against what is known: one result a component, what could not be decided among it."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from jingwei.core.errors import InputError
from jingwei.core.text import Both, text
from jingwei.deploy.advisories.intake import open_store
from jingwei.deploy.advisories.matching import Flaw, Knowledge, Matched, Package, fix_for
from jingwei.deploy.advisories.packages import package_of
from jingwei.deploy.advisories.store import Store, shipped_store
from jingwei.deploy.advisories.told import flaw_finding, stale_finding, undecided_finding
from jingwei.deploy.advisories.vex import Statement, statement_for
from jingwei.deploy.bom import Component
from jingwei.deploy.bom.reading import line_of
from jingwei.deploy.scanned import Scanned, Seen

STALE_DAYS = 30


class Held(NamedTuple):
    """One component with what is known of it."""

    component: Component
    package: Package
    matched: Matched
    fix: str | None
    statements: tuple[Statement | None, ...]
    """What VEX says of each flaw, in their order."""

    @property
    def counted(self) -> tuple[Flaw, ...]:
        """Return the flaws that no VEX silences."""
        return tuple(flaw for flaw, said in zip(self.matched.affected, self.statements, strict=True)
                     if said is None or not said.honoured)  # fmt: skip


class Known(NamedTuple):
    """What components are held against, and what is missing of it."""

    knowledge: Knowledge
    gaps: tuple[Both, ...]


def what_is_known(store: str, *, shipped: bool, today: date) -> Known:
    """Open the shipped advisories and an operator's own.

    Args:
        store: path of the operator's own; empty for none.
        shipped: whether to use those that come with Jingwei.
        today: what the age of advisories is counted from.
    """
    stores: list[Store] = [shipped_store()] if shipped else []
    gaps: list[Both] = []
    if store:
        path = Path(store).expanduser()
        try:
            own = open_store(path, today=today)
        except InputError:
            gaps.append(text("deploy.advisories:gap-no-store", path=line_of(str(path))))
        else:
            stores.append(own)
            if int(own.about.get("refused", "0")):
                gaps.append(text("deploy.advisories:gap-refused", count=own.about["refused"]))
            if not any(source.advisories for source in own.sources):
                gaps.append(text("deploy.advisories:gap-no-store", path=line_of(str(path))))
    knowledge = Knowledge(stores)
    if not any(source.advisories for source in knowledge.sources):
        gaps.append(text("deploy.advisories:gap-empty-store"))
    return Known(knowledge, tuple(gaps))


def store_scanned(known: Known, store: str, *, today: date) -> Scanned:
    """Return the store itself as a scan tells it: where from, of what day, how old."""
    where = line_of(store) or "advisories"
    days = known.knowledge.age_days(today)
    newest = max((source.day for source in known.knowledge.sources), default="")
    findings = (stale_finding(days, newest, where),) if days is not None and days > STALE_DAYS else ()
    facts = {f"source.{source.name}.{source.ecosystem}": f"{source.day} · {source.advisories}"
             for source in known.knowledge.sources}  # fmt: skip
    return Scanned(path=where, format="advisory-store", findings=findings, gaps=known.gaps,
                   facts=facts | ({"newest": newest, "age-days": str(days)} if days is not None else {}))  # fmt: skip


def hold(component: Component, knowledge: Knowledge, statements: Sequence[Statement] = ()) -> Held | None:
    """Hold a component against what is known; none where nothing could have an advisory about it."""
    package = package_of(component)
    if package is None or "named-by" in component.facts:
        return None
    matched = knowledge.match(package)
    if component.kind in {"service", "tool", "agent"} and not component.purl and matched == Matched():
        return None  # no source knows a component of this name
    fix = fix_for(package, knowledge.advisories(package)) if matched.affected else None
    said = tuple(statement_for(flaw, component, statements) for flaw in matched.affected)
    return Held(component, package, matched, fix, said)


def held_scanned(held: Held, knowledge: Knowledge, *, today: date) -> Scanned:
    """Return a component as a scan tells it."""
    component, package, matched = held.component, held.package, held.matched
    facts = {"name": component.name, "version": package.version, "ecosystem": package.ecosystem,
             "purl": component.package_url, "fixed": held.fix or "", "found-in": component.path,
             "advisories": _freshness(knowledge, package.ecosystem, today),
             "published": _days(matched.affected),
             "of-unknown-version": str(len(matched.unknown)) if matched.unknown else ""}  # fmt: skip
    return Scanned(path=line_of(component.shown, 400), format=package.ecosystem,
                   findings=tuple(_findings(held)), gaps=tuple(gaps_of(held)),
                   facts={name: value for name, value in facts.items() if value})  # fmt: skip


def _days(flaws: Sequence[Flaw]) -> str:
    """Return when each flaw was told, by the id that its finding has: `CVE-2024-1=2024-05-01;…`."""
    days = [(flaw.ids[0], flaw.advisory.published or flaw.advisory.modified) for flaw in flaws]
    return ";".join(f"{name}={day}" for name, day in days if day)


def _findings(held: Held) -> Iterator[Seen]:
    for flaw, said in zip(held.matched.affected, held.statements, strict=True):
        yield flaw_finding(flaw, held.component, held.package, fix=held.fix, statement=said)
    if held.matched.undecided:
        yield undecided_finding(held.matched.undecided, held.component)


def gaps_of(held: Held) -> Iterator[Both]:
    """Give what could not be decided about a component."""
    name, matched = held.component.name, held.matched
    if held.component.gap:
        yield text(f"deploy.bom:{held.component.gap}", name=name)
        if not held.package.version:
            return
    if not matched.covered:
        yield text("deploy.advisories:gap-not-covered", name=name, ecosystem=held.package.ecosystem)
    if not held.package.version and matched.unknown:
        yield text("deploy.advisories:gap-version-unknown", name=name, count=len(matched.unknown))
    elif not matched.version_read:
        yield text("deploy.advisories:gap-version-unreadable", name=name, version=held.package.version,
                   count=len(matched.unknown))  # fmt: skip


@lru_cache(maxsize=256)
def _freshness(knowledge: Knowledge, ecosystem: str, today: date) -> str:
    days = [(source.day, source.name) for source in knowledge.sources if source.ecosystem == ecosystem and source.day]
    if not days:
        return ""
    newest, name = max(days)
    return f"{name} {newest} ({(today - date.fromisoformat(newest)).days} d)"
