"""The `code-audit` check: the source code of a release, read as one program."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from jingwei.core.canonical import Json
from jingwei.core.check import CheckOptions, Run, local_path
from jingwei.core.evidence import BoundTo, Draft
from jingwei.core.finding import Severity
from jingwei.core.target import TargetKind
from jingwei.core.text import Both, text
from jingwei.deploy.code.evidence import Result, Subject, conclude
from jingwei.deploy.code.scanner import Options, scan

_SUBJECT = Subject("EV-CODE", "code", "deploy.code", BoundTo.RELEASE)


class CodeAuditOptions(CheckOptions):
    """What a run can be told."""

    reads: ClassVar[frozenset[str]] = frozenset({"sarif"})

    fail_at: Severity = Severity.MEDIUM
    """The mildest finding that fails the check."""
    bandit: bool = True
    """Whether bandit looks at Python too, where it is installed."""
    sarif: Path | None = None
    """A SARIF file of another tool, whose findings are merged."""
    most_files: int = Field(default=50_000, gt=0)
    """Files looked at; more make the result incomplete."""
    release_digest: str = ""
    """Digest of the release that the evidence is for; without it, that of the files."""


class CodeAudit:
    """Audits source code."""

    id: ClassVar[str] = "code-audit"
    version: ClassVar[str] = "1"
    title: ClassVar[Both] = text("deploy.code:title")
    about: ClassVar[Both] = text("deploy.code:about")
    evidence_types: ClassVar[tuple[str, ...]] = ("EV-CODE",)
    target_kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.FILE,)
    options: ClassVar[type[CheckOptions]] = CodeAuditOptions

    def plan(self, run: Run) -> Sequence[Json]:
        """Return the one unit: functions call one another across files, so all are read together."""
        return [str(local_path(run.target))]

    async def examine(self, run: Run, unit: Json) -> Json:
        """Examine the program, off the event loop.

        Raises:
            InputError: it is not there, or holds no code.
        """
        return await asyncio.to_thread(_examined, str(unit), run.options)

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:  # noqa: ARG002 - the contract's signature
        """Draw all files together."""
        return [conclude(run, _SUBJECT, results, fail_at=run.options.fail_at, bound_to=run.options.release_digest)]

    def concurrency(self, run: Run) -> int:  # noqa: ARG002 - the contract's signature
        """Return how many units are examined at once."""
        return 1


def _examined(target: str, options: CodeAuditOptions) -> Json:
    given = Options(bandit=options.bandit, sarif=str(options.sarif or ""), most_files=options.most_files)
    return Result(scanned=tuple(scan(target, given))).model_dump(mode="json")
