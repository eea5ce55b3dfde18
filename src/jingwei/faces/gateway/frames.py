"""Frames of a stream: what a model's server sends, read strictly, and passed on byte for byte where nothing hides.

A frame may leave as it came when the guard has read all of it: it holds known parts only, each once, and its text may
leave whole. Most frames of a stream differ in one text alone. Once such a frame was read strictly, what stands around
its text is known, and of the next one only the text itself is read: less work, and nothing unread.
"""

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

import orjson

from jingwei.core.canonical import Json
from jingwei.faces.gateway.refusal import Code, Refusal

TEXT_KEYS = ("content", "refusal", "reasoning_content", "reasoning")
_EMPTY_KEYS = frozenset({
    *TEXT_KEYS, "annotations", "audio", "finish_reason", "function_call", "kv_transfer_params", "logprobs",
    "matched_stop", "metadata", "prompt_logprobs", "prompt_token_ids", "service_tier", "stop_reason",
    "system_fingerprint", "token_ids", "tool_calls", "usage",
})  # fmt: skip
"""Keys that servers send with nothing in them."""
_LITERAL = re.compile(rb'"(?:[^"\\\x00-\x1f]|\\.)*"')


class Skeleton(NamedTuple):
    """What stands around the text of a frame, and what that text is."""

    before: bytes
    after: bytes
    choice: int
    key: str

    def text_of(self, data: bytes) -> str | None:
        """Return the text of a frame of this shape; None where it has another."""
        if not (data.startswith(self.before) and data.endswith(self.after)):
            return None
        literal = data[len(self.before) : len(data) - len(self.after)]
        if len(literal) < 2 or literal[0] != 34 or literal[-1] != 34:
            return None
        try:
            value = orjson.loads(literal)
        except orjson.JSONDecodeError:
            return None
        return value if isinstance(value, str) else None

    def filled(self, value: str) -> bytes:
        """Return a frame of this shape with another text."""
        return self.before + orjson.dumps(value) + self.after


def skeleton(data: bytes, choice: int, key: str) -> Skeleton | None:
    """Learn the shape of a frame that was read strictly and holds nothing but known parts and one text."""
    marker = b'"' + key.encode() + b'":'
    place = data.find(marker)
    if place < 0 or data.find(marker, place + 1) >= 0:
        return None
    start = place + len(marker)
    while data[start : start + 1] == b" ":
        start += 1
    literal = _LITERAL.match(data, start)
    return Skeleton(data[:start], data[literal.end() :], choice, key) if literal else None


def read_chunk(data: bytes) -> dict[str, Json]:
    """Read one piece of a stream.

    Raises:
        Refusal: it is no chunk of a chat completion, or an error in the middle.
    """
    try:
        chunk = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Refusal(Code.UPSTREAM_GARBAGE) from error
    if not isinstance(chunk, dict):
        raise Refusal(Code.UPSTREAM_GARBAGE)
    if chunk.get("error"):
        raise Refusal(Code.UPSTREAM_STOPPED)
    if not isinstance(chunk.get("choices"), list):
        raise Refusal(Code.UPSTREAM_GARBAGE)
    return chunk


def says_no_more(raw: bytes, given: Json, kept: Json) -> bool:
    """Tell whether bytes of a model's server say what was kept of them and nothing else, so that they may leave as is.

    Args:
        raw: the bytes.
        given: what they were read as.
        kept: what the guard knows of that.
    """
    try:
        same = b"\r" not in raw and (given == kept or bare(given) == bare(kept))
        # Written again it is the very same: then no part was read twice and none overlooked.
        return same and (orjson.dumps(given) == raw or _names_each_key_once(raw))
    except (RecursionError, orjson.JSONEncodeError):  # nested deeper than any answer is
        return False


def bare(value: Json) -> Json:
    """Return a value without the parts that are there but empty."""
    if isinstance(value, dict):
        return {key: bare(each) for key, each in value.items() if each or each == 0 or key not in _EMPTY_KEYS}
    if isinstance(value, list):
        return [bare(each) for each in value]
    return value


def line(chunk: Mapping[str, object]) -> bytes:
    """Return a chunk as a line of an event stream."""
    return b"data: " + orjson.dumps(chunk) + b"\n\n"


def _names_each_key_once(raw: bytes) -> bool:
    """Tell whether no object names a key twice: of two values with one name, readers differ on which counts."""
    try:
        json.loads(raw, object_pairs_hook=_once)
    except ValueError:
        return False
    return True


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found
