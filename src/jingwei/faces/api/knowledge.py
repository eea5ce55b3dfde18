"""Knowledge bases: documents and whom each is for; questions on somebody's behalf."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import Given
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import given, line, said
from jingwei.operate.access import Acl, Asker, Document, Leak, Passage
from jingwei.platform.knowledge import Sight

router = APIRouter(tags=["knowledge"], route_class=KeyedRoute, responses=refusals())
BaseName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", description=line("faces.api:the-base"))]
DocumentId = Annotated[str, Path(pattern=r"^doc_[0-9A-Za-z]{1,40}$", description=line("faces.api:the-document"))]


class NewDocument(Given):
    """A document and whom it is for."""

    title: str = Field(min_length=1, max_length=200)
    text: str = Field(min_length=1, max_length=500_000)
    acl: Acl
    source: str = Field(min_length=1, max_length=400)
    narrowed: dict[str, Acl] = Field(default_factory=dict, max_length=100)
    """Headings whose paragraphs are for fewer people."""


class Question(Given):
    """A question, and who asks it."""

    question: str = Field(min_length=1, max_length=4000)
    asker: Asker
    most: int = Field(default=8, ge=1, le=50)


class Answer(Given):
    """An answer, and whom it is for."""

    answer: str = Field(min_length=1, max_length=40_000)
    asker: Asker


@router.get("/knowledge", **said("faces.api:list-bases"))
def list_bases(caller: Asking) -> list[str]:
    """List the knowledge bases."""
    with caller.reading() as work:
        return list(work.knowledge.bases())


@router.get("/knowledge/{base}/documents", **said("faces.api:list-documents"))
def list_documents(caller: Asking, base: BaseName) -> list[Document]:
    """List a base's documents and whom each is for."""
    with caller.reading() as work:
        return list(work.knowledge.documents(base))


@router.post("/knowledge/{base}/documents", status_code=HTTPStatus.CREATED, **said("faces.api:take-document"))
def take_document(caller: Asking, base: BaseName, new: Annotated[NewDocument, given("take-document")]) -> str:
    """Take a document in; return its id."""
    with caller.work("knowledge.take") as work:
        return work.knowledge.take(base, new.title, new.text, new.acl, source=new.source, actor=caller.actor,
                                   narrowed=new.narrowed)  # fmt: skip


@router.put("/knowledge/{base}/documents/{document_id}/acl", status_code=HTTPStatus.NO_CONTENT,
            **said("faces.api:permit-document"))  # fmt: skip
def permit_document(
    caller: Asking, base: BaseName, document_id: DocumentId, acl: Annotated[Acl, given("permit-document")]
) -> None:
    """Change whom a document is for."""
    with caller.work("knowledge.permit") as work:
        work.knowledge.permit(base, document_id, acl, actor=caller.actor)


@router.delete("/knowledge/{base}/documents/{document_id}", status_code=HTTPStatus.NO_CONTENT,
               **said("faces.api:remove-document"))  # fmt: skip
def remove_document(caller: Asking, base: BaseName, document_id: DocumentId) -> None:
    """Forget a document."""
    with caller.work("knowledge.remove") as work:
        work.knowledge.remove(base, document_id, actor=caller.actor)


@router.post("/knowledge/{base}/ask", **said("faces.api:ask-base"))
def ask_base(caller: Asking, base: BaseName, question: Annotated[Question, given("ask-base")]) -> list[Passage]:
    """Return the paragraphs nearest to a question that its asker may see."""
    with caller.reading() as work:
        return list(work.knowledge.ask(base, question.question, question.asker, actor=caller.actor, most=question.most))


@router.post("/knowledge/{base}/screen", **said("faces.api:screen-answer"))
def screen_answer(caller: Asking, base: BaseName, answer: Annotated[Answer, given("screen-answer")]) -> list[Leak]:
    """Return the stretches of an answer that its asker may not see."""
    with caller.reading() as work:
        return list(work.knowledge.screen(base, answer.answer, answer.asker, actor=caller.actor))


@router.post("/knowledge/{base}/sight", **said("faces.api:show-sight"))
def show_sight(caller: Asking, base: BaseName, asker: Annotated[Asker, given("show-sight")]) -> list[Sight]:
    """Show how much of each document an asker may see."""
    with caller.reading() as work:
        return list(work.knowledge.sight(base, asker))
