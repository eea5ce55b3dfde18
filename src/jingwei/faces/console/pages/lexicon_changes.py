"""Changing a live word list: what would change and whom it would hit is shown first, then it is done for a reason."""

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import UploadFile

from jingwei.core.errors import InputError, JingweiError
from jingwei.core.text import text
from jingwei.faces.console.caller import Asking, Caller, Posted, PostedFile, Sent, problem
from jingwei.faces.console.pages.lexicons import listed_words, title_of
from jingwei.faces.console.views.lexicons import ChangeView, FindLine, ShareLine
from jingwei.faces.console.views.listing import Query
from jingwei.faces.console.views.parts import FRESH, Form, Problem
from jingwei.faces.console.wording import PACKAGE
from jingwei.platform import Planned, Work

router = APIRouter()
_MOST_WORDS = 2_000
_NOTHING_ASKED = Query()


def change_view(work: Work, planned: Planned, *, source: str, form: Form) -> ChangeView:
    """Show a change with its effect on recorded and everyday texts."""
    impact = work.lexicon_drafts.impact(planned.lexicon, planned.digest)
    return ChangeView(
        name=planned.lexicon, title=title_of(work, planned.lexicon), digest=planned.digest, since=planned.since,
        added=planned.added, removed=planned.removed, same=planned.same, source=source, form=form,
        shares=tuple(
            ShareLine(source=each.source, texts=each.texts, newly=each.newly, no_longer=each.no_longer,
                      share=each.share)
            for each in impact.shares
        ),
        finds=tuple(
            FindLine(source=each.source, before=each.before, found=each.found, after=each.after)
            for each in impact.samples
        ),
    )  # fmt: skip


@router.post("/lexicons/{name}/change")
def change(name: str, caller: Asking, sent: Posted) -> Response:
    """Work out adding or removing some words, one on a line."""
    words = [line for line in sent["words"].splitlines() if line.strip()]
    if not words:
        return _again(name, caller, sent, *sent.missing("words"))
    if len(words) > _MOST_WORDS:
        message = text(f"{PACKAGE}:lexicon.too-many", most=_MOST_WORDS)
        return _again(name, caller, sent, Problem(field="words", message=message))
    removes = sent["act"] == "remove"
    try:
        with caller.reading() as work:
            planned = work.lexicon_drafts.plan(name, add=() if removes else words, remove=words if removes else (),
                                               topic=sent["topic"], actor=caller.actor)  # fmt: skip
            view = change_view(work, planned, source="", form=FRESH)
    except InputError as error:
        return _again(name, caller, sent, _of_words(error))
    return caller.page.render("change.html", view=view)


@router.post("/lexicons/{name}/import")
def take_file(name: str, caller: Asking, form: PostedFile) -> Response:
    """Work out what a file would change."""
    sent = Sent({field: value for field, value in form.items() if isinstance(value, str)})
    upload = form.get("file")
    if not isinstance(upload, UploadFile) or not upload.filename:
        return _again(name, caller, sent, *sent.missing("file"))
    try:
        with caller.reading() as work:
            planned = work.lexicon_drafts.plan_file(name, upload.file, upload.filename, topic=sent["topic"],
                                                    replace=sent["replace"] == "yes", actor=caller.actor)  # fmt: skip
            view = change_view(work, planned, source=upload.filename[-120:], form=FRESH)
    except InputError as error:
        return _again(name, caller, sent, Problem(field="file", message=error.message))
    return caller.page.render("change.html", view=view)


@router.post("/lexicons/{name}/revert")
def revert(name: str, caller: Asking, sent: Posted) -> Response:
    """Work out the way back to an earlier version."""
    number = int(sent["number"]) if sent["number"].isdigit() and len(sent["number"]) < 8 else -1
    with caller.reading() as work:
        planned = work.lexicon_drafts.plan_revert(name, number, actor=caller.actor)
        source = text(f"{PACKAGE}:lexicon.back-to", number=number).of(caller.wording.language)
        view = change_view(work, planned, source=source, form=FRESH)
    return caller.page.render("change.html", view=view)


@router.post("/lexicons/{name}/apply")
def apply(name: str, caller: Asking, sent: Posted) -> Response:
    """Put a change in force that was looked at; gateways know it within a second."""
    if problems := sent.missing("reason"):
        return _unapplied(name, caller, sent, *problems)
    try:
        with caller.work("lexicon.change") as work:
            made = work.lexicon_drafts.apply(name, sent["digest"], reason=sent["reason"], source=sent["source"],
                                             actor=caller.actor)  # fmt: skip
    except InputError as error:
        return _unapplied(name, caller, sent, problem(error, otherwise="reason"))
    caller.publish()
    return RedirectResponse(f"/lexicons/{name}/versions/{made.number}", 303)


def _unapplied(name: str, caller: Caller, sent: Sent, *problems: Problem) -> Response:
    names = ("since", "added", "removed", "same")
    counts = {field: int(sent[field]) if sent[field].isdigit() else 0 for field in names}
    planned = Planned(lexicon=name, digest=sent["digest"], **counts)
    with caller.reading() as work:
        view = change_view(work, planned, source=sent["source"], form=sent.form(*problems))
    return caller.page.render("change.html", status=422, view=view)


def _again(name: str, caller: Caller, sent: Sent, *problems: Problem) -> Response:
    with caller.reading() as work:
        view = listed_words(work, name, caller, asked=_NOTHING_ASKED, form=sent.form(*problems))
    return caller.page.render("lexicon.html", status=422, view=view)


def _of_words(error: JingweiError) -> Problem:
    field = "topic" if error.field == "topic" else "words"
    return Problem(field=field, message=error.message)
