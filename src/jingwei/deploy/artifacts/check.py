"""The `model-scan` check: every file of a model examined, one piece of evidence for the version that they make up."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.canonical import Json, digest
from jingwei.core.check import CheckOptions, Run, local_path
from jingwei.core.errors import InputError
from jingwei.core.evidence import Binding, BoundTo, Draft, Measure, Outcome
from jingwei.core.finding import Severity
from jingwei.core.target import TargetKind
from jingwei.core.text import Both, text
from jingwei.deploy.artifacts.examination import Limits
from jingwei.deploy.artifacts.notes import Gap, Note, plain
from jingwei.deploy.artifacts.scan import scan_file

_MOST_SKIPPED = 200


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
    """Relative to the target; empty for the target itself."""
    gap: str = ""
    """Set where the file is listed only to say why it is not looked at."""


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str = ""
    size: int = 0
    findings: tuple[Note, ...] = ()
    gaps: tuple[Gap, ...] = ()
    omitted: int = 0


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
        for unit in _walk(root):
            if len(units) >= run.options.most_files:
                units.append(_Unit(path=".", gap="gap-many-files").model_dump())
                break
            units.append(unit.model_dump())
        if not units:
            raise InputError("deploy.artifacts:empty", field="target", path=plain(root))
        return units

    async def examine(self, run: Run, unit: Json) -> Json:
        """Examine one file, off the event loop."""
        one = _Unit.model_validate(unit)
        return await asyncio.to_thread(_examined, run, one)

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:
        """Draw all files together."""
        names = [_Unit.model_validate(unit).path for unit in units]
        read = [_Result.model_validate(result) for result in results]
        findings = [note for result in read for note in result.findings]
        gaps = [gap for result in read for gap in result.gaps]
        omitted = sum(result.omitted for result in read)
        failed = omitted or any(note.severity.rank >= run.options.fail_at.rank for note in findings)
        outcome = Outcome.FAIL if failed else Outcome.INCOMPLETE if gaps else Outcome.PASS
        whole = [[name, result.sha256] for name, result in zip(names, read, strict=True)]
        observed = read[0].sha256 if names == [""] else digest(sorted(whole))
        ordered = sorted(findings, key=lambda note: (-note.severity.rank, note.path, note.start or 0))
        return [
            Draft(
                type="EV-MODEL-SCAN",
                outcome=outcome,
                summary=text(f"deploy.artifacts:summary-{outcome.value}", files=len(read), findings=len(findings),
                             gaps=len(gaps)),
                bindings=(Binding(to=BoundTo.MODEL_VERSION, digest=observed, observed=all(r.sha256 for r in read)),),
                measures=tuple(_measures(read, len(findings), len(gaps))),
                findings=tuple(note.finding() for note in ordered),
                examined=sum(bool(result.sha256) for result in read),
                skipped=tuple(_skipped(gaps, omitted)),
            )
        ]  # fmt: skip

    def concurrency(self, run: Run) -> int:  # noqa: ARG002 - the contract's signature
        """Return how many files are examined at once."""
        return 2


def _walk(root: Path) -> Iterator[_Unit]:
    """List a folder's files; a link is followed only where it stays inside."""
    real = root.resolve()
    for folder, folders, names in os.walk(root, onerror=None):
        here = Path(folder)
        linked = [name for name in folders if (here / name).is_symlink()]
        folders[:] = sorted(set(folders) - set(linked))
        for name in sorted([*names, *linked]):
            path = here / name
            relative = path.relative_to(root).as_posix()
            if not relative.isprintable():
                yield _Unit(path=plain(relative), gap="gap-name")
                continue
            outside = path.is_symlink() and not path.resolve().is_relative_to(real)
            if outside:
                yield _Unit(path=relative, gap="gap-link")
            elif path.is_file():
                yield _Unit(path=relative)
            elif not path.is_dir():
                yield _Unit(path=relative, gap="gap-unreadable")


def _examined(run: Run, unit: _Unit) -> Json:
    root = local_path(run.target)
    name = unit.path or root.name
    if unit.gap:
        gap = Gap(reason=unit.gap, path=plain(name), values={"limit": str(run.options.most_files)})
        return _Result(gaps=(gap,)).model_dump(mode="json")
    limits = Limits(unpacked_bytes=run.options.most_unpacked_bytes)
    try:
        scan = scan_file(root / unit.path if unit.path else root, name, limits=limits)
    except OSError:
        return _Result(gaps=(Gap(reason="gap-unreadable", path=plain(name)),)).model_dump(mode="json")
    notes = scan.notes
    if not scan.size and not unit.path:  # an empty file in a folder is nothing; as the target it is nothing examined
        return _Result(gaps=(Gap(reason="gap-empty", path=plain(name)),)).model_dump(mode="json")
    result = _Result(sha256=scan.sha256, size=scan.size, findings=tuple(notes.findings), gaps=tuple(notes.gaps),
                     omitted=notes.omitted)  # fmt: skip
    return result.model_dump(mode="json")


def _measures(read: list[_Result], findings: int, gaps: int) -> Iterator[Measure]:
    numbers = {"files_examined": sum(bool(result.sha256) for result in read), "findings": findings, "gaps": gaps}
    for name, value in numbers.items():
        yield Measure(
            name=name, title=text(f"deploy.artifacts:measure-{name.replace('_', '-')}"), value=value, unit="count"
        )
    size = sum(result.size for result in read)
    yield Measure(
        name="bytes_examined", title=text("deploy.artifacts:measure-bytes-examined"), value=size, unit="bytes"
    )


def _skipped(gaps: list[Gap], omitted: int) -> Iterator[Both]:
    yield from (gap.text() for gap in gaps[:_MOST_SKIPPED])
    if len(gaps) > _MOST_SKIPPED:
        yield text("deploy.artifacts:more-gaps", count=len(gaps) - _MOST_SKIPPED)
    if omitted:
        yield text("deploy.artifacts:more-findings", count=omitted)
