"""Live word lists: search, plan a change, see whom it would hit, apply it, ask who added a word and why."""

import shutil
from http import HTTPStatus
from tempfile import TemporaryFile
from typing import Annotated, BinaryIO, cast

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from jingwei.faces.api.artefacts import Incoming
from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import Given, Sha256, Text
from jingwei.faces.api.paging import PAGE, Limit
from jingwei.faces.api.route import KeyedRoute, demand_size
from jingwei.faces.api.words import given, line, said
from jingwei.manage import LexiconVersion
from jingwei.platform import Blame, Difference, Impact, LexiconState, Planned, WordEntry

router = APIRouter(prefix="/lexicons", tags=["lexicons"], route_class=KeyedRoute, responses=refusals())

_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
Name = Annotated[str, Path(pattern=_NAME, description=line("faces.api:the-lexicon"))]
Number = Annotated[int, Path(ge=0, le=10_000_000, description=line("faces.api:the-version"))]
Word = Annotated[str, Query(min_length=1, max_length=512, description=line("faces.api:the-word"))]
Topic = Annotated[str, Query(max_length=60, description=line("faces.api:the-topic"))]
OfTopic = Annotated[str | None, Query(max_length=60, alias="topic", description=line("faces.api:of-topic"))]
PartOf = Annotated[str, Query(max_length=64, description=line("faces.api:word-part"))]
AfterWord = Annotated[str, Query(max_length=64, description=line("faces.api:after-word"))]
Words = Annotated[tuple[Annotated[str, Field(max_length=512)], ...], Field(max_length=10_000)]


class Change(Given):
    """Words to add and to remove."""

    add: Words = ()
    remove: Words = ()
    topic: str = Field(default="", max_length=60)
    """Of the words that are added."""


class Applied(Given):
    """A planned change, and why it is made."""

    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    reason: Text
    source: str = Field(default="", max_length=200)


class Names(BaseModel):
    """The lists there are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: tuple[str, ...]


@router.get("", **said("faces.api:list-lexicons"))
def list_lexicons(caller: Asking) -> Names:
    """List the lists that were ever changed."""
    with caller.reading() as work:
        return Names(names=work.lexicons.names())


@router.get("/{name}", **said("faces.api:show-lexicon"))
def show_lexicon(caller: Asking, name: Name) -> LexiconState:
    """Tell how a list stands."""
    with caller.reading() as work:
        return work.lexicons.lexicon(name)


@router.get("/{name}/words", **said("faces.api:search-words"))
def search_words(caller: Asking, name: Name, *, part: PartOf = "", topic: OfTopic = None, after: AfterWord = "",
                 limit: Limit = PAGE) -> list[WordEntry]:  # fmt: skip
    """Find words."""
    with caller.reading() as work:
        return work.lexicons.search(name, part=part, topic=topic, after=after, limit=limit)


@router.get("/{name}/blame", **said("faces.api:blame-word"))
def blame_word(caller: Asking, name: Name, word: Word) -> list[Blame]:
    """Tell who added or removed a word, when and why."""
    with caller.reading() as work:
        return work.lexicons.blame(name, word)


@router.get("/{name}/versions", **said("faces.api:list-versions"))
def list_versions(caller: Asking, name: Name) -> list[LexiconVersion]:
    """List the versions of a list, newest first."""
    with caller.reading() as work:
        return work.lexicons.versions(name)


@router.get("/{name}/versions/{first}/{second}", **said("faces.api:compare-versions"))
def compare_versions(caller: Asking, name: Name, first: Number, second: Number) -> Difference:
    """Compare two versions."""
    with caller.reading() as work:
        return work.lexicons.difference(name, first, second)


@router.post("/{name}/plan", **said("faces.api:plan-words"))
def plan_words(caller: Asking, name: Name, change: Annotated[Change, given("plan-words")]) -> Planned:
    """Work out what adding and removing words would change."""
    with caller.reading() as work:
        return work.lexicon_drafts.plan(name, add=change.add, remove=change.remove, topic=change.topic,
                                        actor=caller.actor)  # fmt: skip


@router.post(
    "/{name}/plan-file",
    openapi_extra={"requestBody": {"required": True, "content": _BYTES}},
    **said("faces.api:plan-file"),
)
def plan_file(
    caller: Asking,
    request: Request,
    name: Name,
    *,
    filename: Annotated[str, Query(min_length=1, max_length=200, description=line("faces.api:words-filename"))],
    topic: Topic = "",
    replace: Annotated[bool, Query(description=line("faces.api:words-replace"))] = False,
) -> Planned:
    """Work out what a file of words would change."""
    most = caller.platform.settings.max_upload_bytes
    demand_size(request, most)
    with TemporaryFile() as file:
        shutil.copyfileobj(cast("BinaryIO", Incoming(request, most)), file)
        file.seek(0)
        with caller.reading() as work:
            return work.lexicon_drafts.plan_file(name, cast("BinaryIO", file), filename, topic=topic, replace=replace,
                                                 actor=caller.actor)  # fmt: skip


@router.post("/{name}/plan-revert/{number}", **said("faces.api:plan-revert"))
def plan_revert(caller: Asking, name: Name, number: Number) -> Planned:
    """Work out the way back to an earlier version."""
    with caller.reading() as work:
        return work.lexicon_drafts.plan_revert(name, number, actor=caller.actor)


@router.get("/{name}/impact/{sha256}", **said("faces.api:impact-of-words"))
def impact_of_words(caller: Asking, name: Name, sha256: Sha256) -> Impact:
    """Tell which recorded and everyday texts a planned change would newly flag."""
    with caller.reading() as work:
        return work.lexicon_drafts.impact(name, sha256)


@router.post("/{name}/apply", status_code=HTTPStatus.CREATED, **said("faces.api:apply-words"))
def apply_words(caller: Asking, name: Name, applied: Annotated[Applied, given("apply-words")]) -> LexiconVersion:
    """Put a planned change in force."""
    with caller.work("lexicon.change") as work:
        made = work.lexicon_drafts.apply(name, applied.digest, reason=applied.reason, source=applied.source,
                                         actor=caller.actor)  # fmt: skip
    caller.publish()
    return made
