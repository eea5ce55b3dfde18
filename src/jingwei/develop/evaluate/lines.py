"""Lines: one answer to judge in one line of JSON, one opinion out in another.

In: `{"id", "question"?, "answer", "lang"?}`; what else a line holds is left alone. Out: `{"id", "verdict", "refused",
"score", "domain"}`.
"""

from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

import orjson

from jingwei.core.canonical import Json
from jingwei.core.errors import InputError
from jingwei.core.text import LANGUAGES, Both, Language
from jingwei.develop.evaluate.opinion import Opinion, opinion

MAX_LINE_BYTES = 10_000_000
_PIECE = 1 << 20
_MAX_NAME = 1_000
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Given:
    """One answer to judge."""

    id: str | int | float
    question: str
    answer: str
    language: Language | None


class Judged(NamedTuple):
    """What became of one line: an opinion, or the reason why it was skipped."""

    number: int
    given: Given | None
    opinion: Opinion | None = None
    problem: Both | None = None

    def told(self) -> dict[str, Json]:
        """Return the line that answers it."""
        if self.given is None or self.opinion is None:
            return {}
        found = self.opinion
        return {"id": self.given.id, "verdict": found.verdict, "refused": found.refused, "score": found.score,
                "domain": found.domain}  # fmt: skip


class Lines:
    """Gives the lines of a stream as they come, judged, in bounded memory; empty lines say nothing."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._number = 0

    def __iter__(self) -> "Lines":
        """Begin; a stream is read once."""
        return self

    def __next__(self) -> Judged:
        """Read lines until one says something, and judge it."""
        while raw := self._stream.readline(MAX_LINE_BYTES + 1):
            self._number += 1
            if len(raw) > MAX_LINE_BYTES and not raw.endswith(b"\n"):
                self._pass_over()
                return _judged(self._number, None)
            raw = raw.removeprefix(_BOM) if self._number == 1 else raw
            if not raw.isspace():
                return _judged(self._number, raw)
        raise StopIteration

    def _pass_over(self) -> None:
        while (rest := self._stream.readline(_PIECE)) and not rest.endswith(b"\n"):
            pass


def _judged(number: int, raw: bytes | None) -> Judged:
    try:
        given = read_line(raw)
    except InputError as error:
        return Judged(number, None, problem=error.message)
    return Judged(number, given, opinion(given.question, given.answer, language=given.language))


def read_line(raw: bytes | None) -> Given:
    """Read one line; None stands for one that was too long.

    Raises:
        InputError: it cannot be judged; the message names the field, what is wrong, and the mend.
    """
    if raw is None:
        raise InputError("develop.evaluate:judge-line-too-long", limit=f"{MAX_LINE_BYTES:,}")
    try:
        given = orjson.loads(raw)
    except ValueError as error:  # not JSON, not UTF-8, half a character, nested too deeply
        raise InputError("develop.evaluate:judge-line-not-json", why=str(error)) from error
    if not isinstance(given, dict):
        raise InputError("develop.evaluate:judge-line-not-an-object", found=type(given).__name__)
    name = given.get("id")
    if not isinstance(name, str | int | float) or isinstance(name, bool) or len(str(name)) > _MAX_NAME:
        raise InputError("develop.evaluate:judge-line-id", field="id", limit=_MAX_NAME)
    language = given.get("lang")
    if language is not None and language not in LANGUAGES:
        raise InputError("develop.evaluate:judge-line-lang", field="lang", found=str(language)[:40])
    return Given(name, _text(given, "question", ""), _text(given, "answer", None), language)


def _text(given: dict[str, Any], name: str, missing: str | None) -> str:  # Any: JSON
    value = given.get(name)
    if value is None:
        value = missing
    if not isinstance(value, str):
        raise InputError("develop.evaluate:judge-line-text", field=name, name=name)
    return value
