"""Lines: one text to judge in one line of JSON, one verdict out in another.

In: `{"id", "text", "role"?, "session"?, "passages"?}`; what else a line holds is left alone. Out: `{"id", "action",
"categories", "scores", "spans", "unjudged"}`, spans in characters of the given text; and `intent` where the intent
stage named what harm the text seeks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import orjson

from jingwei.core.canonical import Json
from jingwei.core.errors import InputError
from jingwei.core.policy import Category
from jingwei.core.text import Both
from jingwei.deploy.guard.guard import DIRECTIONS, Guard
from jingwei.deploy.guard.verdict import GuardVerdict
from jingwei.detect import Role
from jingwei.detect.intent import HARMFUL

MAX_LINE_BYTES = 10_000_000
_PIECE = 1 << 20
_MAX_NAME = 1_000
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Asked:
    """One text to judge."""

    id: str | int | float
    text: str
    role: Role = "user"
    session: str = ""
    passages: tuple[str, ...] = ()


class Line(NamedTuple):
    """One line as it came; None where it was longer than a line may be."""

    number: int
    raw: bytes | None


def lines_of(stream: BinaryIO) -> Iterator[Line]:
    """Give the lines of a stream as they come, in bounded memory; empty lines say nothing."""
    number = 0
    while raw := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(raw) > MAX_LINE_BYTES and not raw.endswith(b"\n"):
            while (rest := stream.readline(_PIECE)) and not rest.endswith(b"\n"):
                pass
            yield Line(number, None)
            continue
        raw = raw.removeprefix(_BOM) if number == 1 else raw
        if not raw.isspace():
            yield Line(number, raw)


def read_line(raw: bytes | None) -> Asked:
    """Read one line.

    Raises:
        InputError: it cannot be judged; the message names the field, what is wrong, and the mend.
    """
    if raw is None:
        raise InputError("deploy.guard:line-too-long", limit=f"{MAX_LINE_BYTES:,}")
    try:
        given = orjson.loads(raw)
    except ValueError as error:  # not JSON, not UTF-8, half a character, nested too deeply
        raise InputError("deploy.guard:line-not-json", why=str(error)) from error
    if not isinstance(given, dict):
        raise InputError("deploy.guard:line-not-an-object", found=_kind(given))
    name = given.get("id")
    if not isinstance(name, str | int | float) or isinstance(name, bool) or len(str(name)) > _MAX_NAME:
        raise InputError("deploy.guard:line-field", field="id", name="id", limit=_MAX_NAME)
    content = _text(given, "text", None)
    role = _text(given, "role", "user")
    if role not in DIRECTIONS:
        raise InputError("deploy.guard:role-unknown", field="role", role=role[:40], known=", ".join(DIRECTIONS))
    passages = given.get("passages") or ()
    if not isinstance(passages, list | tuple) or not all(isinstance(each, str) for each in passages):
        raise InputError("deploy.guard:line-passages", field="passages")
    return Asked(name, content, role, _session(given), tuple(passages))


def judged(asked: Asked, guard: Guard) -> GuardVerdict:
    """Judge what a line asks for."""
    return guard.check(asked.text, role=asked.role, session=asked.session, passages=asked.passages)


def told(asked: Asked, verdict: GuardVerdict) -> dict[str, Json]:
    """Return the line that answers one."""
    scores = {str(category): score for category, score in verdict.scores.items()}
    for each in verdict.spans:  # what the guard itself judges, such as an expert rule, has a score as well
        scores[str(each.category)] = max(each.score, scores.get(str(each.category), 0.0))
    intent = _intent(verdict)
    return {
        "id": asked.id,
        "action": str(verdict.action),
        "categories": [str(each) for each in verdict.found],
        "scores": {category: round(score, 4) for category, score in scores.items()},
        "spans": [
            {"category": str(each.category), "rule": each.rule, "start": each.start, "end": each.end,
             "score": round(each.score, 4)} for each in verdict.spans
        ],
        "unjudged": [
            {"category": str(each.category), "why": each.why, "action": str(each.decision)}
            for each in verdict.unjudged
        ],
        **({"intent": intent} if intent else {}),
    }  # fmt: skip


def _intent(verdict: GuardVerdict) -> str:
    """Return what harm the intent stage named, the surest first; empty where it named none that was acted upon."""
    named = {f"{Category.HARM}.{each}": each for each in HARMFUL}
    found = [each for each in verdict.findings if each.rule_id in named]
    return named[max(found, key=lambda each: each.score).rule_id] if found else ""


class Outcome(NamedTuple):
    """What became of one line: a verdict with its answer, or the reason why it was skipped."""

    number: int
    asked: Asked | None
    verdict: GuardVerdict | None = None
    field: str = ""
    problem: Both | None = None


def outcomes(lines: Sequence[Line], guard: Guard) -> list[Outcome]:
    """Judge some lines, in their order."""
    return [outcome(line, guard) for line in lines]


def outcome(line: Line, guard: Guard) -> Outcome:
    """Judge one line, or say why it cannot be."""
    try:
        asked = read_line(line.raw)
    except InputError as error:
        return Outcome(line.number, None, field=error.field or "", problem=error.message)
    return Outcome(line.number, asked, judged(asked, guard))


def _text(given: dict[str, Json], name: str, missing: str | None) -> str:
    value = given.get(name)
    if value is None:
        value = missing
    if not isinstance(value, str):
        raise InputError("deploy.guard:line-text", field=name, name=name)
    return value


def _session(given: dict[str, Json]) -> str:
    """Read a session's name; a number names it as well."""
    name = given.get("session")
    if isinstance(name, int | float) and not isinstance(name, bool):
        return str(name)
    if name is not None and not isinstance(name, str):
        raise InputError("deploy.guard:line-session", field="session")
    return name or ""


def _kind(value: Json) -> str:
    return type(value).__name__
