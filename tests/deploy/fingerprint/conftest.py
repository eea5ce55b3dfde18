"""Services on loopback that answer as they are told, and the replay of recorded answers."""

import asyncio
import json
import threading

import pytest

from jingwei.deploy.fingerprint.answer import read_answer
from jingwei.deploy.fingerprint.client import Patience
from jingwei.deploy.fingerprint.service import Manner, examine
from jingwei.deploy.fingerprint.targets import Place


class Loopback:
    """A server whose every connection is handled by one coroutine; runs in a thread of its own until it is closed."""

    def __init__(self, handle, tls=None):
        self._handle, self._tls = handle, tls
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.heard = []
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._open())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._shut())
        self._loop.close()

    async def _open(self):
        self._server = await asyncio.start_server(self._met, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    async def _shut(self):
        self._server.close()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await asyncio.sleep(0)

    async def _met(self, reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.heard.append(head)
            await self._handle(head, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.transport.abort() if writer.transport.is_closing() else writer.close()

    def close(self):
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


def page(status=200, body="", kind="text/html", **headers):
    """Write an answer."""
    raw = body if isinstance(body, bytes) else body.encode()
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n{lines}Content-Length: {len(raw)}\r\n\r\n".encode() + raw


def answering(choose):
    """Make a handler out of a function from path to bytes."""

    async def handle(head, writer):
        writer.write(choose(head.split(" ")[1]))
        await writer.drain()

    return handle


def raw_of(fixture, path):
    """Write the answer that a fixture gives to a path."""
    told = fixture["answers"].get(path) or fixture["missing"]
    body = (
        json.dumps(told["json"], separators=(",", ":"), ensure_ascii=False) if "json" in told else told.get("text", "")
    )
    headers = {**fixture.get("headers", {}), **told.get("headers", {})}
    kind = headers.pop("content-type", "application/json" if "json" in told else "text/html")
    return page(told.get("status", 200), body, kind, **headers)


def replaying(fixture):
    """Make a fetcher that answers from a fixture, without a network."""

    async def fetch(place, path, *, patience, tls=None, headers=None):
        told = fixture["answers"].get(path) or fixture["missing"]
        body = (
            json.dumps(told["json"], separators=(",", ":"), ensure_ascii=False)
            if "json" in told
            else told.get("text", "")
        )
        named = {**fixture.get("headers", {}), **told.get("headers", {})}
        return read_answer(path, told.get("status", 200), [(name, str(v)) for name, v in named.items()], body.encode())

    return fetch


def examined(server, **kind):
    """Examine a loopback service without pacing."""
    place = Place("127.0.0.1", "127.0.0.1", server.port, **kind)
    return asyncio.run(examine(place, Manner(Patience(2, 4, 0.5), per_second=1e6))).scanned


@pytest.fixture
def loopback():
    """Start servers that the test's end closes."""
    opened = []

    def start(handle, tls=None):
        server = Loopback(handle, tls)
        opened.append(server)
        return server

    yield start
    for server in opened:
        server.close()
