"""Routes that know their caller before they read a body, and read no more of it than they must.

A body is JSON of at most one MiB and thirty-two levels, in which no name stands twice: what we check is what was meant.
"""

import json
import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from jingwei.core.errors import InputError
from jingwei.faces.api.caller import identified

MOST_BYTES = 1024 * 1024
DEEPEST = 32
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""NUL and lone surrogates: no database of ours takes them."""


class KeyedRoute(APIRoute):
    """A route that only an API key opens."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with what comes before it."""
        serve = super().get_route_handler()
        model = model_of(self)

        async def keyed(request: Request) -> Response:
            request.state.caller = await run_in_threadpool(identified, request)
            if "\x00" in request.url.path or "%00" in request.url.query:
                raise InputError("faces.api:text-unfit", field="url")
            if model is None:
                return await serve(request)
            bounded = BoundedRequest(request.scope, request.receive)
            await bounded.json()
            demand_strictly(model, await bounded.body())
            return await serve(bounded)

        return keyed


def model_of(route: object) -> type[BaseModel] | None:
    """Return the model of a route's JSON body, where it takes one."""
    body = getattr(route, "body_field", None)
    return body.field_info.annotation if body is not None else None


def demand_strictly(model: type[BaseModel], body: bytes) -> None:
    """Refuse what would only fit by being read as something else: 0 for false, "5" for 5, 0 for a moment in 1970.

    Raises:
        RequestValidationError: it does not fit as it is written.
    """
    try:
        model.model_validate_json(body, strict=True)
    except ValidationError as error:
        wrong = error.errors(include_url=False)
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in wrong]) from error


class BoundedRequest(Request):
    """A request whose JSON is bounded and unambiguous."""

    _read: bytes | None = None
    _parsed: Any = None  # Any: JSON

    async def body(self) -> bytes:
        """Read the body.

        Raises:
            InputError: it is larger than it may be.
        """
        if self._read is None:
            demand_size(self, MOST_BYTES)
            pieces, size = [], 0
            async for piece in self.stream():
                size += len(piece)
                if size > MOST_BYTES:
                    raise InputError("faces.api:body-too-large", field="body", limit=MOST_BYTES)
                pieces.append(piece)
            self._read = b"".join(pieces)
        return self._read

    async def json(self) -> Any:  # Any: JSON
        """Parse the body.

        Raises:
            InputError: it is not JSON, is nested too deeply, or says something twice.
        """
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise InputError("faces.api:body-not-json", field="body")
        if self._parsed is None:
            self._parsed = parsed(await self.body())
        return self._parsed


def demand_size(request: Request, most: int) -> None:
    """Refuse a body that says of itself that it is too large, before any of it is read.

    Raises:
        InputError: it is.
    """
    told = request.headers.get("content-length", "")
    if told.isascii() and told.isdigit() and (len(told) > 18 or int(told) > most):
        raise InputError("faces.api:body-too-large", field="body", limit=most)


def parsed(body: bytes) -> Any:  # Any: JSON
    """Parse JSON that came from outside.

    Raises:
        InputError: names what is wrong with it.
    """
    try:
        found = json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_refused)
    except RecursionError as error:
        raise InputError("faces.api:body-too-deep", field="body", limit=DEEPEST) from error
    except ValueError as error:  # not JSON, not UTF-8, or a number of thousands of digits
        raise InputError("faces.api:body-unreadable", field="body") from error
    _demand_fit(found)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError("faces.api:name-twice", field=_printable(twice), name=_printable(twice))
    return found


def _refused(constant: str) -> Any:
    raise ValueError(constant)


def _demand_fit(value: Any) -> None:
    """Refuse what nests too deeply, and texts that no database stores."""
    level = [value]
    for _ in range(DEEPEST + 1):
        inner: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                inner += [*each.keys(), *each.values()]
            elif isinstance(each, list):
                inner += each
            elif isinstance(each, str) and _UNSTORABLE.search(each):
                raise InputError("faces.api:text-unfit", field="body")
        level = inner
        if not level:
            return
    raise InputError("faces.api:body-too-deep", field="body", limit=DEEPEST)


def _printable(given: str) -> str:
    return _UNSTORABLE.sub("?", given)[:60]
