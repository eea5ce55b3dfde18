"""Evidence: the list, one piece with its verification and downloads, and entering a record or a document."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from jingwei.core.canonical import canonical
from jingwei.core.errors import JingweiError, NotFound, Tampered
from jingwei.core.evidence import Evidence
from jingwei.core.text import Both, text
from jingwei.faces.console import figures
from jingwei.faces.console.caller import Asked, Asking, Caller
from jingwei.faces.console.pages.board import SOON
from jingwei.faces.console.pages.systems import account_names
from jingwei.faces.console.views.evidence import EvidenceLine, EvidencesView, EvidenceView
from jingwei.faces.console.views.listing import Query, listed
from jingwei.faces.console.views.parts import Label, Proof
from jingwei.faces.console.wording import PACKAGE
from jingwei.manage import Kept, State
from jingwei.platform import Work

router = APIRouter()
_CHUNK = 256 * 1024


def evidences_view(caller: Asking, asked: Asked) -> EvidencesView:
    """List evidence of all Systems, narrowed by search, type, outcome, System, and lapsing soon."""
    types = caller.platform.catalog.evidence_types
    soon = caller.platform.clock() + SOON
    with caller.reading() as work:
        names = {system.id: system.name for system in work.registry.systems()}
        kept = {each.evidence.id: each for each in _all(work, names)}
    lines = [
        _line(each, names, caller)
        for each in sorted(kept.values(), key=lambda each: each.evidence.finished_at, reverse=True)
        if not asked.filter("lapsing") or _lapses(each, soon - SOON, soon)
    ]
    lines = [line for line in lines if _wanted(line, asked)]
    used = sorted({each.evidence.type for each in kept.values()})
    order = {"type": lambda line: line.type, "system": lambda line: line.system,
             "outcome": lambda line: line.outcome, "at": lambda line: line.at}  # fmt: skip
    choices = tuple((name, types[name].title if name in types else name) for name in used)
    return EvidencesView(listing=listed(lines, asked, order=order), types=choices)


def _all(work: Work, names: Mapping[str, str]) -> Iterator[Kept]:
    for system_id in names:
        try:
            yield from work.proof.standings(system_id)
        except JingweiError:
            continue  # facts are missing or a row was tampered with; the System's own page says so


def _lapses(kept: Kept, after: object, before: object) -> bool:
    at = kept.standing.expires_at
    return kept.standing.state is State.VALID and at is not None and after <= at < before  # type: ignore[operator]


def _wanted(line: EvidenceLine, asked: Query) -> bool:
    wanted = asked.q.lower()
    found = (line.id, line.type, line.system, *((line.name.zh, line.name.en) if isinstance(line.name, Both) else ()))
    pairs = (("type", line.type), ("outcome", line.outcome), ("system", line.system_id), ("standing", line.standing))
    return (not wanted or any(wanted in each.lower() for each in found)) and all(
        not asked.filter(name) or asked.filter(name) == value for name, value in pairs
    )


def _line(kept: Kept, names: Mapping[str, str], caller: Caller) -> EvidenceLine:
    evidence = kept.evidence
    return EvidenceLine(
        id=evidence.id, type=evidence.type, name=type_name(caller, evidence.type), system_id=evidence.system_id or "",
        system=names.get(evidence.system_id or "", ""), outcome=evidence.outcome.value,
        standing=kept.standing.state.value, source=evidence.source.name, at=evidence.finished_at,
    )  # fmt: skip


def type_name(caller: Caller, type_id: str) -> Label:
    """Return what to call an evidence type; its id, where the catalogue knows it no more."""
    known = caller.platform.catalog.evidence_types.get(type_id)
    return known.title if known else type_id


def evidence_view(evidence_id: str, request: Request, caller: Asking) -> EvidenceView:
    """Show one piece of evidence, verified again where the visitor asks for it."""
    catalog = caller.platform.catalog
    with caller.reading() as work:
        evidence = work.proof.evidence(evidence_id)
        names = account_names(work)
        kept = _standing(work, evidence)
        system = work.registry.system(evidence.system_id).name if evidence.system_id else ""
    kind = catalog.evidence_types.get(evidence.type)
    lapses = evidence.finished_at + timedelta(days=kind.validity_days) if kind and kind.validity_days else None
    return EvidenceView(
        evidence=evidence, name=type_name(caller, evidence.type), system=system,
        standing=kept.standing.state.value if kept else State.STALE.value, why=_why(kept), expires_at=lapses,
        actor=names.get(evidence.source.actor_id, evidence.source.actor_id),
        proof=proven(caller, evidence) if request.query_params.get("verify") else None,
        controls=tuple((each.id, each.title) for each in catalog.shown_by(evidence.type)[:30]),
    )  # fmt: skip


def _standing(work: Work, evidence: Evidence) -> Kept | None:
    if evidence.system_id is None:
        return None
    try:
        kept = work.proof.standings(evidence.system_id)
    except JingweiError:
        return None
    return next((each for each in kept if each.evidence.id == evidence.id), None)


def _why(kept: Kept | None) -> Label:
    if kept is None or not kept.standing.changes:
        return ""
    parts = [text(f"{PACKAGE}:configuration.part.{change.part}") for change in kept.standing.changes
             if change.part in ("model", "prompt", "tools", "policy", "gateway")]  # fmt: skip
    if not parts:
        return ""
    joined = Both(zh="、".join(each.zh for each in parts), en=", ".join(each.en for each in parts))
    return text(f"{PACKAGE}:evidence.changed", parts=joined)


def proven(caller: Caller, evidence: Evidence) -> Proof:
    """Verify id, signature and artefacts once more, from what is stored."""
    lines = [(text(f"{PACKAGE}:proof.hash"), True)]  # the service compared it while it read the row
    try:
        evidence.verify(caller.platform.signer.verifier)
        lines.append((text(f"{PACKAGE}:proof.signature"), True))
    except Tampered:
        lines.append((text(f"{PACKAGE}:proof.signature"), False))
    if evidence.artefacts:
        lines.append(
            (text(f"{PACKAGE}:proof.artefacts"), all(_whole(caller, each.sha256) for each in evidence.artefacts))
        )
    return Proof(holds=all(holds for _, holds in lines), lines=tuple(lines))


def _whole(caller: Caller, sha256: str) -> bool:
    try:
        with caller.platform.blobs.open(sha256) as file:
            while file.read(_CHUNK):
                pass
    except JingweiError:
        return False
    return True


@router.get("/evidence")
def evidences(caller: Asking, view: Annotated[EvidencesView, Depends(evidences_view)]) -> Response:
    """Show the list."""
    return caller.page.render("evidences.html", view=view)


@router.get("/evidence/{evidence_id}.json")
def download(evidence_id: str, caller: Asking) -> Response:
    """Give the signed evidence as canonical JSON: what the signature covers, and the signature."""
    with caller.reading() as work:
        found = work.proof.evidence(evidence_id)
    headers = {"Content-Disposition": f'attachment; filename="evidence-{found.id[:16]}.json"'}
    return Response(canonical(found), media_type="application/json", headers=headers)


@router.get("/evidence/{evidence_id}")
def evidence(caller: Asking, view: Annotated[EvidenceView, Depends(evidence_view)]) -> Response:
    """Show one piece."""
    return caller.page.render("evidence.html", view=view, figures=figures.of_evidence(view.evidence, caller.wording))


@router.get("/evidence/{evidence_id}/artefacts/{sha256}")
def artefact(evidence_id: str, sha256: str, caller: Asking) -> Response:
    """Stream one artefact, always as a download: it is never shown or run in the console."""
    with caller.reading() as work:
        found = next((each for each in work.proof.evidence(evidence_id).artefacts if each.sha256 == sha256), None)
    if found is None or caller.platform.blobs.size(sha256) is None:
        raise NotFound(f"{PACKAGE}:error.not-found")

    def chunks() -> Iterator[bytes]:
        with caller.platform.blobs.open(sha256) as file:
            while piece := file.read(_CHUNK):
                yield piece

    return StreamingResponse(chunks(), media_type="application/octet-stream",
                             headers={"Content-Disposition": f'attachment; filename="{sha256[:16]}"'})  # fmt: skip
