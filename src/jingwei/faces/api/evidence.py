"""Evidence: listed with its standing, verified, entered by people; artefacts uploaded and downloaded as streams."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from jingwei.core.errors import InputError, NotFound
from jingwei.core.evidence import Artefact, Evidence
from jingwei.faces.api.caller import Asking, Caller
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import EvidenceId, Given, Sha256, SystemId
from jingwei.faces.api.paging import PAGE, Limit, Offset, Page, page
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import given, said
from jingwei.manage import Standing

router = APIRouter(tags=["evidence"], route_class=KeyedRoute, responses=refusals())

_PIECE = 256 * 1024
_BYTES = "application/octet-stream"


class Shown(BaseModel):
    """One piece of evidence under its id."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    evidence: Evidence

    @classmethod
    def of(cls, evidence: Evidence) -> "Shown":
        """Show evidence."""
        return cls(id=evidence.id, evidence=evidence)


class Stood(Shown):
    """Evidence with how it stands now."""

    standing: Standing


class Verified(BaseModel):
    """The id and the signature were checked again just now, and hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    key_id: str
    """Of the key that signed it."""
    artefacts: tuple[str, ...]
    """Artefacts whose content was hashed again."""


class File(Given):
    """An artefact that was uploaded before."""

    name: str = Field(min_length=1, max_length=200)
    media_type: str = Field(default=_BYTES, max_length=120, pattern=r"^[\w.+-]+/[\w.+-]+$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Entered(Given):
    """A record or a document."""

    type: str = Field(min_length=1, max_length=60)
    system_id: str | None = Field(default=None, max_length=64)
    """Null for evidence about the whole organisation."""
    statement: str = Field(min_length=1, max_length=20_000)
    passed: bool = True
    artefacts: tuple[File, ...] = Field(default=(), max_length=20)
    started_at: AwareDatetime | None = None


@router.get("/systems/{system_id}/evidence", **said("faces.api:list-evidence"))
def list_evidence(caller: Asking, system_id: SystemId, offset: Offset = 0, limit: Limit = PAGE) -> Page[Stood]:
    """List the evidence of a System with how each piece stands now, newest first."""
    with caller.reading() as work:
        kept = page(work.proof.standings(system_id), offset=offset, limit=limit)
    stood = tuple(Stood(id=each.evidence.id, evidence=each.evidence, standing=each.standing) for each in kept.items)
    return Page[Stood](items=stood, next_offset=kept.next_offset)


@router.post("/evidence", status_code=HTTPStatus.CREATED, **said("faces.api:enter-evidence"))
def enter_evidence(caller: Asking, entered: Annotated[Entered, given("enter-evidence")]) -> Shown:
    """Enter a record or a document."""
    artefacts = [_uploaded(caller, file) for file in entered.artefacts]
    with caller.work("evidence.enter") as work:
        made = work.proof.enter(
            entered.system_id, entered.type, actor=caller.actor, statement=entered.statement, passed=entered.passed,
            artefacts=artefacts, started_at=entered.started_at,
        )  # fmt: skip
    return Shown.of(made)


@router.get("/evidence/{evidence_id}", **said("faces.api:show-evidence"))
def show_evidence(caller: Asking, evidence_id: EvidenceId) -> Shown:
    """Show one piece of evidence, verified as it is read."""
    with caller.reading() as work:
        return Shown.of(work.proof.evidence(evidence_id))


@router.get("/evidence/{evidence_id}/verification", **said("faces.api:verify-evidence"))
def verify_evidence(caller: Asking, evidence_id: EvidenceId) -> Verified:
    """Verify id, signature and artefacts again."""
    with caller.reading() as work:
        found = work.proof.evidence(evidence_id)
    for each in found.artefacts:
        with caller.platform.blobs.open(each.sha256) as file:
            while file.read(_PIECE):
                pass
    return Verified(id=found.id, key_id=found.signature.key_id, artefacts=tuple(each.name for each in found.artefacts))


@router.get(
    "/evidence/{evidence_id}/artefacts/{sha256}",
    response_class=StreamingResponse,
    **said("faces.api:download-artefact")
    | {"responses": {200: {"content": {_BYTES: {"schema": {"type": "string", "format": "binary"}}}}}},
)
def download_artefact(caller: Asking, evidence_id: EvidenceId, sha256: Sha256) -> StreamingResponse:
    """Download an artefact; one that was changed on disk breaks off before its end."""
    with caller.reading() as work:
        artefact = next((each for each in work.proof.evidence(evidence_id).artefacts if each.sha256 == sha256), None)
    if artefact is None or caller.platform.blobs.size(sha256) is None:
        raise NotFound("core:blob-unknown", field="sha256", sha256=sha256)
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(artefact.name, safe='')}"}
    return StreamingResponse(_pieces(caller, sha256), media_type=_BYTES, headers=headers)


def _pieces(caller: Caller, sha256: str) -> Iterator[bytes]:
    with caller.platform.blobs.open(sha256) as file:
        while piece := file.read(_PIECE):
            yield piece


def _uploaded(caller: Caller, file: File) -> Artefact:
    size = caller.platform.blobs.size(file.sha256)
    if size is None:
        raise InputError("faces.api:artefact-not-uploaded", field="artefacts", name=file.name, sha256=file.sha256)
    return Artefact(name=file.name, media_type=file.media_type, sha256=file.sha256, size=size)
