"""The supply chain of a System: what the newest scans in its evidence say, and the fixes on their way."""

import json
from functools import lru_cache
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from jingwei.core.blobs import Blobs
from jingwei.core.errors import InputError, NotFound
from jingwei.core.evidence import Artefact, Evidence, Outcome
from jingwei.core.settings import Settings
from jingwei.deploy.advisories import Advisory, ComponentIndex, impacted
from jingwei.deploy.advisories.osv import NotOsv, read_osv_many
from jingwei.deploy.bom import Component, Unreadable, components_of, parsed
from jingwei.deploy.fixing import Fix, Queue
from jingwei.deploy.scanned import ARTEFACT, Kept
from jingwei.manage import Desk, Proof, Registry

BOM = "ai-bom.cdx.json"
"""What the evidence of the `ai-bom` check calls its document."""
_MOST_BYTES = 64 * 1024 * 1024


class ScanProof(BaseModel):
    """One scan as a piece of evidence keeps it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    evidence_id: str
    system_id: str
    type: str
    at: AwareDatetime
    outcome: Outcome
    target: str
    scan: Kept


class Hit(BaseModel):
    """A component of a System that an advisory is about."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system_id: str
    system: str
    component: str
    version: str
    certain: bool
    """False: the version is not known, or the advisory gives no range."""
    advisory: str
    evidence_id: str
    """The newest bill of materials that lists the component."""


class Supply:
    """Reads scans back from evidence, tells whom an advisory hits, and lists the queue of fixes."""

    def __init__(self, desk: Desk, *, settings: Settings) -> None:
        self.desk = desk
        self._blobs = settings.blobs_path
        self._queue = Queue(settings.fixes_path)

    def scans(self, system_id: str) -> list[ScanProof]:
        """List the newest scan of each kind and target in a System's evidence, newest first.

        Raises:
            NotFound: there is no such System.
            InputError: a scan is damaged.
        """
        newest: dict[tuple[str, str], ScanProof] = {}
        for each in Proof(self.desk).all_of(system_id):
            kept = _artefact(each)
            if kept is None:
                continue
            found = self._read(each, kept)
            newest.setdefault((found.scan.kind, found.target), found)
        return list(newest.values())

    def scan(self, evidence_id: str) -> ScanProof:
        """Return the scan that one piece of evidence keeps.

        Raises:
            NotFound: there is no such evidence, or it keeps no scan.
            InputError: the scan is damaged.
        """
        evidence = Proof(self.desk).evidence(evidence_id)
        kept = _artefact(evidence)
        if kept is None:
            raise NotFound("platform:evidence-no-scan", field="evidence", id=evidence_id)
        return self._read(evidence, kept)

    def impacted(self, advisory: bytes) -> list[Hit]:
        """List the components of Systems that an advisory hits, by the newest bill of materials of each System.

        Args:
            advisory: an OSV record, or a list of them, as JSON.

        Raises:
            InputError: it is none.
        """
        known = _advisories(advisory)
        found = []
        for system in Registry(self.desk).systems():
            if system.status == "retired":
                continue
            made = self._made_of(system.id)
            if made is None:
                continue
            evidence_id, parts = made
            index = ComponentIndex((system.id, each) for each in parts)
            for one in known:
                found += [
                    Hit(system_id=system.id, system=system.name, component=hit.component.name,
                        version=hit.component.version, certain=hit.certain, advisory=one.id, evidence_id=evidence_id)
                    for hit in impacted([one], index)
                ]  # fmt: skip
        return found

    def _made_of(self, system_id: str) -> tuple[str, tuple[Component, ...]] | None:
        for each in Proof(self.desk).all_of(system_id):
            for kept in each.artefacts:
                if kept.name == BOM:
                    return each.id, _parts(self._blobs, kept)
        return None

    def fixes(self) -> list[Fix]:
        """List the fixes of this home, the most urgent first.

        Raises:
            InputError: one cannot be read.
        """
        return list(self._queue)

    def _read(self, evidence: Evidence, kept: Artefact) -> ScanProof:
        return ScanProof(
            evidence_id=evidence.id, system_id=evidence.system_id or "", type=evidence.type, at=evidence.finished_at,
            outcome=evidence.outcome, target=evidence.target.name or evidence.target.locator,
            scan=_scan(self._blobs, kept),
        )  # fmt: skip


def _artefact(evidence: Evidence) -> Artefact | None:
    return next((each for each in evidence.artefacts if each.name == ARTEFACT), None)


def _advisories(content: bytes) -> list[Advisory]:
    if len(content) > _MOST_BYTES:
        raise InputError("platform:advisory-wrong", field="advisory")
    try:
        return list(read_osv_many(json.loads(content), source="given"))
    except (ValueError, RecursionError, NotOsv) as error:
        raise InputError("platform:advisory-wrong", field="advisory") from error


@lru_cache(maxsize=256)
def _parts(blobs: Path, kept: Artefact) -> tuple[Component, ...]:
    """Read a bill of materials; the artefact is named by its content, so what was read once stays so."""
    try:
        return components_of(parsed(Blobs(blobs).read(kept.sha256)))
    except Unreadable as error:
        raise InputError("platform:scan-unreadable", field="evidence", sha256=kept.sha256[:12]) from error


@lru_cache(maxsize=16)
def _scan(blobs: Path, kept: Artefact) -> Kept:
    """Read a scan; the artefact is named by its content, so what was read once stays so."""
    if kept.size > _MOST_BYTES:
        raise InputError("platform:scan-too-large", field="evidence", limit=_MOST_BYTES // 1024**2)
    try:
        return Kept.model_validate_json(Blobs(blobs).read(kept.sha256))
    except ValidationError as error:
        raise InputError("platform:scan-unreadable", field="evidence", sha256=kept.sha256[:12]) from error
