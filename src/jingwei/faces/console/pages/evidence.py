"""Evidence: the list, one piece with its verification and downloads, and entering a record or a document."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from jingwei.core.canonical import canonical
from jingwei.core.errors import JingweiError, NotFound, Tampered
from jingwei.core.evidence import Evidence
from jingwei.core.text import Both, text
from jingwei.faces.console import figures
from jingwei.faces.console.caller import Asked, Asking, Caller, shows
from jingwei.faces.console.pages.board import SOON
from jingwei.faces.console.pages.systems import account_names
from jingwei.faces.console.views.evidence import EvidenceLine, EvidencesView, EvidenceView
from jingwei.faces.console.views.listing import Listing, Query, listed
from jingwei.faces.console.views.parts import Label, Proof
from jingwei.faces.console.wording import PACKAGE
from jingwei.manage import Header, Kept, Standing, State
from jingwei.platform import Work

router = APIRouter()
_CHUNK = 256 * 1024
_OFFERED = 12
_MANY = 500
"""Pieces to judge from which on it is cheaper to read every System at once."""


def evidences_view(caller: Asking, asked: Asked) -> EvidencesView:
    """List evidence of all Systems, narrowed by search, type, outcome, System, standing, and lapsing soon."""
    types = caller.platform.catalog.evidence_types
    with caller.reading() as work:
        names: dict[str | None, str] = {system.id: system.name for system in work.registry.systems()}
        order = {"type": lambda each: each.type, "system": lambda each: names.get(each.system_id, ""),
                 "outcome": lambda each: each.outcome, "at": lambda each: each.finished_at}  # fmt: skip
        headers = [each for each in work.proof.headers() if each.type in types]
        used = sorted({each.type for each in headers})
        found = [each for each in headers if _wanted(each, asked, caller, names)]
        if asked.filter("lapsing") or asked.filter("standing"):
            if len(found) > _MANY:
                work.survey()
            standings = _standings(work, found)
            found = [each for each in found if _stands(standings.get(each.id), asked, caller)]
        listing = listed(found, asked, order=order)
        standings = _standings(work, listing.rows)
    lines = tuple(_line(each, standings.get(each.id), names, caller) for each in listing.rows)
    return EvidencesView(listing=Listing(rows=lines, total=listing.total, query=listing.query),
                         types=tuple((name, types[name].title) for name in used))  # fmt: skip


def _standings(work: Work, headers: Iterable[Header]) -> dict[str, Standing]:
    """Return how the listed pieces stand now, where that can be told."""
    found: dict[str, Standing] = {}
    for system_id in {each.system_id or "" for each in headers}:
        try:
            kept = work.proof.standings(system_id)
        except JingweiError:
            continue  # the System's own page says why
        found.update((each.evidence.id, each.standing) for each in kept)
    return found


def _stands(standing: Standing | None, asked: Query, caller: Caller) -> bool:
    if standing is None:
        return False
    now, at = caller.platform.clock(), standing.expires_at
    lapses = standing.state is State.VALID and at is not None and now <= at < now + SOON
    return (lapses or not asked.filter("lapsing")) and asked.filter("standing") in ("", standing.state.value)


def _wanted(header: Header, asked: Query, caller: Caller, names: Mapping[str | None, str]) -> bool:
    kind, wanted, system_id = (
        caller.platform.catalog.evidence_types[header.type],
        asked.q.lower(),
        header.system_id or "",
    )
    if asked.filter("lapsing"):
        ends = header.finished_at + timedelta(days=kind.validity_days) if kind.validity_days else None
        now = caller.platform.clock()
        if ends is None or not now <= ends < now + SOON:
            return False
    found = (header.id, header.type, names.get(system_id, ""), kind.title.zh, kind.title.en)
    pairs = (("type", header.type), ("outcome", header.outcome), ("system", system_id))
    return (not wanted or any(wanted in each.lower() for each in found)) and all(
        asked.filter(name) in ("", value) for name, value in pairs
    )


def _line(header: Header, standing: Standing | None, names: Mapping[str | None, str], caller: Caller) -> EvidenceLine:
    return EvidenceLine(
        id=header.id, type=header.type, name=type_name(caller, header.type), system_id=header.system_id or "",
        system=names.get(header.system_id or "", ""), outcome=header.outcome,
        standing=standing.state.value if standing else State.STALE.value, source=header.source, at=header.finished_at,
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
        measured = any(each.name.startswith("attempts") for each in evidence.artefacts)
        earlier = _earlier(work, evidence) if measured else ()
        system = work.registry.system(evidence.system_id).name if evidence.system_id else ""
    kind = catalog.evidence_types.get(evidence.type)
    lapses = evidence.finished_at + timedelta(days=kind.validity_days) if kind and kind.validity_days else None
    return EvidenceView(
        evidence=evidence, name=type_name(caller, evidence.type), system=system,
        standing=kept.standing.state.value if kept else State.STALE.value, why=_why(kept), expires_at=lapses,
        actor=names.get(evidence.source.actor_id, evidence.source.actor_id),
        measured=measured, earlier=earlier,
        proof=proven(caller, evidence) if request.query_params.get("verify") else None,
        controls=tuple((each.id, each.title) for each in catalog.shown_by(evidence.type)[:30]),
    )  # fmt: skip


def _earlier(work: Work, evidence: Evidence) -> tuple[tuple[str, datetime], ...]:
    """Return earlier evidence of the same kind and System, the latest first."""
    found = [
        (each.id, each.finished_at)
        for each in work.proof.headers()
        if each.system_id == evidence.system_id and each.type == evidence.type and each.source == evidence.source.name
        and each.finished_at < evidence.finished_at
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda pair: pair[1], reverse=True)[:_OFFERED])


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


router.add_api_route("/evidence", shows("evidences.html", evidences_view))


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
