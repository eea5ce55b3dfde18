"""Who asks: the signed-in person behind a request, with the platform they may ask and the form they sent."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request, Response
from starlette.datastructures import FormData

from jingwei.core.errors import InputError, JingweiError, Unauthenticated
from jingwei.core.text import Both, text
from jingwei.faces import web
from jingwei.faces.console.rendering import Page
from jingwei.faces.console.security import demand_same_form, demand_same_site
from jingwei.faces.console.views.listing import MOST_PAGES, Query
from jingwei.faces.console.views.parts import Form, Problem
from jingwei.faces.console.visitor import Visitor
from jingwei.faces.console.wording import PACKAGE, Wording
from jingwei.platform import Platform

SESSION = "jingwei_session"
_MOST_FIELDS = 200
_MOST_FIELDS_BY_A_FILE = 20
_LONGEST_SEARCH = 100
_LONGEST_VALUE = 10_000


@dataclass(frozen=True, slots=True)
class Caller(web.Caller):
    """A signed-in person, asking."""

    page: Page

    @property
    def visitor(self) -> Visitor:
        """Return who looks."""
        return self.page.visitor

    @property
    def wording(self) -> Wording:
        """Return how the page's language says things."""
        return self.page.wording


def platform_of(request: Request) -> Platform:
    """Return the platform this console was built on."""
    platform: Platform = request.app.state.platform
    return platform


def anybody(request: Request) -> Page:
    """Give a page to somebody who need not be signed in."""
    return Page(request, Visitor())


def caller(request: Request) -> Caller:
    """Find out who asks, by the session cookie.

    Raises:
        Unauthenticated: nobody is signed in.
        HTTPException: the first password must be changed before anything else.
    """
    platform = platform_of(request)
    token = request.cookies.get(SESSION, "")
    with platform.reading() as work:
        found = work.browsers.visitor(token) if token else None
    if found is None:
        raise Unauthenticated(f"{PACKAGE}:error.sign-in")
    if found.must_change_password and not request.url.path.startswith(("/account", "/logout")):
        raise HTTPException(303, headers={"Location": "/account"})
    visitor = Visitor(account_id=found.actor.id, name=found.display_name or found.login, csrf=found.csrf,
                      roles=frozenset(role for role, _ in found.actor.roles))  # fmt: skip
    return Caller(platform, found.actor, Page(request, visitor))


Asking = Annotated[Caller, Depends(caller)]
Anybody = Annotated[Page, Depends(anybody)]


def shows(template: str, view: Callable[..., object]) -> Callable[..., Response]:
    """Make the operation that shows a view, which FastAPI fills in, in a template."""

    def show(caller: Asking, found: Annotated[object, Depends(view)]) -> Response:
        return caller.page.render(template, view=found)

    return show


def _required(name: str) -> Both:
    return text(f"{PACKAGE}:form.required", field=text(f"{PACKAGE}:field.{name}"))


@dataclass(frozen=True, slots=True)
class Sent:
    """A form as it came in, its secret already checked."""

    values: dict[str, str]

    def __getitem__(self, name: str) -> str:
        """Return a field, stripped; empty where it was not sent."""
        return self.values.get(name, "").strip()

    def form(self, *problems: Problem) -> Form:
        """Return it to be shown again, without its passwords, with what is wrong."""
        kept = {name: value for name, value in self.values.items() if "password" not in name and name != "csrf"}
        return Form(values=kept, problems=problems)

    def missing(self, *names: str) -> tuple[Problem, ...]:
        """Return a problem for each field that must be filled in and is not."""
        return tuple(Problem(field=name, message=_required(name)) for name in names if not self[name])


async def read_form(request: Request) -> FormData:
    """Read a posted form within its limits; files are not taken here."""
    return await request.form(max_files=0, max_fields=_MOST_FIELDS, max_part_size=64 * 1024)


def sent(request: Request, caller: Asking, form: Annotated[FormData, Depends(read_form)]) -> Sent:
    """Take a posted form, if it is ours.

    Raises:
        Refused: another site sent it, or its page is out of date.
    """
    demand_same_site(request.headers.get("sec-fetch-site", ""))
    demand_same_form(str(form.get("csrf", "")), caller.visitor.csrf)
    return Sent({name: value[:_LONGEST_VALUE] for name, value in form.items() if isinstance(value, str)})


Posted = Annotated[Sent, Depends(sent)]


async def read_file_form(request: Request, caller: Asking) -> AsyncIterator[FormData]:
    """Read a posted form with one file, if it is ours; more than an upload may have is refused before it is read.

    Raises:
        InputError: it is too large, or does not say how large it is.
        Refused: another site sent it, or its page is out of date.
    """
    demand_same_site(request.headers.get("sec-fetch-site", ""))
    limit = caller.platform.settings.max_upload_bytes
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > limit:
        raise InputError(f"{PACKAGE}:error.too-large", field="artefacts", limit=caller.wording.size(limit))
    async with request.form(max_files=1, max_fields=_MOST_FIELDS_BY_A_FILE) as form:
        demand_same_form(str(form.get("csrf", "")), caller.visitor.csrf)
        yield form


PostedFile = Annotated[FormData, Depends(read_file_form)]


def query(request: Request) -> Query:
    """Read what the address asks of a list; nonsense is ignored."""
    given = {name: value.strip()[:_LONGEST_SEARCH] for name, value in request.query_params.items()}
    number = given.pop("page", "1")
    page = min(int(number), MOST_PAGES) if number.isascii() and number.isdigit() and len(number) < 8 else 1
    return Query(q=given.pop("q", ""), sort=given.pop("sort", ""), page=max(page, 1), filters=given)


Asked = Annotated[Query, Depends(query)]


def problem(error: JingweiError, *, otherwise: str = "") -> Problem:
    """Turn an error of a service into the problem of a form's field.

    Args:
        error: what the service said.
        otherwise: the field, where the error names none.
    """
    return Problem(field=(error.field or otherwise).rpartition(".")[2], message=error.message)
