"""The supply chain of a System, the anatomy of one scanned file, and the queue of fixes."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from jingwei.core.clock import utc_now
from jingwei.core.errors import NotFound
from jingwei.core.finding import Severity
from jingwei.deploy.fixing import median_seconds
from jingwei.deploy.scanned import Scanned, ScanVerdict
from jingwei.faces.console import supply_figures
from jingwei.faces.console.caller import Asking
from jingwei.faces.console.views.parts import Stat
from jingwei.faces.console.views.supply import (
    AnatomyView,
    FileLine,
    FixesView,
    FlawLine,
    PartLine,
    ServiceLine,
    SupplyView,
)  # fmt: skip
from jingwei.platform import ScanProof

router = APIRouter()
_OTHERS = frozenset({"code", "config", "agents"})
_BADNESS = list(ScanVerdict)


def supply_view(system_id: str, caller: Asking) -> SupplyView:
    """Read what the newest scans say."""
    with caller.reading() as work:
        system = work.registry.system(system_id)
        proofs = tuple(work.supply.scans(system_id))
    files = tuple(_worst_first(_files(proofs, {"model"})))
    flaws, services = tuple(_flaws(proofs)), tuple(_services(proofs))
    parts = tuple(_parts(proofs))
    return SupplyView(
        system_id=system_id, system=system.name, proofs=proofs, parts=parts, files=files, flaws=flaws,
        others=tuple(each for each in _worst_first(_files(proofs, _OTHERS)) if each.one.findings or each.one.gaps),
        services=services, stats=_stats(parts, files, flaws, services),
    )  # fmt: skip


def _files(proofs: Sequence[ScanProof], kinds: set[str] | frozenset[str]) -> Iterator[FileLine]:
    for proof in proofs:
        if proof.scan.kind in kinds:
            for one in proof.scan.scanned:
                yield FileLine(one=one, evidence_id=proof.evidence_id, verdict=one.verdict)


def _worst_first(lines: Iterator[FileLine]) -> list[FileLine]:
    return sorted(lines, key=lambda each: (-_BADNESS.index(each.verdict), each.one.path))


def _parts(proofs: Sequence[ScanProof]) -> Iterator[PartLine]:
    """Give what the System is made of, each with the worst of what any scan found in it."""
    worst: dict[str, list[Severity]] = {}
    for proof in proofs:
        if proof.scan.kind in {"model", "advisories"}:
            for one in proof.scan.scanned:
                worst.setdefault(_called(one), []).extend(each.severity for each in one.findings)
    for proof in proofs:
        if proof.scan.kind != "bom":
            continue
        for one in proof.scan.scanned:
            found = worst.get(_called(one), []) + [each.severity for each in one.findings]
            yield PartLine(
                name=one.path, kind=one.facts.get("kind", one.format), version=one.facts.get("version", ""),
                licence=one.facts.get("licence", ""), found=len(found),
                worst=max(found, key=lambda each: each.rank, default=None),
            )  # fmt: skip


def _called(one: Scanned) -> str:
    return one.facts.get("purl") or one.sha256 or one.path


def _flaws(proofs: Sequence[ScanProof]) -> Iterator[FlawLine]:
    for proof in proofs:
        if proof.scan.kind != "advisories":
            continue
        for one in proof.scan.scanned:
            dates = dict(pair.partition("=")[::2] for pair in one.facts.get("published", "").split(";"))
            for each in sorted(one.findings, key=lambda finding: -finding.severity.rank):
                flaw = each.rule_id.partition(".")[2]
                yield FlawLine(
                    each=each, name=one.facts.get("name", one.path), version=one.facts.get("version", ""),
                    fixed=one.facts.get("fixed", ""), published=_moment(dates.get(flaw, "")),
                    evidence_id=proof.evidence_id,
                )  # fmt: skip


def _moment(written: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=utc_now().tzinfo)


def _services(proofs: Sequence[ScanProof]) -> Iterator[ServiceLine]:
    for proof in proofs:
        if proof.scan.kind == "exposure":
            for one in proof.scan.scanned:
                if one.format:
                    yield ServiceLine(one=one, evidence_id=proof.evidence_id)


def _stats(parts: Sequence[PartLine], files: Sequence[FileLine], flaws: Sequence[FlawLine],
           services: Sequence[ServiceLine]) -> tuple[Stat, ...]:  # fmt: skip
    counts = {
        "parts": (len(parts), "quiet"),
        "dangerous": (sum(each.verdict is ScanVerdict.MALICIOUS for each in files), "bad"),
        "incomplete": (sum(each.verdict is ScanVerdict.INCOMPLETE for each in files), "warn"),
        "flaws": (sum(each.each.severity.rank >= Severity.HIGH.rank for each in flaws), "bad"),
        "open": (sum(each.auth == "open" for each in services), "bad"),
    }
    places = {"parts": "#parts", "dangerous": "#files", "incomplete": "#files", "flaws": "#flaws", "open": "#services"}
    return tuple(
        Stat(key=f"supply.{name}", count=count, tone=tone, url=places[name]) for name, (count, tone) in counts.items()
    )


@router.get("/systems/{system_id}/supply")
def supply(caller: Asking, view: Annotated[SupplyView, Depends(supply_view)]) -> Response:
    """Show it."""
    return caller.page.render("supply.html", view=view, figures=supply_figures.of_supply(view, caller.wording))


def anatomy_view(evidence_id: str, caller: Asking, path: Annotated[str, Query(max_length=4096)] = "") -> AnatomyView:
    """Read what one file of a scan would do."""
    with caller.reading() as work:
        proof = work.supply.scan(evidence_id)
        system = work.registry.system(proof.system_id).name if proof.system_id else ""
    one = next((each for each in proof.scan.scanned if each.path == path), None)
    if one is None:
        raise NotFound("faces.console:anatomy.unknown", field="path", path=path[:200])
    return AnatomyView(proof=proof, system=system, one=one, steps=tuple(one.facts.get("calls", "").splitlines()))


@router.get("/evidence/{evidence_id}/anatomy")
def anatomy(caller: Asking, view: Annotated[AnatomyView, Depends(anatomy_view)]) -> Response:
    """Show it."""
    return caller.page.render("anatomy.html", view=view, figures=supply_figures.of_anatomy(view, caller.wording))


def fixes_view(caller: Asking) -> FixesView:
    """Read the queue."""
    with caller.reading() as work:
        found = tuple(work.supply.fixes())
    return FixesView(fixes=found, now=utc_now(), median_seconds=median_seconds(found),
                     closed=sum(each.closed_at is not None for each in found))  # fmt: skip


@router.get("/fixes")
def fixes(caller: Asking, view: Annotated[FixesView, Depends(fixes_view)]) -> Response:
    """Show it."""
    return caller.page.render("fixes.html", view=view)
