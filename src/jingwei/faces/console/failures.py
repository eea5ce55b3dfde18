"""Errors as pages."""

import logging
from http import HTTPStatus
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from jingwei.core.errors import JingweiError
from jingwei.core.text import Both, text
from jingwei.faces.console.rendering import Page
from jingwei.faces.console.visitor import Visitor
from jingwei.faces.web import status_of

_HTTP_TEXTS = {404: "not-found", 405: "not-this-way"}
_log = logging.getLogger(__name__)


def mount_failures(app: FastAPI) -> None:
    """Let the app answer every error with a page in the visitor's language."""
    app.add_exception_handler(JingweiError, _refused)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _broken)


def _shown(request: Request, status: int, message: Both, *, field: str | None = None) -> Response:
    page = Page(request, Visitor())
    back = request.url.path if request.method == "GET" and status >= HTTPStatus.INTERNAL_SERVER_ERROR else ""
    return page.render("error.html", status=status, number=status, message=message, field=field, back=back)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, JingweiError)  # noqa: S101 - tells the type checker what the registration says
    status = status_of(error)
    if status is HTTPStatus.UNAUTHORIZED and request.method == "GET":
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?next={quote(wanted)}", HTTPStatus.SEE_OTHER)
    return _shown(request, status, error.message, field=error.field)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    name = _HTTP_TEXTS.get(error.status_code, "bad-request")
    status = error.status_code if error.status_code in _HTTP_TEXTS else HTTPStatus.BAD_REQUEST
    response = _shown(request, status, text(f"faces.console:error.{name}"))
    response.headers.update(error.headers or {})
    return response


async def _broken(request: Request, error: Exception) -> Response:
    _log.error("unexpected error at %s", request.url.path, exc_info=error)
    return _shown(request, HTTPStatus.INTERNAL_SERVER_ERROR, text("faces.console:error.broken"))
