"""The live handshake: a server started in a cage, asked what it lists, more than once, and never to do anything.

Only `initialize`, `tools/list`, `prompts/list` and `resources/list` are sent. One process is asked twice, a second one
once more under another client's name: a server that tells different readers different things is found out.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path

from jingwei.core.canonical import Json
from jingwei.core.text import text
from jingwei.deploy.agents.documents import Server
from jingwei.deploy.agents.examined import Examined, judged
from jingwei.deploy.agents.findings import Notes, shown
from jingwei.deploy.agents.sandbox import Caged, CageError, caged
from jingwei.deploy.agents.things import Kind, Thing, thing_of
from jingwei.deploy.agents.tools import judge_together
from jingwei.deploy.scanned import Scanned

_VERSION = "2025-06-18"
_LISTS: Mapping[str, Kind] = {"tools": "tool", "prompts": "prompt", "resources": "resource"}
_MOST_PAGES = 20
_MOST_ITEMS = 2_000
_MOST_LINES = 5_000
_CLIENTS = ("jingwei", "claude-ai")
"""Names under which the server is asked."""

Listing = dict[str, Thing]


class _Talk:
    """One conversation with one process."""

    def __init__(self, child: Caged, path: str) -> None:
        self._child = child
        self._lines = islice(child.lines(), _MOST_LINES)
        self._number = 0
        self._path = path
        self.asked: list[str] = []
        """What the server asked of its client while it was only listing."""

    def begin(self, client: str) -> Mapping[str, Json]:
        """Shake hands and return what the server says of itself."""
        about: dict[str, Json] = {
            "protocolVersion": _VERSION,
            "capabilities": {},
            "clientInfo": {"name": client, "version": "1.0"},
        }
        answer = self._ask("initialize", about)
        self._child.say({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return answer

    def listing(self, offered: Json) -> Listing:
        """Ask for everything that the server offers."""
        found: Listing = {}
        for name, kind in _LISTS.items():
            if isinstance(offered, Mapping) and name in offered:
                for raw in self._pages(name):
                    thing = thing_of(raw, kind=kind, path=self._path)
                    found[
                        f"{kind}:{thing.name}:{len(found)}"
                        if f"{kind}:{thing.name}" in found
                        else f"{kind}:{thing.name}"
                    ] = thing
        return found

    def _pages(self, name: str) -> Iterator[Mapping[str, Json]]:
        cursor: Json = None
        for _ in range(_MOST_PAGES):
            answer = self._ask(f"{name}/list", {"cursor": cursor} if cursor else {})
            items = answer.get(name)
            yield from (
                each for each in (items if isinstance(items, list) else [])[:_MOST_ITEMS] if isinstance(each, Mapping)
            )
            cursor = answer.get("nextCursor")
            if not isinstance(cursor, str):
                return

    def _ask(self, method: str, parameters: Mapping[str, Json]) -> Mapping[str, Json]:
        self._number += 1
        self._child.say({"jsonrpc": "2.0", "id": self._number, "method": method, "params": dict(parameters)})
        for line in self._lines:
            message = _message(line)
            if message is None:
                continue
            if message.get("id") == self._number and "method" not in message:
                result = message.get("result")
                return result if isinstance(result, Mapping) else {}
            self._answer(message)
        raise CageError("gap-talks-too-much")

    def _answer(self, message: Mapping[str, Json]) -> None:
        """Decline whatever the server asks of its client."""
        method = message.get("method")
        if not isinstance(method, str) or "id" not in message:
            return
        self.asked.append(method)
        if method == "ping":
            self._child.say({"jsonrpc": "2.0", "id": message["id"], "result": {}})
        else:
            refusal: Json = {"code": -32601, "message": "not offered"}
            self._child.say({"jsonrpc": "2.0", "id": message["id"], "error": refusal})


def _message(line: bytes) -> Mapping[str, Json] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, Mapping) else None


def listed(server: Server, path: str, folder: Path, *, seconds: float) -> Iterator[Examined]:
    """Give what a server lists when it is started; a server at an address is not called."""
    command = server.raw.get("command")
    arguments = server.raw.get("args")
    if not isinstance(command, str):
        return
    words = [command, *(str(each) for each in (arguments if isinstance(arguments, list) else []))]
    notes = Notes(path)
    try:
        first, second, about = _twice(words, folder, path, notes, seconds=seconds)
        other, _, _ = _twice(words, folder, path, notes, seconds=seconds, client=_CLIENTS[1])
    except CageError as error:
        gap = text(f"deploy.agents:{error.reason}").format(path=shown(path), reason=shown(error.about) or "—")
        yield Examined(
            Scanned(path=shown(f"{path}!live"), format="mcp-live", gaps=(gap,), findings=tuple(notes.findings))
        )
        return
    _compare(first, second, notes)
    _compare(first, other, notes)
    yield Examined(Scanned(path=shown(f"{path}!live"), format="mcp-live", findings=tuple(notes.findings)))
    later = [thing for key, thing in second.items() if key not in first or thing.digest != first[key].digest]
    things = [*first.values(), *(replace(thing, path=f"{thing.path}!later") for thing in later), about]
    kept = {thing.path: Notes(thing.path) for thing in things}
    judge_together(things, kept)
    for thing in things:
        yield judged(thing, kept[thing.path])


def _twice(words: list[str], folder: Path, path: str, notes: Notes, *, seconds: float,
           client: str = _CLIENTS[0]) -> tuple[Listing, Listing, Thing]:  # fmt: skip
    with caged(words, folder, seconds=seconds) as child:
        talk = _Talk(child, f"{path}!live")
        about = talk.begin(client)
        first = talk.listing(about.get("capabilities"))
        second = talk.listing(about.get("capabilities"))
        asked = [method for method in talk.asked if method.startswith(("sampling/", "elicitation/"))]
        if asked:
            notes.find("asks-back", path, seen=", ".join(asked[:5]))
    said = {key: about[key] for key in ("instructions", "serverInfo") if key in about}
    return first, second, thing_of(said, kind="text", path=f"{path}!live", name="initialize")


def _compare(first: Listing, second: Listing, notes: Notes) -> None:
    for key in sorted(first.keys() | second.keys()):
        one, other = first.get(key), second.get(key)
        if one is None or other is None or one.digest != other.digest:
            there = one or other
            where = there.path if there is not None else key
            seen = " → ".join(_said(each) for each in (one, other))
            notes.find("changes-between", where, seen=seen)


def _said(thing: Thing | None) -> str:
    if thing is None:
        return "∅"
    description = thing.raw.get("description")
    return description[:70] if isinstance(description, str) else thing.digest[:12]
