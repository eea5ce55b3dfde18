"""The `vulnerability-scan` check: components held against advisories, and AI components against their intelligence."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, NamedTuple, cast

from jingwei.core.canonical import Json
from jingwei.core.check import CheckOptions, Run
from jingwei.core.evidence import Binding, BoundTo, Draft, Measure
from jingwei.core.finding import Severity
from jingwei.core.target import TargetKind
from jingwei.core.text import Both, text
from jingwei.deploy.advisories.held import Held, Known, held_scanned, hold, store_scanned, what_is_known
from jingwei.deploy.advisories.naming import component_of
from jingwei.deploy.advisories.scanner import components, unread, vex_statements
from jingwei.deploy.bom import Component
from jingwei.deploy.bom.identity import component_digest
from jingwei.deploy.scanned import ARTEFACT, kept, outcome_of

_BLOCK = 200
_MOST_SKIPPED = 200


class VulnerabilityScanOptions(CheckOptions):
    """What a run can be told."""

    tunable: ClassVar[frozenset[str]] = frozenset({"seed"})
    reads: ClassVar[frozenset[str]] = frozenset({"store", "vex"})

    fail_at: Severity = Severity.HIGH
    """The mildest flaw that fails the check."""
    store: Path | None = None
    """Your own advisories, beside those that are shipped."""
    shipped: bool = True
    """Use the advisories that come with Jingwei."""
    vex: Path | None = None
    """A VEX document, or a folder of them."""
    deployment_digest: str = ""
    """Digest of the deployment that the evidence is for; without it, the digest of the component set."""


class _Read(NamedTuple):
    held: list[Held]
    unread: list[Component]
    known: Known
    today: date


class VulnerabilityScan:
    """Holds components against advisories."""

    id: ClassVar[str] = "vulnerability-scan"
    version: ClassVar[str] = "1"
    title: ClassVar[Both] = text("deploy.advisories:title")
    about: ClassVar[Both] = text("deploy.advisories:about")
    evidence_types: ClassVar[tuple[str, ...]] = ("EV-VULN", "EV-VULN-INTEL")
    target_kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.ENVIRONMENT, TargetKind.FILE)
    options: ClassVar[type[CheckOptions]] = VulnerabilityScanOptions

    def plan(self, run: Run) -> Sequence[Json]:
        """Return blocks of components, as they are now.

        Raises:
            InputError: nothing is there, or it is of no kind that is known.
        """
        locator = run.target.locator
        if run.target.kind is TargetKind.ENVIRONMENT and Path(locator).is_file():
            locator = str(Path(locator).parent.parent)
        found = [cast("Json", one.model_dump(mode="json")) for one in components(locator)]
        return [found[at : at + _BLOCK] for at in range(0, len(found), _BLOCK)]

    async def examine(self, run: Run, unit: Json) -> Json:
        """Hold one block against what is known; only its counts are kept, the rest is told at the end."""
        held = await asyncio.to_thread(_hold, run, [unit])
        return {"held": len(held.held), "unread": len(held.unread)}

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:  # noqa: ARG002
        """Tell both kinds of evidence: every component's flaws, and those of the AI components among them."""
        read = _hold(run, units)
        components = len(read.held) + len(read.unread)
        intelligence = read._replace(held=[one for one in read.held if _is_ai(one)])
        return [_draft(run, units, each, kind=kind, components=components)
                for each, kind in ((read, "EV-VULN"), (intelligence, "EV-VULN-INTEL"))]  # fmt: skip

    def concurrency(self, run: Run) -> int:  # noqa: ARG002 - the contract's signature
        """Return how many blocks are held at once."""
        return 2


def _components(units: Sequence[Json]) -> list[Component]:
    return [Component.model_validate(one) for unit in units for one in (unit if isinstance(unit, list) else [])]


def _hold(run: Run, units: Sequence[Json]) -> _Read:
    options: VulnerabilityScanOptions = run.options
    today = run.clock().date()
    known = _known(str(options.store or ""), shipped=options.shipped, today=today)
    statements = vex_statements(str(options.vex or ""))
    held, missed = [], []
    for one in _components(units):
        found = hold(one, known.knowledge, statements)
        if found is not None:
            held.append(found)
        elif one.gap:
            missed.append(one)
    return _Read(held, missed, known, today)


@lru_cache(maxsize=4)
def _known(store: str, *, shipped: bool, today: date) -> Known:
    return what_is_known(store, shipped=shipped, today=today)


def _is_ai(held: Held) -> bool:
    """Tell whether a component is one that AI intelligence is about: no package, or a package known as AI component."""
    return held.package.ecosystem == "AI" or bool(component_of(held.package.ecosystem, held.package.name))


def _draft(run: Run, units: Sequence[Json], read: _Read, *, kind: str, components: int) -> Draft:
    told = [store_scanned(read.known, str(run.options.store or ""), today=read.today)]
    told += [held_scanned(one, read.known.knowledge, today=read.today) for one in read.held]
    told += [unread(one) for one in read.unread]
    outcome = outcome_of(told, run.options.fail_at)
    flaws = [flaw for one in read.held for flaw in one.counted]
    worst = sum(flaw.severity.rank >= Severity.HIGH.rank for flaw in flaws)
    gaps = [gap for one in told for gap in one.gaps]
    prefix = "summary" if kind == "EV-VULN" else "summary-intel"
    digest = run.options.deployment_digest or component_digest(_components(units))
    name = ARTEFACT if kind == "EV-VULN" else "scan-intelligence.json"
    return Draft(
        type=kind,
        outcome=outcome,
        summary=text(f"deploy.advisories:{prefix}-{outcome.value}", components=components, flaws=len(flaws),
                     worst=worst, gaps=len(gaps)),
        bindings=(Binding(to=BoundTo.DEPLOYMENT, digest=digest, observed=not gaps),),
        measures=tuple(_measures(read, flaws=len(flaws), worst=worst)),
        findings=tuple(each.finding() for one in told for each in one.findings),
        artefacts=(run.keep(name, "application/json", kept("advisories", told).content()),),
        examined=components - len(read.unread),
        skipped=tuple(gaps[:_MOST_SKIPPED]),
    )  # fmt: skip


def _measures(read: _Read, *, flaws: int, worst: int) -> Iterator[Measure]:
    counts = {
        "components": len(read.held),
        "flaws": flaws,
        "worst": worst,
        "fixable": sum(bool(one.fix) for one in read.held),
        "unknown": sum(bool(one.matched.unknown) or not one.matched.covered for one in read.held),
        "exploited": sum(flaw.advisory.exploited for one in read.held for flaw in one.counted),
        "age-days": read.known.knowledge.age_days(read.today) or 0,
    }
    for name, value in counts.items():
        yield Measure(
            name=name.replace("-", "_"), title=text(f"deploy.advisories:measure-{name}"), value=value, unit="count"
        )
