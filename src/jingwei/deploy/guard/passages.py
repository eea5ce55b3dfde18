"""Passages: every piece of text in a request or an answer that a model or a person will read, with its path.

Guarding the last user message is not enough: an attack comes in a tool's result, in a document put into an earlier
turn, in the second part of a multi-part message, in an argument of a made-up earlier tool call. So everything is read
but the application's own opening system prompt, which the gate has already seen.
"""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from jingwei.core.canonical import Json
from jingwei.core.errors import InputError
from jingwei.deploy.guard.verdict import Path, written_path
from jingwei.detect import Role

MAX_DEPTH = 32
MAX_PASSAGES = 4096
_ORDINARY = frozenset({"role", "content"})
_USUAL_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
_APPLICATION_ROLES = frozenset({"system", "developer"})
_NAMES = frozenset({"role", "type", "id", "tool_call_id", "detail"})
"""Keys of a message, its parts and its calls whose values are identifiers; what does not look like one is a text."""
_DEFINED = frozenset({"tools", "functions", "tool_choice", "function_call"})
"""Parts of a request that define tools: often others' words, an MCP server's above all, and never the user's."""
_DEFINED_NAMES = _NAMES | {"name"}
_IDENTIFIER = re.compile(r"[A-Za-z0-9_.:/+=|-]{1,64}")
"""No blank is in it, so it says nothing to a model; ids of other providers' calls and parts are of this form."""
_KEY = re.compile(r"[A-Za-z0-9_.$@:/-]{1,64}")
"""The same for the key of an object: one with blanks in it can give orders as well as any text."""
_OPAQUE = frozenset({"input", "arguments", "metadata"})
"""Below these everything is somebody's own words, whatever its key."""
_ROLES: dict[Json, Role] = {"assistant": "assistant", "tool": "tool", "function": "tool"}
OTHERS_WORDS: dict[Json, Role] = {"tool_result": "tool", "function_call_output": "tool", "document": "document",
                                 "file": "document", "input_file": "document", "search_result": "document"}  # fmt: skip
"""Kinds of content whose text is nobody's own words, whoever sends it."""
READ = ("messages", "tools", "functions", "response_format", "prediction", "stop", "tool_choice", "function_call",
         "metadata", "user")  # fmt: skip


class Passage(NamedTuple):
    """One text and its place."""

    path: Path
    text: str
    fixed: bool = False
    """True when it cannot be rewritten: a key, or several texts read as one. A redaction there becomes a block."""
    seams: tuple[int, ...] = ()
    """Where several texts were put together; what crosses no seam is also found, and redacted, in its own text."""
    role: Role = "user"
    """Whose text it is."""
    grounds: tuple[str, ...] = ()
    """What an answer was to be drawn from."""

    pieces: tuple[Path, ...] = ()
    """The places of the texts that were put together."""

    def piece(self, start: int, end: int) -> tuple[Path, int] | None:
        """Return in which of the texts a span lies, and where that begins; None where it lies in several."""
        number = bisect_right(self.seams, start)
        if self.crosses_seam(start, end) or number >= len(self.pieces):
            return None
        return self.pieces[number], self.seams[number - 1] if number else 0

    def crosses_seam(self, start: int, end: int) -> bool:
        """Tell whether a span lies on both sides of a seam."""
        return any(start < seam < end for seam in self.seams)


def extract_texts(body: Mapping[str, Json]) -> tuple[Passage, ...]:
    """Return every text of a chat request that must be judged.

    Raises:
        InputError: nested too deeply, or too many texts.
    """
    found: list[Passage] = []
    messages = body.get("messages")
    begins = _opening(messages) if isinstance(messages, list) else 0
    for key in READ:
        if key in body:
            for passage in _walk(body[key], (key,), "tool" if key in _DEFINED else "user"):
                if key == "messages" and _step(passage.path, 1) < begins:
                    continue
                found.append(passage)
                if len(found) > MAX_PASSAGES:
                    raise InputError("deploy.guard:too-many-texts", field=key, limit=MAX_PASSAGES)
    if isinstance(messages, list):
        found.extend(_joined(messages, begins))
    return tuple(found)


def _opening(messages: Sequence[Json]) -> int:
    """Count the application's own messages at the start; a system message later on is judged like any other."""
    first = messages[0] if messages else None
    role = first.get("role") if isinstance(first, dict) else None
    return int(isinstance(role, str) and role in _APPLICATION_ROLES)


def _step(path: Path, place: int) -> int:
    step = path[place] if len(path) > place else 0
    return step if isinstance(step, int) else 0


def _walk(value: Json, path: Path, role: Role = "user") -> Iterator[Passage]:
    if len(path) > MAX_DEPTH:
        where = written_path(path[:4])
        raise InputError("deploy.guard:too-deep", field=where, place=where, limit=MAX_DEPTH)
    if isinstance(value, str):
        if value and not _names(value, path):
            yield Passage(path, value, role=role)
    elif isinstance(value, list):
        for place, entry in enumerate(value):
            yield from _walk(entry, (*path, place), role)
    elif isinstance(value, dict):
        role = _role_of(value, path, role)
        if len(path) == 2 and path[0] == "messages" and _is_ordinary(value):
            yield from _walk(value["content"], (*path, "content"), role)
            return
        for key, entry in value.items():
            if not is_plain_key(key):
                yield Passage((*path, "(key)"), key, fixed=True, role=role)
            yield from _walk(entry, (*path, key), role)


def _names(value: str, path: Path) -> bool:
    """Tell whether a value names something: a call, a tool, a parameter that is required."""
    if path[0] == "messages":
        return is_name(value, path, _NAMES)
    if path[0] not in _DEFINED:
        return False
    return is_name(value, path[:-1] if path[-2:-1] == ("required",) else path, _DEFINED_NAMES | {"required"})


def _is_ordinary(message: Mapping[str, Json]) -> bool:
    """Tell whether a message is one text of a usual role and nothing else."""
    said = message.get("role")
    return message.keys() == _ORDINARY and isinstance(said, str) and said in _USUAL_ROLES


def is_name(value: str, path: Path, names: Collection[str | int]) -> bool:
    """Tell whether a value is the identifier that its key says, and no text that hides there."""
    return path[-1] in names and _OPAQUE.isdisjoint(path) and _IDENTIFIER.fullmatch(value) is not None


def is_plain_key(key: str) -> bool:
    """Tell whether a key is a name and no text."""
    return not key or _KEY.fullmatch(key) is not None


def _role_of(value: Mapping[str, Json], path: Path, role: Role) -> Role:
    """Tell whose text a message or a part of one is; what lies inside a tool's result stays a tool's."""
    if len(path) == 2 and path[0] == "messages":
        said = value.get("role")
        role = _ROLES.get(said, "user") if isinstance(said, str) else "user"
    kind = value.get("type")
    return OTHERS_WORDS.get(kind, role) if isinstance(kind, str) and path[0] == "messages" else role


def _joined(messages: Sequence[Json], begins: int) -> Iterator[Passage]:
    """Give what was split over the parts of a message, or over neighbouring messages of one role, as one text."""
    run: list[tuple[Path, str]] = []
    first, role = begins, None
    for place, message in enumerate([*messages[begins:], None], begins):
        current = message.get("role") if isinstance(message, dict) else None
        if place > begins and (current != role or message is None):
            if len(run) > 1:
                seams = tuple(accumulate(len(each) for _, each in run[:-1]))
                said: Role = _ROLES.get(role, "user") if isinstance(role, str) else "user"
                yield Passage(("messages", first), "".join(each for _, each in run), fixed=True, seams=seams, role=said,
                              pieces=tuple(path for path, _ in run))  # fmt: skip
            run, first = [], place
        role = current
        if isinstance(message, dict):
            run.extend(_content_texts(message.get("content"), ("messages", place, "content")))


def _content_texts(content: Json, path: Path) -> list[tuple[Path, str]]:
    if isinstance(content, str):
        return [(path, content)]
    parts = content if isinstance(content, list) else []
    texts = [((*path, place, "text"), part.get("text")) if isinstance(part, dict) else ((*path, place), part)
             for place, part in enumerate(parts)]  # fmt: skip
    return [(place, each) for place, each in texts if isinstance(each, str)]


def rewrite(body: dict[str, Json], rewritten: Sequence[tuple[Path, str]]) -> dict[str, Json]:
    """Return the body with some of its texts replaced; what is not on the way there is shared, not copied."""
    for path, replacement in rewritten:
        body = _replaced(body, path, replacement)  # type: ignore[assignment]  # a dict stays a dict
    return body


def _replaced(value: Json, path: Path, replacement: str) -> Json:
    if not path:
        return replacement
    step, *rest = path
    if isinstance(value, list) and isinstance(step, int):
        return [*value[:step], _replaced(value[step], tuple(rest), replacement), *value[step + 1 :]]
    if isinstance(value, dict) and isinstance(step, str):
        return {**value, step: _replaced(value[step], tuple(rest), replacement)}
    return value
