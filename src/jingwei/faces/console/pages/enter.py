"""Entering evidence that people make: a record of work done, or a document somebody brings."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData, UploadFile

from jingwei.core.errors import JingweiError
from jingwei.core.evidence import Artefact
from jingwei.core.text import text
from jingwei.faces.console.caller import Asking, Caller, PostedFile, Sent, problem, shows
from jingwei.faces.console.views.enter import EnterView
from jingwei.faces.console.views.parts import Choice, Form, Problem
from jingwei.faces.console.wording import PACKAGE
from jingwei.platform import Work

router = APIRouter()
_LONGEST_NAME = 200


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
def enter(system_id: str, caller: Asking, form: PostedFile) -> Response:
    """Enter the evidence; the file goes to the blobs first, so that nothing is half-written."""
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
