"""Registering a System by its `system.yaml`, pasted or uploaded; what was sent is kept with what is wrong in it."""

import re

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData, UploadFile

from jingwei.catalog import Document, read_yaml, validated
from jingwei.core.errors import InputError, JingweiError
from jingwei.faces.console.caller import Asking, Caller, PostedFile, Sent
from jingwei.faces.console.views.file import FileView
from jingwei.faces.console.views.parts import FRESH, Form, Problem
from jingwei.faces.console.wording import PACKAGE
from jingwei.manage import SystemFile, may
from jingwei.platform import Work

router = APIRouter()
_NAME = "system.yaml"
_MOST_KEPT = 1_000_000
_EXAMPLE = """name: staff-assistant
purpose: …
domain: default
upstream: {{url: "http://127.0.0.1:8080/v1", model: small-model}}
facts:
{answers}
components:
  - kind: model
    name: small-model
    digest: "…"
    responsibility: {{party: …}}
tools:
  - {{name: book_room, effect: reversible_write}}
"""
_PART = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def _view(caller: Caller, form: Form) -> FileView:
    facts = caller.platform.catalog.grading_rules().facts.values()
    answers = "\n".join(f'  {fact.id}: "{fact.value_ids[0]}"  # {" | ".join(fact.value_ids)}' for fact in facts)
    return FileView(form=form, example=_EXAMPLE.format(answers=answers))


@router.get("/systems/new/file")
def offer(caller: Asking) -> Response:
    """Show the form."""
    return caller.page.render("file.html", view=_view(caller, FRESH))


@router.post("/systems/new/file")
def take(caller: Asking, form: PostedFile) -> Response:
    """Register the System, or bring it up to date where that was asked for; grade it."""
    raw = _content(form)
    update = form.get("update") == "yes"
    try:
        document = read_yaml(raw, name=_NAME)
        return RedirectResponse(f"/systems/{_taken(caller, document, update=update)}", 303)
    except JingweiError as error:
        problem = Problem(field="content", message=error.message)
    kept = Sent({"content": raw.decode("utf-8", errors="replace")[:_MOST_KEPT], "update": "yes" if update else ""})
    return caller.page.render("file.html", status=422, view=_view(caller, kept.form(problem)))


def _content(form: FormData) -> bytes:
    upload = form.get("upload")
    if isinstance(upload, UploadFile) and upload.filename:
        return upload.file.read()
    return str(form.get("content", "")).encode()


def _taken(caller: Caller, document: Document, *, update: bool) -> str:
    file = validated(SystemFile, document)
    try:
        with caller.work("intake.take") as work:
            if not update:
                _demand_new(work, file.name)
            taken = work.intake.take(file, actor=caller.actor)
            owns = caller.actor.id in {taken.system.owner_id, taken.system.registered_by}
            if may(caller.actor, "grade.decide", domain=file.domain, owns=owns):
                work.grading.grade(taken.system.id, actor=caller.actor)
            if may(caller.actor, "policy.attach", domain=file.domain):
                work.guarding.attach(taken.system.id, actor=caller.actor, guard=file.guard, tools=file.tools)
    except InputError as error:
        field = error.field or _NAME
        line = document.line(_spot(field))
        raise InputError(f"{PACKAGE}:file.line", field=field, line=line, where=field, why=error.message) from error
    caller.publish()
    return taken.system.id


def _demand_new(work: Work, name: str) -> None:
    if any(system.name == name for system in work.registry.systems()):
        raise InputError(f"{PACKAGE}:file.name-taken", field="name", name=name)


def _spot(field: str) -> tuple[str | int, ...]:
    """Read a path such as `components[0].files` into what a document knows its lines by."""
    return tuple(int(number) if number else name for number, name in _PART.findall(field))
