"""Asking a running gateway: the few requests that checks of a GATEWAY target make, signed where the run is a trial.

Plain `http.client` in a thread: these are dozens of requests, and a check should not need an HTTP library.
"""

import asyncio
import http.client
import json
from typing import NamedTuple, cast
from urllib.parse import urlsplit

from jingwei.core.canonical import Json
from jingwei.core.check import Run
from jingwei.core.errors import Unavailable

TIMEOUT_SECONDS = 120
MAX_BYTES = 16 * 1024 * 1024
_REFUSALS = frozenset({401, 403, 502, 503, 504})


class Reply(NamedTuple):
    """What the gateway answered."""

    status: int
    raw: bytes

    @property
    def value(self) -> dict[str, Json]:
        """Return the answer's JSON object; an empty one where it is none."""
        try:
            found = json.loads(self.raw)
        except ValueError:
            return {}
        return cast("dict[str, Json]", found) if isinstance(found, dict) else {}

    @property
    def decision(self) -> str:
        """Return what the guard decided: `allow` where the answer says nothing of it."""
        told = self.value.get("jingwei")
        return str(told.get("decision", "allow")) if isinstance(told, dict) else "allow"


def ask(run: Run, path: str, *, body: dict[str, Json] | None = None) -> Reply:
    """Ask the run's gateway: GET without a body, POST with one.

    Args:
        run: gives the address, the credential and the proof.
        path: the path, with its query.
        body: what to post.

    Raises:
        Unavailable: the gateway is not there, or does not serve this run; nothing can be concluded.
    """
    method = "GET" if body is None else "POST"
    raw = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json"}
    if run.secret:
        headers["Authorization"] = f"Bearer {run.secret.get_secret_value()}"
    if run.sign_request:
        headers |= run.sign_request(raw, method=method, path=path.partition("?")[0])
    reply = _sent(run, method, path, raw, headers)
    if reply.status in _REFUSALS:
        error = reply.value.get("error")
        code = error.get("code", "") if isinstance(error, dict) else ""
        raise Unavailable("core:gateway-refuses", field="target", status=reply.status, code=code)
    return reply


async def asked(run: Run, path: str, *, body: dict[str, Json] | None = None) -> Reply:
    """Do the same without holding up the event loop."""
    return await asyncio.to_thread(ask, run, path, body=body)


def _sent(run: Run, method: str, path: str, raw: bytes, headers: dict[str, str]) -> Reply:
    address = urlsplit(run.target.locator)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, path, raw or None, headers)
        response = connection.getresponse()
        return Reply(response.status, response.read(MAX_BYTES))
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable("core:gateway-unreachable", field="target", url=run.target.locator) from error
    finally:
        connection.close()
