"""The `agent-scan` check: everything that agents are told, and one permission manifest of what they may do."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.canonical import Json, digest
from jingwei.core.check import CheckOptions, Run, local_path
from jingwei.core.evidence import Binding, BoundTo, Draft, Measure
from jingwei.core.finding import Severity
from jingwei.core.target import TargetKind
from jingwei.core.text import Both, text
from jingwei.deploy.agents.permissions import manifest
from jingwei.deploy.agents.scanner import Options, scan
from jingwei.deploy.scanned import ARTEFACT, Scanned, kept, outcome_of

_MOST_SKIPPED = 200


class AgentScanOptions(CheckOptions):
    """What a run can be told."""

    reads: ClassVar[frozenset[str]] = frozenset({"pins"})

    fail_at: Severity = Severity.MEDIUM
    """The mildest finding that fails the check."""
    pins: Path | None = None
    """A file of pins: whatever differs from it is a finding."""
    most_files: int = Field(default=20_000, gt=0)
    """Files looked at; more make the result incomplete."""
    deployment_digest: str = ""
    """Digest of the deployment that the evidence is for; without it, the digest of what was examined."""


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    scanned: tuple[Scanned, ...]


class AgentScan:
    """Examines what agents are told and may do."""

    id: ClassVar[str] = "agent-scan"
    version: ClassVar[str] = "1"
    title: ClassVar[Both] = text("deploy.agents:title")
    about: ClassVar[Both] = text("deploy.agents:about")
    evidence_types: ClassVar[tuple[str, ...]] = ("EV-AGENT-PERM",)
    target_kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.FILE,)
    options: ClassVar[type[CheckOptions]] = AgentScanOptions

    def plan(self, run: Run) -> Sequence[Json]:
        """Return the one unit: names are compared with each other, so all are read together."""
        return [str(local_path(run.target))]

    async def examine(self, run: Run, unit: Json) -> Json:
        """Examine the target, off the event loop.

        Raises:
            InputError: it is not there, or holds nothing of agents.
        """
        return await asyncio.to_thread(_examined, str(unit), run.options)

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:  # noqa: ARG002 - the contract's signature
        """Draw all things together."""
        scanned = [one for result in results for one in _Result.model_validate(result).scanned]
        findings = [each for one in scanned for each in one.findings]
        gaps = [gap for one in scanned for gap in one.gaps]
        outcome = outcome_of(scanned, run.options.fail_at)
        ordered = sorted(findings, key=lambda each: (-each.severity.rank, each.location.path))
        bound = run.options.deployment_digest or _observed(scanned)
        return [
            Draft(
                type="EV-AGENT-PERM",
                outcome=outcome,
                summary=text(f"deploy.agents:summary-{outcome.value}", things=len(scanned), findings=len(findings),
                             gaps=len(gaps)),
                bindings=(Binding(to=BoundTo.DEPLOYMENT, digest=bound, observed=not gaps),),
                measures=tuple(_measures(scanned, len(findings))),
                findings=tuple(each.finding() for each in ordered),
                artefacts=(run.keep("permissions.json", "application/json", manifest(scanned)),
                           run.keep(ARTEFACT, "application/json", kept("agents", scanned).content())),
                examined=len(scanned),
                skipped=tuple(gaps[:_MOST_SKIPPED]),
            )
        ]  # fmt: skip

    def concurrency(self, run: Run) -> int:  # noqa: ARG002 - the contract's signature
        """Return how many units are examined at once."""
        return 1


def _examined(target: str, options: AgentScanOptions) -> Json:
    found = scan(target, Options(pins=options.pins, most_files=options.most_files))
    return _Result(scanned=tuple(found)).model_dump(mode="json")


def _observed(scanned: Sequence[Scanned]) -> str:
    return digest(sorted([one.path, one.sha256] for one in scanned))


def _measures(scanned: Sequence[Scanned], findings: int) -> Iterator[Measure]:
    numbers = {"things": len(scanned), "findings": findings, "tools": sum(one.format == "mcp-tool" for one in scanned)}
    for name, value in numbers.items():
        yield Measure(name=name, title=text(f"deploy.agents:measure-{name}"), value=value, unit="count")
