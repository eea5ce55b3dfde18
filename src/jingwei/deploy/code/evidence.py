"""A scan of files drawn together as one piece of evidence; code and configuration conclude in the same way."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from jingwei.core.canonical import Json, digest
from jingwei.core.check import Run
from jingwei.core.evidence import Binding, BoundTo, Draft, Measure
from jingwei.core.finding import Severity
from jingwei.core.text import text
from jingwei.deploy.scanned import ARTEFACT, Scanned, kept, outcome_of

_MOST_SKIPPED = 200


class Result(BaseModel):
    """What one unit of a scan gave, as the journal keeps it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scanned: tuple[Scanned, ...]


class Subject(NamedTuple):
    """What the evidence is about."""

    type: str
    """Evidence type, such as `EV-CODE`."""
    kind: str
    """Of the scan, one of `scanners.KINDS`."""
    package: str
    """Where its texts lie."""
    bound: BoundTo


def conclude(run: Run, subject: Subject, results: Sequence[Json], *, fail_at: Severity, bound_to: str = "") -> Draft:
    """Return the evidence that all results make.

    Args:
        run: the run.
        subject: what the evidence is about.
        results: of every unit.
        fail_at: the mildest finding that fails the check.
        bound_to: digest that the evidence is bound to; without it, that of what was looked at.
    """
    scanned = [one for result in results for one in Result.model_validate(result).scanned]
    findings = [each for one in scanned for each in one.findings]
    gaps = [gap for one in scanned for gap in one.gaps]
    outcome = outcome_of(scanned, fail_at)
    ordered = sorted(findings, key=lambda each: (-each.severity.rank, each.location.path, each.location.line or 0))
    observed = bound_to or digest(sorted([one.path, one.sha256] for one in scanned))
    numbers = {"files": len(scanned), "findings": len(findings), "gaps": len(gaps)}
    return Draft(
        type=subject.type,
        outcome=outcome,
        summary=text(f"{subject.package}:summary-{outcome.value}").format(**numbers),
        bindings=(Binding(to=subject.bound, digest=observed, observed=not gaps),),
        measures=tuple(_measures(subject.package, numbers)),
        findings=tuple(each.finding() for each in ordered),
        artefacts=(run.keep(ARTEFACT, "application/json", kept(subject.kind, scanned).content()),),
        examined=len(scanned),
        skipped=tuple(gaps[:_MOST_SKIPPED]),
    )


def _measures(package: str, numbers: dict[str, int]) -> Iterator[Measure]:
    for name, value in numbers.items():
        yield Measure(name=name, title=text(f"{package}:measure-{name}"), value=value, unit="count")
