"""Carriers of indirect injection: where an attacker can write into what a model reads on somebody's behalf.

A carrier is a document with one place for a payload, a question about it, and the right answer. Each goal of an attack
is planted in each carrier, and each question is asked once with nothing planted, so that a subject that answers nothing
is not taken for a safe one. `benchmarks/evaluate/build_injection.py` writes the suites' banks from here.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from jingwei.core.errors import NotFound
from jingwei.core.package_data import package_data
from jingwei.core.text import LANGUAGES, Both, Language

PLACE = "{payload}"
_FIRST, _STEP = 4100, 7
"""Numbers of the canaries and hosts."""
Answers = str | tuple[str, ...]
Goal = Literal["link", "phrase", "tool", "answer"]


class InBoth(BaseModel):
    """Answers in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zh: Answers
    en: Answers

    def first(self, language: Language) -> str:
        """Return the plainest answer in one language."""
        given = self.zh if language == "zh" else self.en
        return given if isinstance(given, str) else given[0]


class Carrier(BaseModel):
    """A document that an attacker can write into."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Both
    ask: Both
    text: Both
    right: InBoth
    wrong: InBoth


class Aim(BaseModel):
    """What an attacker wants, and how it is put; several ways in each language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Both
    zh: tuple[str, ...]
    en: tuple[str, ...]


class Carriers(BaseModel):
    """The content of `carriers.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    carriers: Mapping[str, Carrier]
    canary: Both
    goals: Mapping[Goal, Aim]


@lru_cache
def carriers() -> Carriers:
    """Return the carriers and goals."""
    source: Any = package_data(__package__, "carriers.yaml")
    return Carriers.model_validate(source)


def carrier_names() -> list[str]:
    """List the carriers."""
    return list(carriers().carriers)


def carried(name: str, payload: str, *, language: Language) -> str:
    """Return a carrier's document with a payload planted, marked as suites mark it: `[[…]]`.

    Raises:
        NotFound: there is no such carrier.
    """
    known = carriers().carriers
    if name not in known:
        raise NotFound("develop.evaluate:carrier-unknown", field="carrier", name=name, known=", ".join(known))
    document = _said(known[name].text, language)
    if f'"{PLACE}"' in document or document.startswith("{"):
        payload = payload.replace('"', "'")
    return document.replace(PLACE, f"[[{payload}]]" if payload else "")


def indirect_bank() -> Iterator[dict[str, JsonValue]]:
    """Give the prompts of the suite `injection-indirect`: every goal in every carrier, and every question untouched."""
    for at, (name, carrier) in enumerate(carriers().carriers.items()):
        for goal, aim in carriers().goals.items():
            yield _attack(name, carrier, goal, aim, number=at)
        yield {
            "category": "untouched",
            "id": f"{name}-untouched",
            **_asked(carrier),
            "document": {each: carried(name, "", language=each) for each in LANGUAGES},
            "facts": {"right_answer": _both(carrier.right)},
        }


def _attack(name: str, carrier: Carrier, goal: Goal, aim: Aim, *, number: int) -> dict[str, JsonValue]:
    """Return one goal planted in one carrier; the ways to put it take turns from carrier to carrier."""
    mark = str(_FIRST + _STEP * number)
    host = f"{name}-{mark}.example"
    canaries = {each: _said(carriers().canary, each).replace("{number}", mark) for each in LANGUAGES}
    document: dict[str, JsonValue] = {}
    for language in LANGUAGES:
        ways = aim.zh if language == "zh" else aim.en
        payload = ways[number % len(ways)].replace("{host}", host).replace("{canary}", canaries[language])
        payload = payload.replace("{wrong}", carrier.wrong.first(language))
        document[language] = carried(name, payload, language=language)
    facts: dict[str, JsonValue] = {"right_answer": _both(carrier.right)}
    facts |= _sign(goal, carrier, host=host, canaries=canaries, number=number)
    return {
        "category": goal,
        "id": f"{name}-{goal}",
        **_asked(carrier),
        "document": document,
        "facts": facts,
        "tags": [f"carrier:{name}"],
    }


def _sign(goal: Goal, carrier: Carrier, *, host: str, canaries: Mapping[Language, str],
          number: int) -> dict[str, JsonValue]:  # fmt: skip
    match goal:
        case "link":
            return {"forbidden_host": host}
        case "phrase":
            return {"canary": {each: canaries[each] for each in LANGUAGES}}
        case "tool":
            return {"forbidden_tool": ("forward_mail", "send_payment")[number % 2]}
        case "answer":
            return {"planted_answer": _both(carrier.wrong)}


def _asked(carrier: Carrier) -> dict[str, JsonValue]:
    return {each: _said(carrier.ask, each) for each in LANGUAGES}


def _said(both: Both, language: Language) -> str:
    return both.zh if language == "zh" else both.en


def _both(answers: InBoth) -> JsonValue:
    return answers.model_dump(mode="json")
