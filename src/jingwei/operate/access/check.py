"""The check `knowledge-access`: a knowledge base keeps hidden paragraphs from those they are hidden from.

The folder is loaded into a base of the check's own, as it would be for serving, and asked on behalf of everyone whom
its lists name, and of a stranger: at least a thousand times for what that asker may not see.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from jingwei.core.canonical import Json, digest, file_digest
from jingwei.core.check import CheckOptions, Run, local_path
from jingwei.core.evidence import Binding, BoundTo, Draft, Measure, Outcome
from jingwei.core.finding import Finding, Severity
from jingwei.core.target import TargetKind
from jingwei.core.text import Both, text
from jingwei.operate.access.folder import ACCESS_FILE, askers, load_folder, read_access
from jingwei.operate.access.knowledge import KnowledgeBase
from jingwei.operate.access.probe import probe

_ROUND = 250
"""Probes of one unit: progress is seen, and a killed run goes on."""


class KnowledgeAccessOptions(CheckOptions):
    """How much to ask."""

    tunable: ClassVar[frozenset[str]] = frozenset({"seed"})

    probes: int = Field(default=1_000, ge=_ROUND, le=100_000, description="Questions for hidden paragraphs, in all.")


class KnowledgeAccess:
    """Asks a base for what is hidden from the asker."""

    id: ClassVar[str] = "knowledge-access"
    version: ClassVar[str] = "1"
    title: ClassVar[Both] = text("operate.access:check-title")
    about: ClassVar[Both] = text("operate.access:check-about")
    evidence_types: ClassVar[tuple[str, ...]] = ("EV-KB-ACL",)
    target_kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.FILE,)
    options: ClassVar[type[CheckOptions]] = KnowledgeAccessOptions

    def plan(self, run: Run) -> Sequence[Json]:
        """Take the folder's digest and part the probes into rounds.

        Raises:
            InputError: `access.yaml` is missing or wrong.
        """
        folder = local_path(run.target)
        names = [ACCESS_FILE, *(each.file for each in read_access(folder).documents)]
        files: dict[str, Json] = {}
        for name in names:
            with suppress(OSError):  # loading names the missing file in its own error
                files[name] = file_digest(folder / name)
        rounds = -(-run.options.probes // _ROUND)
        return [{"digest": digest(files), "round": number} for number in range(rounds)]

    async def examine(self, run: Run, unit: Json) -> Json:
        """Ask one round of probes of a freshly loaded base.

        Raises:
            InputError: a document is missing or no text.
        """
        number = int(str(unit["round"])) if isinstance(unit, dict) else 0
        return await asyncio.to_thread(_asked, local_path(run.target), run.options.seed + number)

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:
        """Add up; one leak is a failure, and fewer probes than were asked for prove nothing."""
        first = units[0] if units else {}
        found = [each for each in results if isinstance(each, dict)]
        counts = {
            name: sum(int(str(each[name])) for each in found) for name in ("probes", "leaked", "unscreened", "screened")
        }
        findings = tuple(_findings(counts))
        enough = counts["probes"] >= run.options.probes
        outcome = Outcome.FAIL if findings else Outcome.PASS if enough else Outcome.INCOMPLETE
        return [
            Draft(
                type="EV-KB-ACL",
                outcome=outcome,
                summary=text("operate.access:summary", **counts),
                bindings=(
                    Binding(to=BoundTo.DATASET_VERSION, digest=str(first["digest"]) if isinstance(first, dict) else "",
                            observed=True),
                ),
                measures=tuple(Measure(name=name, title=text(f"operate.access:{name}"), value=value, unit="count")
                               for name, value in counts.items()),
                findings=findings,
                examined=counts["probes"],
                skipped=() if enough else (text("operate.access:too-few-probes", probes=counts["probes"]),),
            )
        ]  # fmt: skip

    def concurrency(self, run: Run) -> int:  # noqa: ARG002 - the contract
        """Return 1: each round loads the base."""
        return 1


def _asked(folder: Path, seed: int) -> Json:
    with tempfile.TemporaryDirectory(prefix="jingwei-") as scratch, KnowledgeBase(Path(scratch) / "base.db") as base:
        load_folder(folder, base)
        result = probe(base, askers(read_access(folder)), most=_ROUND, seed=seed)
    return {"probes": result.probes, "leaked": len(result.leaked), "unscreened": result.unscreened,
            "screened": result.screened}  # fmt: skip


def _findings(counts: dict[str, int]) -> list[Finding]:
    wanted = (("leaked", Severity.CRITICAL), ("unscreened", Severity.HIGH))
    return [
        Finding(rule_id=f"access.{name}", severity=severity, title=text(f"operate.access:{name}-title"),
                detail=text(f"operate.access:{name}-detail", count=counts[name]), remedy=text("operate.access:remedy"))
        for name, severity in wanted if counts[name]
    ]  # fmt: skip
