"""The `ai-bom` check: an inventory of the environment, the models, the data and the services of a system."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from jingwei.core.canonical import Json
from jingwei.core.check import CheckOptions, Run
from jingwei.core.evidence import Binding, BoundTo, Draft, Measure, Outcome
from jingwei.core.finding import Finding, Severity
from jingwei.core.target import TargetKind
from jingwei.core.text import Both, text
from jingwei.deploy.bom.completeness import completeness
from jingwei.deploy.bom.component import Component, Kind
from jingwei.deploy.bom.distributions import (
    borrows_from_system,
    distribution_folders,
    environment_root,
    read_distribution,
)
from jingwei.deploy.bom.document import write_bom
from jingwei.deploy.bom.files import read_file
from jingwei.deploy.bom.findings import duplicates, findings_of
from jingwei.deploy.bom.identity import component_digest, reference
from jingwei.deploy.bom.scanner import scanned
from jingwei.deploy.scanned import ARTEFACT, kept


class AiBomOptions(CheckOptions):
    """What a run can be told."""

    tunable: ClassVar[frozenset[str]] = frozenset({"seed", "prompts", "services", "release"})
    reads: ClassVar[frozenset[str]] = frozenset({"models", "datasets", "prompts"})

    models: tuple[Path, ...] = ()
    """Model files or folders that the system loads."""
    datasets: tuple[Path, ...] = ()
    """Datasets it was trained on or answers from."""
    prompts: tuple[Path, ...] = ()
    """System prompts."""
    services: tuple[str, ...] = ()
    """Addresses of the model servers and other services that it calls."""
    release: str = ""
    """Version of the system."""
    release_digest: str = ""
    """Digest of the release that the evidence is for; without it, the digest of the component set."""
    verify_files: bool = True
    """Hash the installed files and compare them with what each package's RECORD says."""


class _Unit(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    locator: str


class AiBom:
    """Writes the AI-BOM."""

    id: ClassVar[str] = "ai-bom"
    version: ClassVar[str] = "1"
    title: ClassVar[Both] = text("deploy.bom:title")
    about: ClassVar[Both] = text("deploy.bom:about")
    evidence_types: ClassVar[tuple[str, ...]] = ("EV-AIBOM",)
    target_kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.ENVIRONMENT,)
    options: ClassVar[type[CheckOptions]] = AiBomOptions

    def plan(self, run: Run) -> Sequence[Json]:
        """Return one unit for each component.

        Raises:
            InputError: the environment is not there, or holds no packages.
        """
        root = environment_root(run.target.locator)
        units = [_Unit(kind="library", locator=str(folder)) for folder in distribution_folders(root)]
        named: dict[Kind, tuple[Path, ...]] = {
            "model": run.options.models, "dataset": run.options.datasets, "prompt": run.options.prompts
        }  # fmt: skip
        units += [_Unit(kind=kind, locator=str(path)) for kind, paths in named.items() for path in sorted(paths)]
        units += [_Unit(kind="service", locator=address) for address in sorted(run.options.services)]
        return [unit.model_dump(mode="json") for unit in units]

    async def examine(self, run: Run, unit: Json) -> Json:
        """Read one component, off the event loop."""
        one = _Unit.model_validate(unit)
        component = await asyncio.to_thread(_read, one, verified=run.options.verify_files)
        return cast("Json", component.model_dump(mode="json"))

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:  # noqa: ARG002
        """Write the document and judge what is missing."""
        read = [Component.model_validate(result) for result in results]
        unique = list({reference(one): one for one in read}.values())
        name = run.target.name or text("deploy.bom:unnamed").en
        written = write_bom(unique, name=name, version=run.options.release, at=run.clock())
        findings = tuple(_findings(read))
        gaps = [text(f"deploy.bom:{one.gap}", name=one.name) for one in read if one.gap]
        if borrows_from_system(environment_root(run.target.locator)):
            gaps.append(text("deploy.bom:gap-system"))
        failed = any(finding.severity.rank >= Severity.HIGH.rank for finding in findings)
        outcome = Outcome.FAIL if failed else Outcome.INCOMPLETE if gaps else Outcome.PASS
        digest = run.options.release_digest or component_digest(unique)
        return [
            Draft(
                type="EV-AIBOM",
                outcome=outcome,
                summary=text(f"deploy.bom:summary-{outcome.value}", components=len(unique), findings=len(findings),
                             gaps=len(gaps)),
                bindings=(Binding(to=BoundTo.RELEASE, digest=digest, observed=not gaps),),
                measures=tuple(_measures(unique)),
                findings=findings,
                artefacts=(
                    run.keep("ai-bom.cdx.json", "application/vnd.cyclonedx+json; version=1.6", written),
                    run.keep(ARTEFACT, "application/json", _scan(unique)),
                ),
                examined=len(read),
                skipped=tuple(gaps),
            )
        ]  # fmt: skip

    def concurrency(self, run: Run) -> int:  # noqa: ARG002 - the contract's signature
        """Return how many components are read at once."""
        return 2


def _read(unit: _Unit, *, verified: bool) -> Component:
    if unit.kind == "library":
        return read_distribution(Path(unit.locator), verified=verified)
    if unit.kind == "service":
        parts = urlsplit(unit.locator)
        host = parts.hostname or unit.locator
        port = f":{parts.port}" if parts.port else ""
        address = f"{parts.scheme}://{host}{port}{parts.path}"  # a key in the address stays out of the document
        return Component(kind="service", name=host, facts={"endpoint": address})
    return read_file(Path(unit.locator), unit.kind)


def _measures(components: Sequence[Component]) -> Iterator[Measure]:
    stored = [one for one in components if one.kind != "service"]
    counts = {
        "components": len(components),
        "without_licence": sum(not one.licence for one in stored if one.kind in {"library", "model"}),
        "without_hash": sum(not one.sha256 for one in stored),
        "models": sum(one.kind == "model" for one in stored),
    }
    for name, value in counts.items():
        yield Measure(name=name, title=text(f"deploy.bom:measure-{name.replace('_', '-')}"), value=value, unit="count")
    yield Measure(name="completeness", title=text("deploy.bom:measure-completeness"), value=completeness(components))


def _scan(components: Sequence[Component]) -> bytes:
    return kept("bom", [scanned(one, tuple(findings_of(one))) for one in components]).content()


def _findings(components: Sequence[Component]) -> Iterator[Finding]:
    for one in components:
        yield from (each.finding() for each in findings_of(one))
    yield from (finding.finding() for _, finding in duplicates(components))
