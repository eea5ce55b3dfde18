"""Bounded YAML: a text that came from outside, read as plain data that remembers its lines.

Built from libyaml's events, so that nothing is expanded or constructed before it is counted: no anchors (the YAML
bomb), no tags, no duplicate keys, no keys but texts, bounded bytes and depth. Scalars follow YAML 1.2's core
schema: `yes`, `no` and dates stay texts, only `true`, `false`, `null` and numbers change type.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Any, Never, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from jingwei.catalog.problem import explained
from jingwei.core.canonical import Json
from jingwei.core.errors import InputError
from jingwei.core.text import Both, text

# A path into a document: the keys and positions that lead to a value.
Spot = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
_INTEGER = re.compile(r"[-+]?\d{1,18}")
_FLOAT = re.compile(r"[-+]?(\.\d{1,40}|\d{1,40}(\.\d{0,40})?)([eE][-+]?\d{1,3})?")
_PLAIN: dict[str, bool | None] = {
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    "null": None, "Null": None, "NULL": None, "~": None, "": None,
}  # fmt: skip
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # Any: two classes without a common typed parent


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML text: its plain data, and where each part of it stands."""

    name: str
    """What to call it in an error, usually the file's name."""
    data: Json
    lines: Mapping[Spot, int] = field(repr=False)
    digest: str
    """SHA-256 of the bytes that were read."""

    def line(self, spot: Spot) -> int:
        """Return the line of a part, or of the nearest part around it that exists."""
        while spot and spot not in self.lines:
            spot = spot[:-1]
        return self.lines.get(spot, 1)

    def error(self, spot: Spot, problem: Both) -> InputError:
        """Return the error that names this file, the line and field of a part, and its problem with the mend."""
        path = dotted(spot)
        where = text("catalog:whole-file") if not path else Both(zh=path, en=path)
        return InputError("catalog:file-invalid", field=path or None, file=self.name, line=self.line(spot),
                          where=where, problem=problem)  # fmt: skip


def dotted(spot: Spot) -> str:
    """Write a path as people read it: `controls[3].title.zh`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in spot).removeprefix(".")


def read_yaml(source: Path | str | bytes, *, name: str = "", max_bytes: int = MAX_BYTES) -> Document:
    """Read a YAML file (a `Path`) or YAML text.

    Raises:
        InputError: it is missing, too big, too deep, not YAML, or uses what a data file has no need of.
    """
    name = name or (source.name if isinstance(source, Path) else "YAML")
    raw = _bytes(source, name, max_bytes)
    if len(raw) > max_bytes:
        raise InputError("catalog:yaml-too-big", field=name, file=name, limit=max_bytes)
    builder = _Builder(name)
    try:
        content = raw.decode("utf-8-sig")
        for event in _events(content):
            builder.take(event)
    except UnicodeDecodeError as error:
        raise InputError("catalog:yaml-not-utf8", field=name, file=name) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise InputError("catalog:yaml-syntax", field=name, file=name, line=line) from error
    except yaml.YAMLError as error:  # a character YAML does not allow; libyaml gives no line
        raise InputError("catalog:yaml-character", field=name, file=name) from error
    return Document(name=name, data=builder.root, lines=builder.lines, digest=sha256(raw).hexdigest())


def validated(model: type[Model], document: Document) -> Model:
    """Turn a document into a typed value.

    Raises:
        InputError: names the file, the line, the field, what is wrong and the mend.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        # A field that is there and wrong is told before one that is missing: the two are often one misspelling.
        first = min(problems, key=lambda each: (each["type"] == "missing", document.line(_spot(document, each))))
        spot = _spot(document, first)
        raise document.error(spot, explained(first, model, error.error_count() - 1)) from error


def _spot(document: Document, problem: ErrorDetails) -> Spot:
    """Return where a problem is, less what pydantic adds to the path for unions, which is no part of the document."""
    spot: Spot = ()
    for part in problem["loc"]:
        if (*spot, part) in document.lines:
            spot = (*spot, part)
    return (*spot, problem["loc"][-1]) if problem["type"].startswith("missing") else spot


def _bytes(source: Path | str | bytes, name: str, max_bytes: int) -> bytes:
    if isinstance(source, bytes):
        return source
    if isinstance(source, str):
        return source.encode(errors="surrogatepass")
    try:
        with source.open("rb") as file:
            return file.read(max_bytes + 1)
    except OSError as error:
        raise InputError("catalog:file-unreadable", field=name, file=name) from error


def _events(content: str) -> Iterator[Any]:  # Any: libyaml's events are untyped
    loader = _Loader(content)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


@dataclass(slots=True)
class _Open:
    """A mapping or list that is still being read."""

    value: dict[str, Json] | list[Json]
    spot: Spot
    key: str | None = None


class _Builder:
    """Builds plain data from events, one at a time, and refuses what is not plain."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root: Json = None
        self.lines: dict[Spot, int] = {(): 1}
        self.stack: list[_Open] = []
        self.documents = 0

    def take(self, event: Any) -> None:  # Any: see _events
        match event:
            case yaml.ScalarEvent():
                self._refuse_marks(event)
                self._scalar(event)
            case yaml.MappingStartEvent():
                self._refuse_marks(event)
                self._open({}, event)
            case yaml.SequenceStartEvent():
                self._refuse_marks(event)
                self._open([], event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self.stack.pop()
            case yaml.AliasEvent():
                self._refuse("catalog:yaml-anchor", event)
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    self._refuse("catalog:yaml-many-documents", event)
            case _:
                pass

    def _refuse_marks(self, event: Any) -> None:
        if event.anchor is not None:
            self._refuse("catalog:yaml-anchor", event)
        if event.tag is not None:
            self._refuse("catalog:yaml-tag", event, tag=event.tag)

    def _refuse(self, code: str, event: Any, **values: object) -> Never:
        inner = self.stack[-1] if self.stack else None
        path = dotted(inner.spot if inner else ())
        raise InputError(code, field=path or self.name, file=self.name, line=event.start_mark.line + 1, **values)

    def _scalar(self, event: Any) -> None:
        inner = self.stack[-1] if self.stack else None
        if inner is None or isinstance(inner.value, list) or inner.key is not None:
            self._place(_resolved(event), event)
            return
        key = _resolved(event)
        if not isinstance(key, str):
            self._refuse("catalog:yaml-key-not-text", event, name=event.value)
        if key in inner.value:
            self._refuse("catalog:yaml-duplicate-key", event, name=key)
        inner.key = key
        self.lines[*inner.spot, key] = event.start_mark.line + 1

    def _open(self, value: dict[str, Json] | list[Json], event: Any) -> None:
        if len(self.stack) >= MAX_DEPTH:
            self._refuse("catalog:yaml-too-deep", event, limit=MAX_DEPTH)
        inner = self.stack[-1] if self.stack else None
        if inner is not None and isinstance(inner.value, dict) and inner.key is None:
            self._refuse("catalog:yaml-key-not-text", event, name="…")
        self.stack.append(_Open(value, self._place(value, event)))

    def _place(self, value: Json, event: Any) -> Spot:
        if not self.stack:
            self.root = value
            return ()
        inner = self.stack[-1]
        if isinstance(inner.value, list):
            spot: Spot = (*inner.spot, len(inner.value))
            self.lines[spot] = event.start_mark.line + 1
            inner.value.append(value)
            return spot
        key = inner.key or ""
        inner.value[key] = value
        inner.key = None
        return (*inner.spot, key)


def _resolved(event: Any) -> Json:
    value: str = event.value
    if event.style:  # quoted, or a block; libyaml says '' of a plain scalar, PyYAML says None
        return value
    if value in _PLAIN:
        return _PLAIN[value]
    if _INTEGER.fullmatch(value):
        return int(value)
    if _FLOAT.fullmatch(value) and isfinite(number := float(value)):
        return number
    return value
