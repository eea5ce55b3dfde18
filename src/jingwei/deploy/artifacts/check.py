"""The `model-scan` check: every file of a model examined, one piece of evidence for the version that they make up."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.canonical import Json, digest
from jingwei.core.check import CheckOptions, Run, local_path
from jingwei.core.errors import InputError
from jingwei.core.evidence import Binding, BoundTo, Draft, Measure
from jingwei.core.finding import Severity
from jingwei.core.target import TargetKind
from jingwei.core.text import Both, text
from jingwei.deploy.artifacts.repository import MOST_NAMES, repository
from jingwei.deploy.artifacts.scan import unread
from jingwei.deploy.artifacts.scanner import Options, examined
from jingwei.deploy.artifacts.walk import Found, walk
from jingwei.deploy.scanned import ARTEFACT, Scanned, kept, outcome_of, plain

_MOST_SKIPPED = 200
_MOST_FINDINGS = 1000


class ModelScanOptions(CheckOptions):
    """What a run can be told."""

    fail_at: Severity = Severity.MEDIUM
    """The mildest finding that fails the check."""
    most_files: int = Field(default=20_000, gt=0)
    """Files looked at in a folder; more make the result incomplete."""
    most_unpacked_bytes: int = Field(default=2 * 1024**3, gt=0)
    """How much one file may unpack to."""


class _Unit(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    """Relative to the target as the system writes it; empty for the target itself."""
    name: str = ""
    gap: str = ""
    """Set where the file is listed only to say why it is not looked at."""


class ModelScan:
    """Examines model files."""

    id: ClassVar[str] = "model-scan"
    version: ClassVar[str] = "1"
    title: ClassVar[Both] = text("deploy.artifacts:title")
    about: ClassVar[Both] = text("deploy.artifacts:about")
    evidence_types: ClassVar[tuple[str, ...]] = ("EV-MODEL-SCAN",)
    target_kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.FILE,)
    options: ClassVar[type[CheckOptions]] = ModelScanOptions

    def plan(self, run: Run) -> Sequence[Json]:
        """Return one unit for each file, in a fixed order.

        Raises:
            InputError: the target is not there, or a folder without files.
        """
        root = local_path(run.target)
        if root.is_file():
            return [_Unit(path="").model_dump()]
        if not root.is_dir():
            raise InputError("deploy.artifacts:not-there", field="target", path=plain(root))
        units: list[Json] = []
        for found in walk(root):
            if len(units) >= run.options.most_files:
                units.append(_Unit(path=".", name=".", gap="gap-many-files").model_dump())
                break
            path = os.fsencode(found.path.relative_to(root)).hex()
            units.append(_Unit(path=path, name=found.name, gap=found.gap).model_dump())
        if not units:
            raise InputError("deploy.artifacts:empty", field="target", path=plain(root))
        return units

    async def examine(self, run: Run, unit: Json) -> Json:
        """Examine one file, off the event loop."""
        one = _Unit.model_validate(unit)
        return await asyncio.to_thread(_examined, run, one)

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:
        """Draw all files together; the whole report is kept beside the evidence."""
        whole = [_Unit.model_validate(unit).path == "" for unit in units] == [True]
        read = [Scanned.model_validate(result) for result in results]
        if whole and not read[0].size and not read[0].gaps:  # an empty file in a folder is nothing
            read = [unread("gap-empty", read[0].path)]
        together = [] if whole else list(_together(run, units))
        findings = [seen for one in [*read, *together] for seen in one.findings]
        gaps = [gap for one in read for gap in one.gaps]
        outcome = outcome_of([*read, *together], run.options.fail_at)
        observed = read[0].sha256 if whole else digest(sorted([one.path, one.sha256] for one in read))
        content = kept("model", [*read, *together]).content()
        ordered = sorted(findings, key=lambda seen: (-seen.severity.rank, seen.location.path, seen.location.start or 0))
        return [
            Draft(
                type="EV-MODEL-SCAN",
                outcome=outcome,
                summary=text(f"deploy.artifacts:summary-{outcome.value}", files=len(read), findings=len(findings),
                             gaps=len(gaps)),
                bindings=(Binding(to=BoundTo.MODEL_VERSION, digest=observed, observed=all(r.sha256 for r in read)),),
                measures=tuple(_measures(read, len(findings), len(gaps))),
                findings=tuple(seen.finding() for seen in ordered[:_MOST_FINDINGS]),
                artefacts=(run.keep(ARTEFACT, "application/json", content),),
                examined=sum(bool(one.sha256) for one in read),
                skipped=tuple(_skipped(gaps)),
            )
        ]  # fmt: skip

    def concurrency(self, run: Run) -> int:  # noqa: ARG002 - the contract's signature
        """Return how many files are examined at once."""
        return 2


def _examined(run: Run, unit: _Unit) -> Json:
    root = local_path(run.target)
    options = Options(most_unpacked_bytes=run.options.most_unpacked_bytes)
    if unit.gap:
        one = unread(unit.gap, unit.name, limit=run.options.most_files)
    else:
        path = root / os.fsdecode(bytes.fromhex(unit.path)) if unit.path else root
        one = examined(Found(path, unit.name or plain(root.name)), options)
    return one.model_dump(mode="json")


def _together(run: Run, units: Sequence[Json]) -> Iterator[Scanned]:
    """Judge the folder as the one artefact it is."""
    paths = (bytes.fromhex(path) for unit in units if (path := _Unit.model_validate(unit).path) not in {"", "."})
    return repository(local_path(run.target), map(os.fsdecode, islice(paths, MOST_NAMES)))


def _measures(read: list[Scanned], findings: int, gaps: int) -> Iterator[Measure]:
    numbers = {"files_examined": sum(bool(one.sha256) for one in read), "findings": findings, "gaps": gaps}
    for name, value in numbers.items():
        yield Measure(
            name=name, title=text(f"deploy.artifacts:measure-{name.replace('_', '-')}"), value=value, unit="count"
        )
    size = sum(one.size for one in read)
    yield Measure(
        name="bytes_examined", title=text("deploy.artifacts:measure-bytes-examined"), value=size, unit="bytes"
    )


def _skipped(gaps: list[Both]) -> Iterator[Both]:
    yield from gaps[:_MOST_SKIPPED]
    if len(gaps) > _MOST_SKIPPED:
        yield text("deploy.artifacts:more-gaps", count=len(gaps) - _MOST_SKIPPED)
