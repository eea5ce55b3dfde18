"""Errors as JSON.

{"error": {"code": "manage:gate-closed", "field": null, "zh": "…", "en": "…"}}
"""

import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from jingwei.catalog import explained
from jingwei.core.errors import JingweiError
from jingwei.core.text import Both, text
from jingwei.faces.api.route import model_of
from jingwei.faces.api.words import line
from jingwei.faces.web import status_of

_OF_THE_BODY = {
    "faces.api:body-too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "faces.api:body-not-json": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}
_SECRETS = ("password", "code", "secret")
_log = logging.getLogger(__name__)


class Said(BaseModel):
    """What is wrong and how to mend it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    """Stable name for programs."""
    field: str | None
    zh: str
    en: str


class Failed(BaseModel):
    """The body of every answer that is not a success."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    error: Said


def refusals() -> dict[int | str, dict[str, Any]]:  # Any: OpenAPI
    """Return what every operation may answer instead of a success."""
    return {
        status: {"model": Failed, "description": line(f"faces.api:status-{status}")}
        for status in (401, 403, 404, 409, 413, 415, 422, 503)
    }


def mount_failures(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Let the app answer every error as JSON in both languages."""
    routes = tuple(route for router in routers for route in router.routes if isinstance(route, APIRoute))

    async def not_served(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - tells the type checker what the registration says
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            path = str(request.scope["path"]).removeprefix(request.scope.get("root_path", ""))
            known = {method for route in routes if route.path_regex.match(path) for method in route.methods or ()}
            allowed = ", ".join(sorted(known or {"GET"}))
            return _answer(405, "faces.api:method-unknown", headers={"Allow": allowed}, allowed=allowed)
        if error.status_code == HTTPStatus.NOT_FOUND:
            return _answer(404, "faces.api:path-unknown")
        return _answer(error.status_code, "faces.api:request-unreadable", headers=error.headers)

    app.add_exception_handler(JingweiError, _refused)
    app.add_exception_handler(RequestValidationError, _unfit)
    app.add_exception_handler(HTTPException, not_served)
    app.add_exception_handler(Exception, _broken)


def _answer(status: int, code: str, *, headers: Mapping[str, str] | None = None, **values: object) -> Response:
    return _said(status, code, text(code, **values), headers=headers)


def _said(
    status: int, code: str, message: Both, *, field: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    failed = Failed(error=Said(code=code, field=field, zh=message.zh, en=message.en))
    return JSONResponse(failed.model_dump(), status, headers=dict(headers or {}))


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, JingweiError)  # noqa: S101 - as above
    status = _OF_THE_BODY.get(error.code) or status_of(error)
    headers = {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else {}
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers = {"Retry-After": "1"}
    return _said(status, error.code, error.message, field=error.field, headers=headers)


async def _unfit(request: Request, error: Exception) -> Response:
    """Say the first thing that does not fit, never repeating a secret."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    first = dict(error.errors()[0])
    place = [str(part) for part in first["loc"]]
    where, path = place[0], tuple(first["loc"][1:])
    field = ".".join(str(part) for part in path) or where
    if any(name in field for name in _SECRETS):
        first["input"] = "…"
    model = model_of(request.scope.get("route")) if where == "body" else None
    message = _explained({**first, "loc": path or first["loc"]}, model or BaseModel)
    return _said(422, "faces.api:field-unfit", text("faces.api:field-unfit", field=field, why=message), field=field)


def _explained(error: dict[str, Any], model: type[BaseModel]) -> Both:  # Any: one of pydantic's errors
    kind, context = error["type"], error.get("ctx", {})
    if kind in {"string_too_long", "too_long"}:
        return text("faces.api:too-long", limit=context["max_length"])
    if kind.startswith(("datetime", "timezone")):
        return text("faces.api:not-a-time")
    return explained(error, model, 0)  # type: ignore[arg-type]  # FastAPI hands pydantic's errors on as plain mappings


async def _broken(request: Request, error: Exception) -> Response:
    _log.error("unexpected error at %s", request.url.path, exc_info=error)
    return _answer(500, "faces.api:broken")
