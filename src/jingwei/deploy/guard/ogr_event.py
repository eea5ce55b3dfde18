"""GuardEvents of OpenGuardrails (OGR v1.0): what another gateway's plug-in sends to be judged, and the texts in it.

An event holds a provider's request or answer as it is transported. Every text in it is read with its place, written as
the protocol writes it: `payload.messages.0.content`. Tool calls of an answer are read apart, for they are decided by
the tools the policy lists.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jingwei.core.canonical import Json
from jingwei.core.errors import InputError
from jingwei.deploy.guard.passages import MAX_DEPTH, MAX_PASSAGES, READ, Passage, extract_texts, is_name, is_plain_key
from jingwei.deploy.guard.verdict import Direction, Path

Protocol = Literal["openai.chat", "openai.responses", "anthropic.messages", "canonical"]
_NAMES = frozenset({"id", "object", "type", "role", "model", "finish_reason", "stop_reason", "status", "call_id",
                    "system_fingerprint", "service_tier", "tool_call_id", "name"})  # fmt: skip
"""Keys of an answer whose values are identifiers, where they look like one."""
_CALLS = ("tool_use", "_call")
"""How the type of a tool call ends; one without a name goes by its type, and is no listed tool."""
_UNREAD = frozenset({"usage", "timing"})
_READ_ELSEWHERE = frozenset({*READ, "input", "text", "system", "instructions"})
"""Fields of a request that are read in another way, and the application's own prompt."""


class GuardEvent(BaseModel):
    """One half of one call of a model, as OGR v1.0 writes it; what an event holds besides is left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Literal["step/request", "step/response"]
    step_id: str = Field(default="", max_length=256)
    agent_id: str = Field(default="", max_length=256)
    agent_type: str = Field(default="", max_length=256)
    agent_workspace: str = Field(default="", max_length=256)
    agent_user: str = Field(default="", max_length=256)
    llm_protocol: Protocol = "canonical"
    session_hint: str | None = Field(default=None, max_length=256)
    payload: dict[str, Any]
    """A provider's request or answer. Any: JSON, whose type pydantic cannot follow into itself."""


class CallAsked(NamedTuple):
    """One tool call of an answer."""

    path: Path
    """Where its arguments stand."""
    name: str
    arguments: str
    is_text: bool
    """Whether the arguments are written as one JSON text, as OpenAI does."""


@dataclass(frozen=True, slots=True)
class EventAsked:
    """What is to be judged of one event."""

    event: GuardEvent
    direction: Direction
    passages: tuple[Passage, ...]
    calls: tuple[CallAsked, ...] = ()


def read_event(given: Mapping[str, Json]) -> EventAsked:
    """Read an event.

    Raises:
        InputError: it is none; the message names the field.
    """
    try:
        event = GuardEvent.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise InputError("deploy.guard:event-invalid", field=place, name=place, why=first["msg"]) from error
    if event.kind == "step/request":
        return EventAsked(event, "inbound", _asked(event))
    calls = tuple(_calls(event.payload, ()))
    behind = {call.path for call in calls}
    found = tuple(passage for passage in _said(event.payload, ()) if passage.path not in behind)
    if len(found) > MAX_PASSAGES:
        raise InputError("deploy.guard:too-many-texts", field="payload", limit=MAX_PASSAGES)
    return EventAsked(event, "outbound", found, calls)


def dotted(path: Path) -> str:
    """Write a place as the protocol does: `payload.messages.0.content`."""
    return ".".join(("payload", *(str(step) for step in path)))


def _asked(event: GuardEvent) -> tuple[Passage, ...]:
    """Return the texts of a request; the application's own opening prompt is not among them."""
    payload = event.payload
    found: list[Passage] = []
    given = payload.get("input")
    if isinstance(given, list):
        read = extract_texts({"messages": given})
        found += [each._replace(path=("input", *each.path[1:]),
                                pieces=tuple(("input", *path[1:]) for path in each.pieces))
                  for each in read]  # fmt: skip
    for key in ("input", "text"):
        if isinstance(payload.get(key), str) and payload[key]:
            found.append(Passage((key,), payload[key]))
    for key, value in payload.items():  # a field that we do not know may still be read by the model's server
        if key not in _READ_ELSEWHERE:
            found += [each._replace(role="user") for each in _said(value, (key,))]
    return (*extract_texts(payload), *found)


def _said(value: Json, path: Path) -> Iterator[Passage]:
    """Give every text of an answer."""
    if len(path) > MAX_DEPTH:
        raise InputError("deploy.guard:too-deep", field="payload", place="payload", limit=MAX_DEPTH)
    if isinstance(value, str):
        if value and not (path and is_name(value, path, _NAMES)):
            yield Passage(path, value, role="assistant")
    elif isinstance(value, list):
        for place, entry in enumerate(value):
            yield from _said(entry, (*path, place))
    elif isinstance(value, dict):
        for key, entry in value.items():
            if not is_plain_key(key):
                yield Passage((*path, "(key)"), key, fixed=True, role="assistant")
            if len(path) > 0 or key not in _UNREAD:
                yield from _said(entry, (*path, key))


def _calls(value: Json, path: Path) -> Iterator[CallAsked]:
    """Give every tool call of an answer, whichever protocol wrote it."""
    if isinstance(value, list):
        for place, entry in enumerate(value):
            yield from _calls(entry, (*path, place))
        return
    if not isinstance(value, dict) or len(path) > MAX_DEPTH:
        return
    call = _call(value, path)
    if call is not None:
        yield call
        return
    for key in ("choices", "message", "tool_calls", "function_call", "content", "output"):
        if key in value:
            yield from _calls(value[key], (*path, key))


def _call(value: Mapping[str, Json], path: Path) -> CallAsked | None:
    function = value.get("function")
    if isinstance(function, dict) and (len(path) > 1 and path[-2] == "tool_calls"):
        return _named(function, "arguments", (*path, "function"))
    kind = value.get("type")
    if isinstance(kind, str) and kind.endswith(_CALLS):  # `tool_use`, `function_call`, and whatever else acts
        return _named(value, "input" if "input" in value else "arguments", path)
    if len(path) > 1 and path[-2] == "tool_calls":
        return _named(value, "arguments", path)
    return _named(value, "arguments", path) if path and path[-1] == "function_call" else None


def _named(value: Mapping[str, Json], key: str, path: Path) -> CallAsked:
    name, arguments = value.get("name") or value.get("type"), value.get(key)
    if isinstance(arguments, str):
        return CallAsked((*path, key), str(name), arguments, is_text=True)
    return CallAsked((*path, key), str(name), orjson.dumps(arguments or {}).decode(), is_text=False)
