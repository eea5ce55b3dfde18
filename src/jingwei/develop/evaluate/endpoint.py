"""The client of an OpenAI-compatible endpoint: bounded in size, time and retries, and never fooled by a bad answer.

What the endpoint did wrong comes back as a `Fault`, a value; only an endpoint that cannot be reached, or that does not
accept the key, is an error.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from jingwei.core.check import Run
from jingwei.core.errors import Unavailable
from jingwei.core.target import Target, TargetKind
from jingwei.develop.evaluate.exchange import Answer, Call, Fault

_LARGEST = 1024 * 1024
"""Bytes of a response; an answer of 4,000 tokens has some 20 KB."""
_UNREACHABLE = "unreachable"
_DENIED = frozenset({"status-401", "status-403"})


def _passing(fault: Fault) -> bool:
    """Tell whether another try may go better: no connection, too many requests, a server error."""
    return fault.reason in {_UNREACHABLE, "status-429"} or fault.reason.startswith("status-5")


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient the client is."""

    timeout_seconds: float
    retries: int
    backoff_seconds: float


class Endpoint:
    """Opens one session while anything is under way and closes it with the last request."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._users = 0

    async def chat(self, run: Run, body: Mapping[str, object], *, limits: Limits) -> Answer | Fault:
        """Ask for one completion.

        Raises:
            Unavailable: the endpoint cannot be reached or does not accept the key.
        """
        content = json.dumps(body, ensure_ascii=False).encode()
        found = await self._json(run, "POST", "chat/completions", content=content, limits=limits)
        return found if isinstance(found, Fault) else _answer(found)

    async def get(self, run: Run, path: str, *, limits: Limits) -> dict[str, Any] | Fault:
        """Read one JSON object.

        Raises:
            Unavailable: the endpoint cannot be reached or does not accept the key.
        """
        return await self._json(run, "GET", path, content=b"", limits=limits)

    async def _json(self, run: Run, method: str, path: str, *, content: bytes,
                    limits: Limits) -> dict[str, Any] | Fault:  # fmt: skip
        url = _url(run.target, path)
        reached: bytes | Fault = Fault(reason=_UNREACHABLE)
        for turn in range(limits.retries + 1):
            if turn:
                await asyncio.sleep(min(limits.backoff_seconds * 2 ** (turn - 1), 8.0))
            reached = await self._tried(run, method, url, content=content, limits=limits)
            if not (isinstance(reached, Fault) and _passing(reached)):
                break
        if isinstance(reached, bytes):
            return _object(reached)
        if reached.reason == _UNREACHABLE:
            raise Unavailable("develop.evaluate:endpoint-unreachable", field="target", url=url)
        if reached.reason in _DENIED:
            raise Unavailable("develop.evaluate:endpoint-denied", field="secret", url=url, status=reached.reason[-3:])
        return reached

    async def _tried(self, run: Run, method: str, url: str, *, content: bytes, limits: Limits) -> bytes | Fault:
        """Make one request; whatever goes wrong is a value."""
        try:
            status, raw = await self._once(run, method, url, content=content, limits=limits)
        except aiohttp.ClientConnectorError:
            return Fault(reason=_UNREACHABLE)
        except TimeoutError:
            return Fault(reason="timeout")
        except aiohttp.ClientPayloadError:
            return Fault(reason="cut-off")
        except (aiohttp.ClientError, ValueError):
            return Fault(reason="protocol")
        return raw if status == HTTPStatus.OK else Fault(reason=f"status-{status}")

    async def _once(self, run: Run, method: str, url: str, *, content: bytes, limits: Limits) -> tuple[int, bytes]:
        async with (
            self._open() as session,
            session.request(
                method,
                url,
                data=content or None,
                headers=_headers(run, method, url, content=content),
                timeout=aiohttp.ClientTimeout(total=limits.timeout_seconds),
                allow_redirects=False,
            ) as response,
        ):
            raw = bytearray()
            async for piece in response.content.iter_chunked(65_536):
                raw += piece
                if len(raw) > _LARGEST:
                    raise ValueError
            return response.status, bytes(raw)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[aiohttp.ClientSession]:
        self._users += 1
        try:
            if self._session is None:
                self._session = aiohttp.ClientSession(trust_env=False, cookie_jar=aiohttp.DummyCookieJar())
            yield self._session
        finally:
            self._users -= 1
            if not self._users and self._session is not None:
                session, self._session = self._session, None
                await session.close()


def _url(target: Target, path: str) -> str:
    """Return the address of a path; a gateway's target is its root, an endpoint's ends in its API's prefix."""
    prefix = "" if target.kind is not TargetKind.GATEWAY or path.startswith("jingwei/") else "v1/"
    return f"{target.locator.rstrip('/')}/{prefix}{path}"


def _headers(run: Run, method: str, url: str, *, content: bytes) -> dict[str, str]:
    headers = {"Accept-Encoding": "identity"}
    if content:
        headers["Content-Type"] = "application/json"
    if run.secret is not None:
        headers["Authorization"] = f"Bearer {run.secret.get_secret_value()}"
    if run.sign_request is None:
        return headers
    return headers | run.sign_request(content, method=method, path=urlsplit(url).path)


def _object(raw: bytes) -> dict[str, Any] | Fault:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return Fault(reason="not-json")
    return found if isinstance(found, dict) else Fault(reason="not-json")


def _answer(found: Mapping[str, Any]) -> Answer | Fault:
    """Read an answer out of a completion; anything of the wrong shape is a fault."""
    try:
        choice = found["choices"][0]
        message = choice["message"]
        text = message.get("content") or ""
        calls = [call["function"] for call in message.get("tool_calls") or []]
        names = [call["name"] for call in calls]
        finish = choice.get("finish_reason")
    except (KeyError, IndexError, TypeError, AttributeError):
        return Fault(reason="no-answer")
    if not isinstance(text, str) or not all(isinstance(name, str) for name in names):
        return Fault(reason="no-answer")
    guard = found.get("jingwei")
    said_no = isinstance(guard, dict) and guard.get("decision") == "block"
    return Answer(
        text=text, calls=tuple(Call(name=name) for name in names), blocked=finish == "content_filter" and said_no
    )
