"""An outside model's word on whether an answer agrees with a key or rests on a context.

Asked twice, the options in changed places; two answers that agree count, two that differ leave it open, and anything
but one letter is an error. What is judged goes as JSON between lines with a random marker: it is data.
"""

import json
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.package_data import package_data
from jingwei.core.text import Language
from jingwei.develop.evaluate.exchange import Answer, Ask, Fault, Message
from jingwei.develop.evaluate.verdict import State

Second = Callable[[Ask], Awaitable[Answer | Fault]]
_LETTER = re.compile(r"[\W_]*([ABC])(?:[\W_]*|[).:\uff1a\u3001][^\n]{0,200})", re.IGNORECASE)
_LONGEST_REPLY = 240
_LONGEST = 12_000
"""Characters of each text that are shown."""


class _Wording(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    system: str
    options: tuple[str, ...] = Field(min_length=3, max_length=3)
    closing: str


@lru_cache(maxsize=1)
def _wordings() -> Mapping[str, Mapping[str, _Wording]]:
    data = package_data(__package__, "outside.yaml")
    return {kind: {name: _Wording.model_validate(each) for name, each in both.items()} for kind, both in data.items()}


async def outside_word(second: Second, *, question: str, answer: str, language: Language,
                       key: Sequence[str] = (), context: str = "") -> tuple[State, str]:  # fmt: skip
    """Ask an outside model; returns CORRECT, INCORRECT, UNDETERMINED or ERROR and why, as a stable code."""
    kind: Literal["fact", "faithful"] = "faithful" if context else "fact"
    told: dict[str, str | list[str]] = {
        "question": question,
        "answer": answer,
        **({"context": context} if context else {"key": list(key)}),
    }
    said: list[State] = []
    for swapped in (False, True):
        found = await second(_asking(_wordings()[kind][language], told, swapped=swapped))
        if isinstance(found, Fault):
            return State.ERROR, f"outside-{found.reason}"
        state = _read(found.text, swapped=swapped)
        if state is State.ERROR:
            return state, "outside-junk"
        said.append(state)
    if said[0] is not said[1]:
        return State.UNDETERMINED, "outside-disagrees"
    return said[0], "outside"


def _asking(wording: _Wording, told: Mapping[str, str | list[str]], *, swapped: bool) -> Ask:
    marker = f"=== {secrets.token_hex(12)} ==="
    good, bad, unsure = wording.options
    first, then = (bad, good) if swapped else (good, bad)
    shown = {name: each[:_LONGEST] if isinstance(each, str) else each for name, each in told.items()}
    data = json.dumps(shown, ensure_ascii=True)
    body = f"A: {first}\nB: {then}\nC: {unsure}\n\n{marker}\n{data}\n{marker}\n\n{wording.closing}"
    system = wording.system.replace("{marker}", marker)
    return Ask(messages=(Message(role="system", content=system), Message(role="user", content=body)))


def _read(reply: str, *, swapped: bool) -> State:
    found = _LETTER.fullmatch(reply.strip()) if len(reply) <= _LONGEST_REPLY else None
    if found is None:
        return State.ERROR
    letter = found[1].upper()
    if letter == "C":
        return State.UNDETERMINED
    return State.CORRECT if (letter == "A") is not swapped else State.INCORRECT
