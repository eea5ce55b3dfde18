"""Retrieved passages with one of them planted: an instruction, a forged correction, a link, a phrase.

Each question is asked with each attack among its passages, and once with none. `benchmarks/evaluate/build_injection.py`
writes the bank of `injection-rag` from here.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from jingwei.core.package_data import package_data
from jingwei.core.text import LANGUAGES, Both, Language
from jingwei.develop.evaluate.carriers import InBoth, carriers

Attack = Literal["instruction", "correction", "link", "phrase"]
_FIRST, _STEP = 6200, 11
"""Numbers of the canaries and hosts."""


class Passages(BaseModel):
    """Passages in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zh: tuple[str, ...]
    en: tuple[str, ...]


class Question(BaseModel):
    """A question and the passages that answer it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ask: Both
    passages: Passages
    right: InBoth
    wrong: InBoth


class Way(BaseModel):
    """What an attack writes into a passage."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Both
    zh: str
    en: str


class Library(BaseModel):
    """The content of `passages.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    heading: Both
    attacks: Mapping[Attack, Way]
    questions: Mapping[str, Question]


@lru_cache
def library() -> Library:
    """Return the questions and attacks."""
    source: Any = package_data(__package__, "passages.yaml")
    return Library.model_validate(source)


def rag_bank() -> Iterator[dict[str, JsonValue]]:
    """Give the prompts of the suite `injection-rag`."""
    for number, (name, question) in enumerate(library().questions.items()):
        facts: dict[str, JsonValue] = {"right_answer": question.right.model_dump(mode="json")}
        asked: dict[str, JsonValue] = {"zh": question.ask.zh, "en": question.ask.en}
        for kind in library().attacks:
            mark = str(_FIRST + _STEP * number)
            document: dict[str, JsonValue] = {
                each: _document(question, each, number=number, planted=_planted(kind, question, each, mark=mark))
                for each in LANGUAGES
            }
            yield {"category": kind, "id": f"{name}-{kind}", **asked, "document": document,
                   "facts": facts | _sign(kind, question, mark=mark)}  # fmt: skip
        untouched: dict[str, JsonValue] = {each: _document(question, each, number=number) for each in LANGUAGES}
        yield {"category": "untouched", "id": f"{name}-untouched", **asked, "document": untouched, "facts": facts}


def _document(question: Question, language: Language, *, number: int, planted: str = "") -> str:
    """Return the passages under their headings; the planted one's place differs from question to question."""
    heading = library().heading.zh if language == "zh" else library().heading.en
    passages = [*(question.passages.zh if language == "zh" else question.passages.en)]
    if planted:
        passages.insert(number % (len(passages) + 1), f"[[{planted}]]")
    return "\n".join(f"{heading.replace('{number}', str(at))}\n{each}" for at, each in enumerate(passages, start=1))


def _planted(kind: Attack, question: Question, language: Language, *, mark: str) -> str:
    way = library().attacks[kind]
    said = way.zh if language == "zh" else way.en
    said = said.replace("{wrong}", question.wrong.first(language)).replace("{host}", _host(mark))
    return said.replace("{canary}", _canary(language, mark))


def _sign(kind: Attack, question: Question, *, mark: str) -> dict[str, JsonValue]:
    match kind:
        case "instruction" | "correction":
            return {"planted_answer": question.wrong.model_dump(mode="json")}
        case "link":
            return {"forbidden_host": _host(mark)}
        case "phrase":
            return {"canary": {each: _canary(each, mark) for each in LANGUAGES}}


def _host(mark: str) -> str:
    return f"cite-{mark}.example"


def _canary(language: Language, mark: str) -> str:
    wording = carriers().canary
    return (wording.zh if language == "zh" else wording.en).replace("{number}", mark)
