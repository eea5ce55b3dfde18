"""Uploads: the body of the request is the file, streamed into the blob store and bounded on the way."""

from http import HTTPStatus
from typing import BinaryIO, cast

import anyio
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from jingwei.core.errors import InputError, Refused
from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.route import KeyedRoute, demand_size
from jingwei.faces.api.words import said
from jingwei.manage import may

router = APIRouter(tags=["evidence"], route_class=KeyedRoute, responses=refusals())

_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


class Uploaded(BaseModel):
    """What was stored; name it in evidence by its digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    size: int


@router.post(
    "/artefacts",
    status_code=HTTPStatus.CREATED,
    openapi_extra={"requestBody": {"required": True, "content": _BYTES}},
    **said("faces.api:upload-artefact"),
)
def upload_artefact(caller: Asking, request: Request) -> Uploaded:
    """Store a file that evidence can name."""
    domains = {domain for _, domain in caller.actor.roles}
    if not any(may(caller.actor, "evidence.enter", domain=domain, owns=True) for domain in domains):
        raise Refused("faces.api:upload-not-allowed")
    most = caller.platform.settings.max_upload_bytes
    demand_size(request, most)
    blob = caller.platform.blobs.put(cast("BinaryIO", Incoming(request, most)))  # put only reads
    return Uploaded(sha256=blob.sha256, size=blob.size)


class Incoming:
    """The body of a request as a file that a worker thread reads while it comes in."""

    def __init__(self, request: Request, most: int) -> None:
        self._pieces = request.stream()
        self._most = most
        self._size = 0

    def read(self, _size: int = -1) -> bytes:
        """Return the next piece; empty at the end.

        Raises:
            InputError: it is empty, or larger than it may be; nothing of it is kept.
        """
        while True:
            piece = anyio.from_thread.run(self._next)
            if piece is None and not self._size:
                raise InputError("faces.api:upload-empty", field="body")
            if piece is None:
                return b""
            self._size += len(piece)
            if self._size > self._most:
                raise InputError("faces.api:body-too-large", field="body", limit=self._most)
            if piece:
                return piece

    async def _next(self) -> bytes | None:
        return await anext(self._pieces, None)
