"""Two checks: `model-signature` proves that a model is what was signed, `rollback-drill` that there is a way back."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.canonical import Json, digest
from jingwei.core.check import CheckOptions, Run, local_path
from jingwei.core.errors import InputError, JingweiError
from jingwei.core.evidence import Binding, BoundTo, Draft, Measure, Outcome
from jingwei.core.finding import Finding, Location, Severity
from jingwei.core.target import TargetKind
from jingwei.core.text import Both, text
from jingwei.deploy.signing.provenance import verify_provenance
from jingwei.deploy.signing.releases import LIST
from jingwei.deploy.signing.rollback import roll_back, switch_to
from jingwei.deploy.signing.signature import PROVENANCE, examine

_MOST_FINDINGS = 500


class ModelSignatureOptions(CheckOptions):
    """What a run can be told."""

    reads: ClassVar[frozenset[str]] = frozenset({"public_key", "certificates", "signature"})

    public_key: Path | None = None
    """The key that is trusted; one of this and the certificates is needed."""
    certificates: tuple[Path, ...] = ()
    """Certificates of the authority that is trusted, root last."""
    signature: Path | None = None
    """The signature, where it does not lie beside the model."""
    demands_provenance: bool = False
    """Where it comes from must be stated and signed too."""
    release_digest: str = ""
    """The release that the evidence is bound to; the model's own digest where none is given."""


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: str = ""
    files: int = 0
    differences: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()
    broken: Both | None = None
    """Why the signature itself does not hold."""
    builder: str = ""
    unproven: Both | None = None
    """Why its provenance does not hold."""


class ModelSignature:
    """Verifies a model's signature, every file of it."""

    id: ClassVar[str] = "model-signature"
    version: ClassVar[str] = "1"
    title: ClassVar[Both] = text("deploy.signing:title")
    about: ClassVar[Both] = text("deploy.signing:about")
    evidence_types: ClassVar[tuple[str, ...]] = ("EV-HASH",)
    target_kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.FILE,)
    options: ClassVar[type[CheckOptions]] = ModelSignatureOptions

    def plan(self, run: Run) -> Sequence[Json]:
        """Return the one unit.

        Raises:
            InputError: neither a key nor certificates are given, or the target is not there.
        """
        if run.options.public_key is None and not run.options.certificates:
            raise InputError("deploy.signing:no-key", field="public_key")
        return [str(local_path(run.target))]

    async def examine(self, run: Run, unit: Json) -> Json:
        """Verify the model, off the event loop."""
        return await asyncio.to_thread(_verified, Path(str(unit)), run.options)

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:  # noqa: ARG002 - the contract's signature
        """Say what differs."""
        read = _Result.model_validate(results[0])
        findings = tuple(_findings(read))
        outcome = Outcome.FAIL if findings else Outcome.PASS
        bound = run.options.release_digest or read.digest or digest(read.model_dump(mode="json"))
        kept = json.dumps(read.model_dump(mode="json"), ensure_ascii=False, indent=1).encode()
        return [
            Draft(
                type="EV-HASH",
                outcome=outcome,
                summary=text(f"deploy.signing:summary-{outcome.value}", files=read.files, findings=len(findings)),
                bindings=(Binding(to=BoundTo.RELEASE, digest=bound, observed=bool(read.digest)),),
                measures=(Measure(name="files_signed", title=text("deploy.signing:measure-files"), value=read.files,
                                  unit="count"),
                          Measure(name="files_different", title=text("deploy.signing:measure-different"),
                                  value=len(read.differences), unit="count")),
                findings=findings,
                artefacts=(run.keep("scan.json", "application/json", kept),),
                examined=max(1, read.files),
            )
        ]  # fmt: skip

    def concurrency(self, run: Run) -> int:  # noqa: ARG002 - the contract's signature
        """Return how many units are examined at once."""
        return 1


def _verified(target: Path, options: ModelSignatureOptions) -> Json:
    try:
        found = examine(target, options.public_key, signature=options.signature, chain=options.certificates)
    except InputError:
        raise
    except JingweiError as error:
        return _Result(broken=error.message).model_dump(mode="json")
    builder, unproven = "", None
    place = (target if target.is_dir() else target.parent) / PROVENANCE
    if options.public_key is not None and (place.exists() or options.demands_provenance):
        try:
            builder = verify_provenance(place, options.public_key, digest=found.digest).builder
        except JingweiError as error:
            unproven = error.message
    differences = tuple((each.path, each.how) for each in found.differences[:_MOST_FINDINGS])
    return _Result(digest=found.digest, files=found.files, differences=differences, ignored=found.ignored,
                   builder=builder, unproven=unproven).model_dump(mode="json")  # fmt: skip


def _findings(read: _Result) -> Iterator[Finding]:
    for rule, said in (("broken", read.broken), ("unproven", read.unproven)):
        if said is not None:
            yield Finding(rule_id=f"signing.{rule}", severity=Severity.CRITICAL if rule == "broken" else Severity.HIGH,
                          title=text(f"deploy.signing:{rule}"), detail=said,
                          remedy=text("deploy.signing:remedy"))  # fmt: skip
    for path, how in read.differences:
        yield Finding(rule_id=f"signing.{how}", severity=Severity.CRITICAL, title=text(f"deploy.signing:{how}"),
                      detail=text(f"deploy.signing:file-{how}", path=path), remedy=text("deploy.signing:remedy"),
                      location=Location(path=path))  # fmt: skip


class RollbackDrillOptions(CheckOptions):
    """What a run can be told."""

    reads: ClassVar[frozenset[str]] = frozenset({"public_key"})

    public_key: Path | None = None
    """The key that is trusted; needed."""
    forward_again: bool = True
    """Serve the former release again after the drill, where it verifies; false leaves the earlier one served."""
    most_seconds: float = Field(default=300.0, gt=0)
    """How long a rollback may take before the drill fails."""


class _Drill(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    before: str = ""
    after: str = ""
    seconds: float = 0.0
    passed: tuple[str, ...] = ()
    failed: Both | None = None
    not_forward: Both | None = None
    listed: str = ""


class RollbackDrill:
    """Rolls back to the last approved release that verifies, measures it, and goes forward again."""

    id: ClassVar[str] = "rollback-drill"
    version: ClassVar[str] = "1"
    title: ClassVar[Both] = text("deploy.signing:drill-title")
    about: ClassVar[Both] = text("deploy.signing:drill-about")
    evidence_types: ClassVar[tuple[str, ...]] = ("EV-ROLLBACK",)
    target_kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.FILE,)
    options: ClassVar[type[CheckOptions]] = RollbackDrillOptions

    def plan(self, run: Run) -> Sequence[Json]:
        """Return the one unit.

        Raises:
            InputError: no key is given, or the folder holds no list of releases.
        """
        folder = local_path(run.target)
        if run.options.public_key is None:
            raise InputError("deploy.signing:no-key", field="public_key")
        if not (folder / LIST).is_file():
            raise InputError("deploy.signing:no-releases", field="target", path=str(folder))
        return [str(folder)]

    async def examine(self, run: Run, unit: Json) -> Json:
        """Do the drill, off the event loop; a second one starts from what is served then."""
        return await asyncio.to_thread(_drilled, Path(str(unit)), run.options)

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:  # noqa: ARG002 - the contract's signature
        """Say how long it took, and what stood in the way."""
        read = _Drill.model_validate(results[0])
        slow = read.seconds > run.options.most_seconds
        findings = tuple(_drill_findings(read, slow=slow))
        outcome = Outcome.FAIL if findings else Outcome.PASS
        kept = json.dumps(read.model_dump(mode="json"), ensure_ascii=False, indent=1).encode()
        return [
            Draft(
                type="EV-ROLLBACK",
                outcome=outcome,
                summary=text(f"deploy.signing:drill-{outcome.value}", before=read.before or "—",
                             after=read.after or "—", seconds=f"{read.seconds:.2f}"),
                bindings=(Binding(to=BoundTo.DEPLOYMENT, digest=read.listed, observed=True),),
                measures=(Measure(name="rollback_seconds", title=text("deploy.signing:measure-seconds"),
                                  value=round(read.seconds, 3), unit="seconds"),),
                findings=findings,
                artefacts=(run.keep("scan.json", "application/json", kept),),
            )
        ]  # fmt: skip

    def concurrency(self, run: Run) -> int:  # noqa: ARG002 - the contract's signature
        """Return how many units are examined at once."""
        return 1


def _drilled(folder: Path, options: RollbackDrillOptions) -> Json:
    public = options.public_key or Path()
    listed = digest((folder / LIST).read_text(encoding="utf-8"))
    try:
        done = roll_back(folder, public)
    except InputError:
        raise
    except JingweiError as error:
        return _Drill(failed=error.message, listed=listed).model_dump(mode="json")
    not_forward = None
    if options.forward_again:
        try:
            switch_to(folder, done.before, public)
        except JingweiError as error:
            not_forward = error.message
    passed = tuple(each.version for each in done.passed)
    return _Drill(before=done.before, after=done.after, seconds=done.seconds, passed=passed, not_forward=not_forward,
                  listed=listed).model_dump(mode="json")  # fmt: skip


def _drill_findings(read: _Drill, *, slow: bool) -> Iterator[Finding]:
    if read.failed is not None:
        yield Finding(rule_id="rollback.none", severity=Severity.CRITICAL, title=text("deploy.signing:no-way-back"),
                      detail=read.failed, remedy=text("deploy.signing:remedy-rollback"))  # fmt: skip
    if read.not_forward is not None:
        yield Finding(rule_id="rollback.forward", severity=Severity.HIGH, title=text("deploy.signing:not-forward"),
                      detail=read.not_forward, remedy=text("deploy.signing:remedy"))  # fmt: skip
    if slow:
        yield Finding(rule_id="rollback.slow", severity=Severity.MEDIUM, title=text("deploy.signing:slow"),
                      detail=text("deploy.signing:slow-detail", seconds=f"{read.seconds:.1f}"),
                      remedy=text("deploy.signing:remedy-rollback"))  # fmt: skip
