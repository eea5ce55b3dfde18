"""Entering evidence that people make: a record of work done, or a document somebody brings."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData, UploadFile

from jingwei.core.errors import InputError, JingweiError
from jingwei.core.evidence import Artefact
from jingwei.core.text import text
from jingwei.faces.console.caller import Asking, Caller, Sent, problem, shows
from jingwei.faces.console.security import demand_same_form, demand_same_site
from jingwei.faces.console.views.enter import EnterView
from jingwei.faces.console.views.parts import Choice, Form, Problem
from jingwei.faces.console.wording import PACKAGE
from jingwei.platform import Work

router = APIRouter()
_MOST_FIELDS = 20
_LONGEST_NAME = 200


async def read_file_form(request: Request, caller: Asking) -> AsyncIterator[FormData]:
    """Read a form with one file; more than an upload may have is refused before it is read."""
    limit = caller.platform.settings.max_upload_bytes
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > limit:
        raise InputError(f"{PACKAGE}:error.too-large", field="artefacts", limit=caller.wording.size(limit))
    async with request.form(max_files=1, max_fields=_MOST_FIELDS) as form:
        yield form


def enter_view(system_id: str, request: Request, caller: Asking) -> EnterView:
    """Show the form, its type already chosen where the gate sent the person here."""
    with caller.reading() as work:
        return _view(work, system_id, Form(values={"type": request.query_params.get("type", "")}))


def _view(work: Work, system_id: str, form: Form) -> EnterView:
    kinds = [kind for kind in work.catalog.evidence_types.values() if kind.kind != "auto" and kind.bound_to != "org"]
    return EnterView(system_id=system_id, system=work.registry.system(system_id).name, form=form,
                     types=tuple(Choice(value=kind.id, label=kind.title) for kind in kinds))  # fmt: skip


router.add_api_route("/systems/{system_id}/evidence", shows("enter.html", enter_view))


@router.post("/systems/{system_id}/evidence")
def enter(system_id: str, request: Request, caller: Asking,
          form: Annotated[FormData, Depends(read_file_form)]) -> Response:  # fmt: skip
    """Enter the evidence; the file goes to the blobs first, so that nothing is half-written."""
    demand_same_site(request.headers.get("sec-fetch-site", ""))
    demand_same_form(str(form.get("csrf", "")), caller.visitor.csrf)
    sent = Sent({name: value for name, value in form.items() if isinstance(value, str)})
    problems = sent.missing("statement")
    if sent["passed"] not in ("yes", "no"):
        problems += (Problem(field="passed", message=text(f"{PACKAGE}:form.choose")),)
    if not problems:
        try:
            artefacts = _kept(caller, form)
            with caller.work("evidence.enter") as work:
                made = work.proof.enter(system_id, sent["type"], actor=caller.actor, statement=sent["statement"],
                                        passed=sent["passed"] == "yes", artefacts=artefacts)  # fmt: skip
            return RedirectResponse(f"/evidence/{made.id}", 303)
        except JingweiError as error:
            problems = (problem(error, otherwise="statement"),)
    with caller.reading() as work:
        view = _view(work, system_id, sent.form(*problems))
    return caller.page.render("enter.html", status=422, view=view)


def _kept(caller: Caller, form: FormData) -> tuple[Artefact, ...]:
    upload = form.get("artefacts")
    if not isinstance(upload, UploadFile) or not upload.filename:
        return ()
    blob = caller.platform.blobs.put(upload.file)
    media_type = upload.content_type or "application/octet-stream"
    return (Artefact(name=upload.filename[:_LONGEST_NAME], media_type=media_type[:100], sha256=blob.sha256,
                     size=blob.size),)  # fmt: skip
