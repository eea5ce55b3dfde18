"""Tool calls as they come in an answer."""

import re
from dataclasses import dataclass
from typing import NamedTuple, cast

import orjson

from jingwei.core.canonical import Json
from jingwei.deploy.guard import GuardVerdict, rewrite
from jingwei.faces.gateway.refusal import Code, Refusal

MAX_ARGUMENTS = 64 * 1024
_UNREADABLE = "null"
"""Arguments that no tool takes."""
_IDENTITY = re.compile(r"[\w.:-]{1,64}", re.ASCII)
"""An id that a model's server gives a call; nobody judges it, so it is no place for a text."""


class Call(NamedTuple):
    """One tool call; what is missing is empty, and will not be allowed."""

    name: str
    arguments: str


@dataclass(slots=True)
class ToolDraft:
    """A tool call of a stream, put together piece by piece."""

    identity: str = ""
    name: str = ""
    arguments: str = ""

    def add(self, piece: dict[str, Json]) -> None:
        """Take the next piece.

        Raises:
            Refusal: the arguments grow beyond any call's.
        """
        identity = piece.get("id")
        if isinstance(identity, str) and _IDENTITY.fullmatch(identity):
            self.identity = self.identity or identity
        call = read_call(piece)
        self.name += call.name
        self.arguments += call.arguments
        if len(self.arguments) > MAX_ARGUMENTS or len(self.name) > 256:
            raise Refusal(Code.UPSTREAM_GARBAGE)

    def passed(self, place: int, verdict: GuardVerdict) -> dict[str, Json]:
        """Return the whole call as it may leave, redacted where the verdict says so."""
        arguments = rewritten_arguments(self.arguments, verdict) if verdict.rewritten else self.arguments
        return {"index": place, "id": self.identity, "type": "function",
                "function": {"name": self.name, "arguments": arguments}}  # fmt: skip


def read_call(call: Json) -> Call:
    """Return the name and arguments of a tool call."""
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return Call("", "")
    name, arguments = function.get("name"), function.get("arguments")
    if isinstance(arguments, dict):
        try:
            arguments = orjson.dumps(arguments).decode()
        except TypeError:  # nested too deeply
            arguments = _UNREADABLE
    return Call(name if isinstance(name, str) else "", arguments if isinstance(arguments, str) else "")


def known_calls(calls: Json) -> list[Json]:
    """Keep of tool calls their id, name and arguments.

    Raises:
        Refusal: they are no list.
    """
    if not isinstance(calls, list):
        raise Refusal(Code.UPSTREAM_GARBAGE)
    kept: list[Json] = []
    for call in calls:
        name, arguments = read_call(call)
        identity = call.get("id") if isinstance(call, dict) else None
        known = isinstance(identity, str) and _IDENTITY.fullmatch(identity)
        kept.append({"id": identity if known else "", "type": "function",
                     "function": {"name": name, "arguments": arguments}})  # fmt: skip
    return kept


def rewritten_arguments(arguments: str, verdict: GuardVerdict) -> str:
    """Return a tool call's arguments with what was redacted replaced."""
    parsed = cast("dict[str, Json]", orjson.loads(arguments))
    return orjson.dumps(rewrite(parsed, verdict.rewritten)).decode()
