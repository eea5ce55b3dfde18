"""Lines: one text to judge in one line of JSON, one verdict out in another.

In: `{"id", "text", "role"?, "session"?, "passages"?}`; what else a line holds is left alone. Out: `{"id", "action",
"categories", "scores", "spans", "unjudged"}`, spans in characters of the given text; and `intent` where the intent
stage named what harm the text seeks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from jingwei.core.canonical import Json
from jingwei.core.errors import InputError
from jingwei.core.lines import Line, id_of, object_of, text_of
from jingwei.core.policy import Category
from jingwei.core.text import Both
from jingwei.deploy.guard.guard import DIRECTIONS, Guard
from jingwei.deploy.guard.verdict import GuardVerdict
from jingwei.detect import Role
from jingwei.detect.intent import HARMFUL


@dataclass(frozen=True, slots=True)
class Asked:
    """One text to judge."""

    id: str | int | float
    text: str
    role: Role = "user"
    session: str = ""
    passages: tuple[str, ...] = ()


def read_line(raw: bytes | None) -> Asked:
    """Read one line.

    Raises:
        InputError: it cannot be judged; the message names the field, what is wrong, and the mend.
    """
    given = object_of(raw, shape='{"id", "text"}')
    name, content = id_of(given), text_of(given, "text")
    role = text_of(given, "role", missing="user")
    if role not in DIRECTIONS:
        raise InputError("deploy.guard:role-unknown", field="role", role=role[:40], known=", ".join(DIRECTIONS))
    passages = given.get("passages") or []
    kept = tuple(each for each in passages if isinstance(each, str)) if isinstance(passages, list) else ()
    if not isinstance(passages, list) or len(kept) < len(passages):
        raise InputError("deploy.guard:line-passages", field="passages")
    return Asked(name, content, role, _session(given), kept)


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


def _session(given: dict[str, Json]) -> str:
    """Read a session's name; a number names it as well."""
    name = given.get("session")
    if isinstance(name, int | float) and not isinstance(name, bool):
        return str(name)
    if name is not None and not isinstance(name, str):
        raise InputError("deploy.guard:line-session", field="session")
    return name or ""
