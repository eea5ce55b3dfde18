"""Chat requests: read strictly, because what the guard does not understand the model's server might.

The body is parsed once and written anew for the model's server, so both see the same request: a key given twice has
one meaning, a field this gateway does not know is refused, and text can only stand where the guard reads it.
"""

from collections.abc import Mapping
from typing import cast

import orjson

from jingwei.core.canonical import Json
from jingwei.core.text import text
from jingwei.faces.gateway.documents import is_document, is_file
from jingwei.faces.gateway.refusal import Code, Refusal

ChatBody = dict[str, Json]

_TEXTS = frozenset({"model", "user", "reasoning_effort", "service_tier"})
_NUMBERS = frozenset({
    "temperature", "top_p", "top_k", "min_p", "max_tokens", "max_completion_tokens", "presence_penalty",
    "frequency_penalty", "repeat_penalty", "seed",
})  # fmt: skip
_BOOLEANS = frozenset({"stream", "parallel_tool_calls", "store"})
_LISTS = frozenset({"messages", "tools"})
_OBJECTS = frozenset({"stream_options", "logit_bias", "metadata", "prediction", "response_format"})
_FLAT = ("stream_options", "logit_bias")
"""Objects of numbers, true and false: no guard reads them, so no text may stand there."""
_FREE = frozenset({"stop", "tool_choice", "n"})
_KINDS: dict[str, tuple[str, tuple[type, ...]]] = {
    **dict.fromkeys(_TEXTS, ("text", (str,))), **dict.fromkeys(_BOOLEANS, ("boolean", (bool,))),
    **dict.fromkeys(_LISTS, ("list", (list,))), **dict.fromkeys(_OBJECTS, ("object", (dict,))),
    **dict.fromkeys(_NUMBERS, ("number", (int, float))), **dict.fromkeys(_FREE, ("", ())),
}  # fmt: skip
"""What each field that this gateway knows may hold: the name of its kind, and its types."""
_MESSAGE_KEYS = frozenset({"role", "content", "name", "tool_calls", "tool_call_id", "refusal", "reasoning_content"})
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
MAX_MESSAGES = 512
MAX_CHOICES = 8


def read_object(raw: bytes) -> ChatBody:
    """Read a JSON object.

    Raises:
        Refusal: it is none.
    """
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Refusal(Code.BODY_UNREADABLE) from error
    if not isinstance(body, dict):
        raise Refusal(Code.BODY_UNREADABLE)
    return cast("ChatBody", body)


def read_chat(raw: bytes) -> ChatBody:
    """Read and check a chat request.

    Raises:
        Refusal: it is malformed; the text names the field, what is wrong and the mend.
    """
    body = read_object(raw)
    for key, value in body.items():
        known = _KINDS.get(key)
        if known is None:
            raise _wrong(key[:64], "unknown")
        kind, types = known
        if value is not None and types and type(value) not in types:
            raise _wrong(key, "type", expected=text(f"faces.gateway:type-{kind}"))
    for key in _FLAT:
        values = cast("ChatBody", body.get(key) or {}).values()
        if any(isinstance(each, dict | list | str) for each in values):
            raise _wrong(key, "type", expected=text("faces.gateway:type-number"))
    choices = body.get("n", 1)
    if not isinstance(choices, int) or isinstance(choices, bool) or not 1 <= choices <= MAX_CHOICES:
        raise _wrong("n", "range", low=1, high=MAX_CHOICES)
    _check_messages(body.get("messages"))
    return body


def is_streaming(body: Mapping[str, Json]) -> bool:
    """Tell whether the caller wants the answer piece by piece."""
    return body.get("stream") is True


def _check_messages(messages: Json) -> None:
    if not isinstance(messages, list) or not messages:
        raise _wrong("messages", "type", expected=text("faces.gateway:type-list"))
    if len(messages) > MAX_MESSAGES:
        raise _wrong("messages", "range", low=1, high=MAX_MESSAGES)
    for place, message in enumerate(messages):
        _check_message(message, f"messages[{place}]")


def _check_message(message: Json, place: str) -> None:
    if not isinstance(message, dict):
        raise _wrong(place, "type", expected=text("faces.gateway:type-object"))
    for key in message:
        if key not in _MESSAGE_KEYS:
            raise _wrong(f"{place}.{key[:64]}", "unknown")
    role = message.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise _wrong(f"{place}.role", "type", expected=text("faces.gateway:type-role"))
    content = message.get("content")
    if isinstance(content, list):
        for number, part in enumerate(content):
            if not _is_text_part(part) and not (role == "user" and _is_document_part(part)):
                raise _wrong(f"{place}.content[{number}]", "type", expected=text("faces.gateway:type-content"))
    elif content is not None and not isinstance(content, str):
        raise _wrong(f"{place}.content", "type", expected=text("faces.gateway:type-content"))


def _is_text_part(part: Json) -> bool:
    """Accept text only: what the guard cannot look into (images, sound, files) does not pass."""
    return (
        isinstance(part, dict)
        and part.keys() == {"type", "text"}
        and part["type"] == "text"
        and isinstance(part["text"], str)
    )


def _is_document_part(part: Json) -> bool:
    """Accept a document, which is judged as one, and a file, which counts as not judged."""
    return isinstance(part, dict) and (is_document(part) or is_file(part))


def _wrong(place: str, problem: str, **values: object) -> Refusal:
    return Refusal(Code.REQUEST_INVALID, place=place, problem=text(f"faces.gateway:problem-{problem}", **values))
