"""Lines: one answer to judge in one line of JSON, one opinion out in another.

In: `{"id", "question"?, "answer", "lang"?}`; what else a line holds is left alone. Out: `{"id", "verdict", "refused",
"score", "domain"}`.
"""

from dataclasses import dataclass
from typing import NamedTuple

from jingwei.core.canonical import Json
from jingwei.core.errors import InputError
from jingwei.core.lines import Line, id_of, object_of, text_of
from jingwei.core.text import LANGUAGES, Both, Language
from jingwei.develop.evaluate.opinion import Opinion, opinion


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


def judged(line: Line) -> Judged:
    """Judge one line, or say why it cannot be."""
    try:
        given = read_line(line.raw)
    except InputError as error:
        return Judged(line.number, None, problem=error.message)
    return Judged(line.number, given, opinion(given.question, given.answer, language=given.language))


def read_line(raw: bytes | None) -> Given:
    """Read one line; None stands for one that was too long.

    Raises:
        InputError: it cannot be judged; the message names the field, what is wrong, and the mend.
    """
    given = object_of(raw, shape='{"id", "answer"}')
    name = id_of(given)
    language = given.get("lang")
    if language is not None and language not in LANGUAGES:
        raise InputError("develop.evaluate:judge-line-lang", field="lang", found=str(language)[:40])
    return Given(name, text_of(given, "question", missing=""), text_of(given, "answer"),
                 None if language is None else "zh" if language == "zh" else "en")  # fmt: skip
