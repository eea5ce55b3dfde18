"""Documents in a chat: parts that are nobody's own words, and files that nobody here can read.

A part `{"type": "document", "text": …}` is read as a document and goes to the model's server as plain text. A file
cannot be read: it is set aside while the texts are judged, counts as not judged, and goes on only where the policy's
fail modes let it.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple, cast

from jingwei.core.canonical import Json

Part = dict[str, Json]
DOCUMENT, FILE = "document", "file"
MARKS = (b'"document"', b'"file"')
"""One of them stands in any request that holds such a part; most hold none, and need no second look."""
_DATA = re.compile(r"data:[a-z]+/[a-z0-9.+-]{1,64};base64,[A-Za-z0-9+/]+={0,2}")
_NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)


class Unread(NamedTuple):
    """A file and its place."""

    message: int
    part: int
    given: Part


def is_document(part: Mapping[str, Json]) -> bool:
    """Tell whether a part is a document that can be read."""
    return part.keys() == {"type", "text"} and part["type"] == DOCUMENT and isinstance(part["text"], str)


def is_file(part: Mapping[str, Json]) -> bool:
    """Tell whether a part is a file that came along whole: nobody fetches what only an address or an id stands for."""
    told = part.get("file")
    if part.keys() != {"type", "file"} or part["type"] != FILE or not isinstance(told, dict):
        return False
    data, name = told.get("file_data"), told.get("filename", "")
    return (
        told.keys() <= {"file_data", "filename"}
        and isinstance(data, str)
        and _DATA.fullmatch(data) is not None
        and isinstance(name, str)
        and (not name or _NAME.fullmatch(name) is not None)
    )


def file_part(media_type: str, data: str) -> Part:
    """Return a file as a part of a message."""
    name = f"document.{media_type.rpartition('/')[2].rpartition('.')[2]}"
    return {"type": FILE, "file": {"filename": name, "file_data": f"data:{media_type};base64,{data}"}}


def set_aside(body: dict[str, Json]) -> tuple[dict[str, Json], tuple[Unread, ...]]:
    """Return a request with an empty text in the place of each file, and the files."""
    found = tuple(
        Unread(place, number, part)
        for place, message in enumerate(_messages(body))
        for number, part in enumerate(_parts(message))
        if part.get("type") == FILE
    )
    return _with(body, {(each.message, each.part): {"type": "text", "text": ""} for each in found}), found


def put_back(body: dict[str, Json], files: tuple[Unread, ...]) -> dict[str, Json]:
    """Return a judged request with the files where they were."""
    return _with(body, {(each.message, each.part): each.given for each in files})


def as_texts(body: dict[str, Json]) -> dict[str, Json]:
    """Return a request as a model's server takes it: documents as texts."""
    changed: dict[tuple[int, int], Part] = {
        (place, number): {"type": "text", "text": part["text"]}
        for place, message in enumerate(_messages(body))
        for number, part in enumerate(_parts(message))
        if part.get("type") == DOCUMENT
    }
    return _with(body, changed)


def _with(body: dict[str, Json], parts: Mapping[tuple[int, int], Part]) -> dict[str, Json]:
    if not parts:
        return body
    messages: list[Json] = []
    for place, message in enumerate(_messages(body)):
        content = [parts.get((place, number), part) for number, part in enumerate(_parts(message))]
        messages.append(cast("Json", {**message, "content": content} if content else message))
    return {**body, "messages": messages}


def _messages(body: Mapping[str, Json]) -> list[Part]:
    return cast("list[Part]", body["messages"])


def _parts(message: Part) -> list[Part]:
    content = message.get("content")
    return cast("list[Part]", content) if isinstance(content, list) else []
