"""The `config-scan` and `image-scan` checks: what a deployment is configured to do, and the images it is made of."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from jingwei.core.canonical import Json
from jingwei.core.check import CheckOptions, Run, local_path
from jingwei.core.errors import InputError
from jingwei.core.evidence import BoundTo, Draft
from jingwei.core.finding import Severity
from jingwei.core.target import TargetKind
from jingwei.core.text import Both, text
from jingwei.deploy.code.evidence import Result, Subject, conclude
from jingwei.deploy.config.images import is_image
from jingwei.deploy.config.scanner import Options, scan
from jingwei.deploy.scanned import plain

_CONFIG = Subject("EV-CONFIG", "config", "deploy.config", BoundTo.DEPLOYMENT)
_IMAGE = Subject("EV-IMAGE", "config", "deploy.config", BoundTo.DEPLOYMENT)


class ConfigScanOptions(CheckOptions):
    """What a run can be told."""

    fail_at: Severity = Severity.MEDIUM
    """The mildest finding that fails the check."""
    most_files: int = Field(default=50_000, gt=0)
    """Files looked at; more make the result incomplete."""
    deployment_digest: str = ""
    """Digest of the deployment that the evidence is for; without it, that of what was looked at."""


class ImageScanOptions(CheckOptions):
    """What a run can be told."""

    reads: ClassVar[frozenset[str]] = frozenset({"public_key"})

    fail_at: Severity = Severity.MEDIUM
    """The mildest finding that fails the check."""
    public_key: Path | None = None
    """PEM file of the public key that the image must be signed with."""
    most_unpacked_bytes: int = Field(default=8 * 1024**3, gt=0)
    """How much the image may unpack to."""
    deployment_digest: str = ""
    """Digest of the deployment that the evidence is for; without it, that of what was looked at."""


class ConfigScan:
    """Checks configuration files."""

    id: ClassVar[str] = "config-scan"
    version: ClassVar[str] = "1"
    title: ClassVar[Both] = text("deploy.config:title")
    about: ClassVar[Both] = text("deploy.config:about")
    evidence_types: ClassVar[tuple[str, ...]] = ("EV-CONFIG",)
    target_kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.FILE,)
    options: ClassVar[type[CheckOptions]] = ConfigScanOptions

    def plan(self, run: Run) -> Sequence[Json]:
        """Return the one unit: files beside one another fill in each other's variables."""
        return [str(local_path(run.target))]

    async def examine(self, run: Run, unit: Json) -> Json:
        """Examine the files, off the event loop.

        Raises:
            InputError: there is nothing, or no configuration.
        """
        return await asyncio.to_thread(_examined, str(unit), Options(most_files=run.options.most_files))

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:  # noqa: ARG002 - the contract's signature
        """Draw all files together."""
        return [conclude(run, _CONFIG, results, fail_at=run.options.fail_at, bound_to=run.options.deployment_digest)]

    def concurrency(self, run: Run) -> int:  # noqa: ARG002 - the contract's signature
        """Return how many units are examined at once."""
        return 1


class ImageScan:
    """Scans a container image."""

    id: ClassVar[str] = "image-scan"
    version: ClassVar[str] = "1"
    title: ClassVar[Both] = text("deploy.config:image-title")
    about: ClassVar[Both] = text("deploy.config:image-about")
    evidence_types: ClassVar[tuple[str, ...]] = ("EV-IMAGE",)
    target_kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.FILE,)
    options: ClassVar[type[CheckOptions]] = ImageScanOptions

    def plan(self, run: Run) -> Sequence[Json]:
        """Return the one unit.

        Raises:
            InputError: the target is no image.
        """
        root = local_path(run.target)
        if not root.exists() or not is_image(root):
            raise InputError("deploy.config:not-there", field="target", path=plain(root))
        return [str(root)]

    async def examine(self, run: Run, unit: Json) -> Json:
        """Examine the image, off the event loop."""
        key = str(run.options.public_key or "")
        given = Options(public_key=key, most_unpacked_bytes=run.options.most_unpacked_bytes)
        return await asyncio.to_thread(_examined, str(unit), given)

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:  # noqa: ARG002 - the contract's signature
        """Draw what was found together."""
        return [conclude(run, _IMAGE, results, fail_at=run.options.fail_at, bound_to=run.options.deployment_digest)]

    def concurrency(self, run: Run) -> int:  # noqa: ARG002 - the contract's signature
        """Return how many units are examined at once."""
        return 1


def _examined(target: str, options: Options) -> Json:
    return Result(scanned=tuple(scan(target, options))).model_dump(mode="json")
