"""MCP messages: read strictly, one at a time, from a closed list of methods.

Parsing is pure and bounded: size, depth, no key twice, no batch (revision 2025-06-18 took it out; a batch is a way to
hide a call among others), no method that nobody knows. What is passed on is written anew from what was understood.
"""

import json
import math
import re
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Literal, NamedTuple, cast

from jingwei.core.canonical import Json, named_once
from jingwei.core.text import text

MAX_DEPTH = 32
MAX_ID = 256
MAX_DIGITS = 20
MAX_META_CHARACTERS = 4096
VERSIONS = ("2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28")
STATELESS = "2026-07-28"
"""From this revision on: no initialize, no session; every request tells all by itself."""

REQUESTS: dict[str, frozenset[str]] = {
    "initialize": frozenset({"protocolVersion", "capabilities", "clientInfo"}),
    "server/discover": frozenset(),
    "ping": frozenset(),
    "tools/list": frozenset({"cursor"}),
    "tools/call": frozenset({"name", "arguments"}),
    "resources/list": frozenset({"cursor"}),
    "resources/templates/list": frozenset({"cursor"}),
    "resources/read": frozenset({"uri"}),
    "prompts/list": frozenset({"cursor"}),
    "prompts/get": frozenset({"name", "arguments"}),
    "completion/complete": frozenset({"ref", "argument", "context"}),
}
"""Every request that is passed on, with the parameters it may have."""
NOTIFICATIONS = frozenset({"notifications/initialized", "notifications/cancelled", "notifications/roots/list_changed"})
NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""Methods whose `Mcp-Name` header repeats a parameter."""
_WIRE = re.compile(r"jw-[0-9a-f]{32}")
_META_PREFIX = "io.modelcontextprotocol/"
_META = frozenset({_META_PREFIX + "protocolVersion", _META_PREFIX + "clientInfo", "traceparent"})
CAPABILITIES = _META_PREFIX + "clientCapabilities"


class Problem(IntEnum):
    """Codes of JSON-RPC errors."""

    PARSE = -32700
    INVALID = -32600
    METHOD = -32601
    PARAMS = -32602
    INTERNAL = -32603
    HEADERS = -32020
    HELD = -32050
    """A person must say so first; `data` names the request."""
    REFUSED = -32051
    """Not allowed; `data` says by which rules."""
    WITHHELD = -32052
    """The call was made; its result may not be seen."""
    UPSTREAM = -32053
    """The MCP server did not answer as it should."""


class WrongMessageError(Exception):
    """A message that is not passed on."""

    def __init__(self, problem: Problem, name: str, *, identity: str | int | None = None, **values: object) -> None:
        super().__init__(name)
        self.problem = problem
        self.identity = identity
        self.says = text(f"faces.gateway:mcp-{name}", **values)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a client."""

    kind: Literal["request", "notification"]
    method: str
    params: dict[str, Json]
    identity: str | int | None = None
    """The request's id; none for a notification."""

    @property
    def body(self) -> dict[str, Json]:
        """Return the message as it is passed on."""
        whole: dict[str, Json] = {"jsonrpc": "2.0", "method": self.method}
        if self.params:
            whole["params"] = self.params
        return whole if self.kind == "notification" else {**whole, "id": wire_identity(self.identity)}

    @property
    def name(self) -> str:
        """Return what the message is about: a tool, a prompt, a resource; empty for other messages."""
        value = self.params.get(NAMED.get(self.method, ""))
        return value if isinstance(value, str) else ""


def wire_identity(identity: str | int | None) -> str | int | None:
    """Return the id that a server gets to see: a text of the caller's own would go out unread."""
    if not isinstance(identity, str) or _WIRE.fullmatch(identity):
        return identity
    return "jw-" + sha256(identity.encode(errors="surrogatepass")).hexdigest()[:32]


class Reply(NamedTuple):
    """What a server answers to one request."""

    result: dict[str, Json] | None
    error: dict[str, Json] | None


def read_message(raw: bytes) -> Message:
    """Read a client's message.

    Raises:
        WrongMessageError: it is none, or none that may be passed on.
    """
    found = _object(raw)
    if isinstance(found, list):
        raise WrongMessageError(Problem.INVALID, "batch")
    if not isinstance(found, dict) or found.get("jsonrpc") != "2.0":
        raise WrongMessageError(Problem.INVALID, "not-a-message")
    if not found.keys() <= {"jsonrpc", "id", "method", "params"}:  # an answer to a server's request is none of ours
        raise WrongMessageError(Problem.INVALID, "not-a-message")
    identity = _identity(found)
    method, params = found.get("method"), found.get("params", {})
    if not isinstance(method, str) or not isinstance(params, dict):
        raise WrongMessageError(Problem.INVALID, "not-a-message", identity=identity)
    known = REQUESTS if "id" in found else NOTIFICATIONS
    if method not in known:
        raise WrongMessageError(Problem.METHOD, "method-unknown", identity=identity, method=method[:64])
    if "id" not in found:
        return Message("notification", method, _notified(method, params))
    return Message("request", method, _known(method, params, identity), identity)


def read_reply(raw: bytes, identity: str | int | None) -> Reply | None:
    """Read a server's message; None where it is not the answer to this request.

    Raises:
        WrongMessageError: it is no message, or an answer of an unknown shape.
    """
    found = _object(raw)
    if not isinstance(found, dict) or found.get("jsonrpc") != "2.0":
        raise WrongMessageError(Problem.UPSTREAM, "upstream-garbage", identity=identity)
    sent = wire_identity(identity)
    if "method" in found or found.get("id") != sent or type(found.get("id")) is not type(sent):
        return None
    result, error = found.get("result"), found.get("error")
    if isinstance(result, dict) and error is None:
        return Reply(result, None)
    if isinstance(error, dict) and result is None:
        return Reply(None, error)
    raise WrongMessageError(Problem.UPSTREAM, "upstream-garbage", identity=identity)


def _object(raw: bytes) -> Json:
    try:
        found = json.loads(raw.decode(), object_pairs_hook=named_once, parse_constant=_refused, parse_int=_whole,
                           parse_float=_finite)  # fmt: skip
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, a key twice, NaN, a number of many digits
        raise WrongMessageError(Problem.PARSE, "unreadable") from error
    if _too_deep(found):
        raise WrongMessageError(Problem.PARSE, "unreadable")
    return cast("Json", found)


def _refused(constant: str) -> Json:
    raise ValueError(constant)


def _whole(written: str) -> int:
    """Refuse a number that another reader would round or drop."""
    number = int(written) if len(written) <= MAX_DIGITS else 1 << 64
    if abs(number) >= 1 << 63:
        raise ValueError
    return number


def _finite(written: str) -> float:
    number = float(written)
    if not math.isfinite(number):
        raise ValueError
    return number


def _too_deep(value: object) -> bool:
    layer = [value]
    for _ in range(MAX_DEPTH):
        layer = [inner for each in layer if isinstance(each, dict | list)
                 for inner in (each.values() if isinstance(each, dict) else each)]  # fmt: skip
        if not layer:
            return False
    return True


def _identity(found: dict[str, Json]) -> str | int | None:
    if "id" not in found:
        return None
    identity = found["id"]
    if isinstance(identity, bool) or not isinstance(identity, str | int) or len(str(identity)) > MAX_ID:
        raise WrongMessageError(Problem.INVALID, "id-wrong")
    return identity


def _known(method: str, params: dict[str, Json], identity: str | int | None) -> dict[str, Json]:
    """Keep the parameters that the method has, and refuse others: nobody judges what nobody knows."""
    for key in params:
        if key not in REQUESTS[method] and key != "_meta":
            raise WrongMessageError(Problem.PARAMS, "param-unknown", identity=identity, parameter=key[:64])
    name = NAMED.get(method)
    if name and not (isinstance(params.get(name), str) and len(str(params[name])) <= 2048):
        raise WrongMessageError(Problem.PARAMS, "param-wrong", identity=identity, parameter=name)
    if "arguments" in params and not isinstance(params["arguments"], dict | None):
        raise WrongMessageError(Problem.PARAMS, "param-wrong", identity=identity, parameter="arguments")
    kept: dict[str, Json] = {key: value for key, value in params.items() if key != "_meta" and value is not None}
    if method == "initialize":
        kept["capabilities"] = {}  # nothing of what a server could ask of a client comes through
    meta = _meta(params.get("_meta"), identity)
    return {**kept, "_meta": meta} if meta else kept


def _meta(meta: Json, identity: str | int | None) -> dict[str, Json]:
    if meta is None:
        return {}
    if not isinstance(meta, dict):
        raise WrongMessageError(Problem.PARAMS, "param-wrong", identity=identity, parameter="_meta")
    kept = {key: value for key, value in meta.items() if key in _META}
    if CAPABILITIES in meta:
        kept[CAPABILITIES] = {}
    if len(json.dumps(kept)) > MAX_META_CHARACTERS:
        raise WrongMessageError(Problem.PARAMS, "param-wrong", identity=identity, parameter="_meta")
    return kept


def _notified(method: str, params: dict[str, Json]) -> dict[str, Json]:
    if method != "notifications/cancelled":
        return {}
    identity = params.get("requestId")
    if not isinstance(identity, str | int) or isinstance(identity, bool) or len(str(identity)) > MAX_ID:
        return {}
    return {"requestId": wire_identity(identity)}
