"""The `exposure-scan` check: a running service asked read-only; one piece of evidence for how it is deployed."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, ClassVar, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.canonical import Json, digest
from jingwei.core.check import CheckOptions, Run
from jingwei.core.errors import Unavailable
from jingwei.core.evidence import Artefact, Binding, BoundTo, Draft, Measure, Outcome
from jingwei.core.finding import Severity
from jingwei.core.target import TargetKind
from jingwei.core.text import Both, text
from jingwei.deploy.fingerprint.exposure_map import exposure_map
from jingwei.deploy.fingerprint.identify import OPEN
from jingwei.deploy.fingerprint.scanner import Options, examine_all, known_ports, scope_of
from jingwei.deploy.fingerprint.targets import Place, places
from jingwei.deploy.scanned import ARTEFACT, Scanned, kept, outcome_of


class ExposureScanOptions(CheckOptions):
    """What a run can be told."""

    reads: ClassVar[frozenset[str]] = frozenset({"scope"})

    scope: str = ""
    """File that names what may be asked besides this machine."""
    fail_at: Severity = Severity.MEDIUM
    """The mildest finding that fails the check."""
    per_second: float = Field(default=20.0, gt=0, le=1000)
    """Requests a second made of one service."""
    timeout_seconds: float = Field(default=8.0, gt=0, le=30)
    """Patience for one answer."""
    deployment_digest: str = ""
    """Digest of the deployment that the evidence is for; without it, that of what was looked at."""


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    scanned: Scanned
    there: bool
    requests: list[dict[str, Any]]  # Any: strings and numbers of one logged request


class ExposureScan:
    """Examines running services."""

    id: ClassVar[str] = "exposure-scan"
    version: ClassVar[str] = "1"
    title: ClassVar[Both] = text("deploy.fingerprint:title")
    about: ClassVar[Both] = text("deploy.fingerprint:about")
    evidence_types: ClassVar[tuple[str, ...]] = ("EV-CONFIG",)
    target_kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.ENDPOINT, TargetKind.GATEWAY)
    options: ClassVar[type[CheckOptions]] = ExposureScanOptions

    def plan(self, run: Run) -> Sequence[Json]:
        """Return one unit for each service.

        Raises:
            InputError: the target is no address, or one that may not be asked.
        """
        return [
            cast("Json", asdict(place)) for place in places(_service(run), known_ports(), scope_of(run.options.scope))
        ]

    async def examine(self, run: Run, unit: Json) -> Json:
        """Examine one service; its address stays the one that was decided on.

        Raises:
            Unavailable: nothing listens there.
        """
        place = Place(**cast("dict[str, Any]", unit))  # Any: what `plan` wrote
        manner = Options(per_second=run.options.per_second, timeout_seconds=run.options.timeout_seconds).manner()
        (one,) = await examine_all([place], manner)
        if place.expected and not one.there:
            raise Unavailable("deploy.fingerprint:gap-refused", field="target", url=place.url)
        result = _Result(scanned=one.scanned, there=one.there, requests=[asdict(each) for each in one.log])
        return cast("Json", result.model_dump(mode="json"))

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:  # noqa: ARG002
        """Draw all services together."""
        read = [_Result.model_validate(result) for result in results]
        scanned = [one.scanned for one in read if one.there]
        found = [each for one in scanned for each in one.findings]
        gaps = [gap for one in scanned for gap in one.gaps]
        outcome = outcome_of(scanned, run.options.fail_at) if scanned else Outcome.INCOMPLETE
        requests = [each for one in read for each in one.requests]
        deployment = run.options.deployment_digest or _observed(scanned)
        ordered = sorted(found, key=lambda each: -each.severity.rank)
        return [
            Draft(
                type="EV-CONFIG",
                outcome=outcome,
                summary=text(f"deploy.fingerprint:summary-{outcome.value}", services=len(scanned),
                             findings=len(found), gaps=len(gaps)),
                bindings=(Binding(to=BoundTo.DEPLOYMENT, digest=deployment, observed=not gaps),),
                measures=tuple(_measures(scanned, len(requests))),
                findings=tuple(each.finding() for each in ordered),
                artefacts=tuple(_artefacts(run, scanned, requests)),
                examined=len(scanned),
                skipped=tuple(gaps),
            )
        ]  # fmt: skip

    def concurrency(self, run: Run) -> int:  # noqa: ARG002 - the contract's signature
        """Return how many services are asked at once."""
        return 4


def _service(run: Run) -> str:
    """Return the service behind an endpoint: the API's own path is not where its other pages are."""
    parts = urlsplit(run.target.locator)
    if parts.scheme not in {"http", "https"}:
        return run.target.locator
    path = parts.path.rstrip("/").removesuffix("/v1")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _observed(scanned: Sequence[Scanned]) -> str:
    """Return the digest of what was seen: another version or login is another deployment."""
    seen = [[one.path, *(one.facts.get(name, "") for name in ("component", "version", "auth"))] for one in scanned]
    return digest(cast("Json", sorted(seen)))


def _artefacts(run: Run, scanned: Sequence[Scanned], requests: Sequence[dict[str, Any]]) -> Iterator[Artefact]:
    yield run.keep(ARTEFACT, "application/json", kept("exposure", scanned).content())
    shown = json.dumps(exposure_map(scanned), ensure_ascii=False, indent=1).encode()
    yield run.keep("exposure-map.json", "application/json", shown)
    lines = "".join(f"{json.dumps(each)}\n" for each in requests).encode()
    yield run.keep("requests.jsonl", "application/jsonl", lines)


def _measures(scanned: Sequence[Scanned], requests: int) -> Iterator[Measure]:
    counts = {
        "services": len(scanned),
        "components": sum("component" in one.facts for one in scanned),
        "open": sum(one.facts.get("auth") == OPEN for one in scanned),
        "requests": requests,
    }
    for name, value in counts.items():
        yield Measure(name=name, title=text(f"deploy.fingerprint:measure-{name}"), value=value, unit="count")
