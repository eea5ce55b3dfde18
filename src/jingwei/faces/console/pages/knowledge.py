"""Knowledge bases: who may see which document, looked at through anybody's eyes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from jingwei.core.errors import InputError
from jingwei.core.text import text
from jingwei.faces.console.caller import Asked, Asking, Caller, Posted, Sent, problem, shows
from jingwei.faces.console.views.knowledge import BaseView, DocumentLine, KnowledgeView, PassageLine
from jingwei.faces.console.views.listing import Query
from jingwei.faces.console.views.parts import FRESH, Form, Problem
from jingwei.faces.console.wording import PACKAGE
from jingwei.manage import may
from jingwei.operate.access import EVERYONE, Acl, Asker
from jingwei.platform import Work

router = APIRouter()
_KEEP, _ASK = "knowledge.keep", "knowledge.ask"


def knowledge_view(caller: Asking) -> KnowledgeView:
    """List the bases."""
    with caller.reading() as work:
        return _all(work, caller, FRESH)


def _all(work: Work, caller: Caller, form: Form) -> KnowledgeView:
    listed = [(name, work.knowledge.documents(name)) for name in work.knowledge.bases()]
    return KnowledgeView(
        rows=tuple((name, len(found), sum(each.acl.open_to_all for each in found)) for name, found in listed),
        may_keep=may(caller.actor, _KEEP, domain="*"), form=form,
    )  # fmt: skip


def base_view(name: str, caller: Asking, asked: Asked) -> BaseView:
    """Show one base."""
    with caller.reading() as work:
        return _one(work, name, caller, asked=asked, form=FRESH)


def _one(work: Work, name: str, caller: Caller, *, asked: Query, form: Form, answer: str = "") -> BaseView:
    asker, question = (
        _asker(asked.filter("as"), asked.filter("groups"), asked.filter("level")),
        asked.filter("question"),
    )
    may_ask = may(caller.actor, _ASK, domain="*")
    seen = {each.document.id: each.visible for each in work.knowledge.sight(name, asker)} if asker else {}
    found = work.knowledge.ask(name, question, asker, actor=caller.actor) if asker and question and may_ask else None
    leaked = work.knowledge.screen(name, answer, asker, actor=caller.actor) if asker and answer and may_ask else None
    return BaseView(
        name=name, asker=asked.filter("as"), groups=asked.filter("groups"), level=asked.filter("level"),
        question=question, may_keep=may(caller.actor, _KEEP, domain="*"), may_ask=may_ask, form=form,
        leaks=None if leaked is None else len(leaked),
        found=None if found is None else tuple(
            PassageLine(title=each.title, heading=each.heading, text=each.text, nearness=each.nearness)
            for each in found
        ),
        rows=tuple(
            DocumentLine(id=each.id, title=each.title, source=each.source, whom=_whom(each.acl),
                         open_to_all=each.acl.open_to_all, paragraphs=each.paragraphs, narrowed=each.narrowed,
                         visible=seen.get(each.id))
            for each in work.knowledge.documents(name)
        ),
    )  # fmt: skip


def _whom(acl: Acl) -> str:
    """Write a list as a person would: names, the least level, and who is kept out."""
    level = f" \u2265 {acl.level}" if acl.level else ""
    return (
        (", ".join(sorted(acl.people | acl.groups)) or "—")
        + level
        + "".join(f" \u2212 {name}" for name in sorted(acl.denied))
    )


def _names(written: str) -> frozenset[str]:
    return frozenset(each.strip() for each in written.replace("\uff0c", ",").split(",") if each.strip())


def _asker(name: str, groups: str, level: str) -> Asker | None:
    if not name:
        return None
    clearance = int(level) if level in set("0123456789") else 0
    return Asker(id=name, groups=_names(groups), level=clearance)


def _list(sent: Sent) -> Acl:
    """Read whom a document is for.

    Raises:
        InputError: the level is none.
    """
    try:
        groups = _names(sent["groups"]) | ({EVERYONE} if sent["everyone"] == "yes" else set())
        return Acl(people=_names(sent["people"]), groups=groups, denied=_names(sent["denied"]),
                   level=int(sent["level"] or 0))  # fmt: skip
    except (ValueError, ValidationError) as error:
        raise InputError(f"{PACKAGE}:knowledge.level-wrong", field="level") from error


router.add_api_route("/knowledge", shows("knowledge.html", knowledge_view))


@router.get("/knowledge/{name}")
def base(caller: Asking, view: Annotated[BaseView, Depends(base_view)]) -> Response:
    """Show one base."""
    return caller.page.render("knowledge-base.html", view=view)


@router.post("/knowledge")
def take(caller: Asking, sent: Posted) -> Response:
    """Take a document in."""
    problems = sent.missing("base", "title", "text")
    try:
        if not problems:
            with caller.work("knowledge.take") as work:
                work.knowledge.take(sent["base"], sent["title"], sent["text"], _list(sent), source=sent["title"],
                                    actor=caller.actor)  # fmt: skip
            return RedirectResponse(f"/knowledge/{sent['base']}", 303)
    except InputError as error:
        problems = (problem(error, otherwise="text"),)
    with caller.reading() as work:
        view = _all(work, caller, sent.form(*problems))
    return caller.page.render("knowledge.html", status=422, view=view)


@router.post("/knowledge/{name}")
def act(name: str, caller: Asking, sent: Posted, asked: Asked) -> Response:
    """Change whom a document is for, forget one, or hold an answer against what its reader may see."""
    problems: tuple[Problem, ...] = ()
    try:
        match sent["act"]:
            case "permit":
                with caller.work("knowledge.permit") as work:
                    work.knowledge.permit(name, sent["document"], _list(sent), actor=caller.actor)
            case "remove":
                with caller.work("knowledge.remove") as work:
                    work.knowledge.remove(name, sent["document"], actor=caller.actor)
            case _:
                problems = sent.missing("answer") if asked.filter("as") else (
                    Problem(field="as", message=text(f"{PACKAGE}:knowledge.as-whom")),
                )  # fmt: skip
                with caller.reading() as work:
                    view = _one(work, name, caller, asked=asked, form=sent.form(*problems), answer=sent["answer"])
                return caller.page.render("knowledge-base.html", status=422 if problems else 200, view=view)
    except InputError as error:
        with caller.reading() as work:
            view = _one(work, name, caller, asked=asked, form=sent.form(problem(error, otherwise="document")))
        return caller.page.render("knowledge-base.html", status=422, view=view)
    return RedirectResponse(f"/knowledge/{name}", 303)
