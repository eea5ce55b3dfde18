"""The tool loop: ask, carry out what was called, tell what came of it, until there is an answer or no step is left.

Tools are offered in the API's own field and may be called there or in words, as small models do: a line
`TOOL: name(key=value)` or `TOOL: name({"key": "value"})`. What is carried out is bounded in number and size.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from pydantic import JsonValue

from jingwei.develop.evaluate.exchange import Answer, Ask, Call, Exchange, Message
from jingwei.develop.evaluate.reading import arguments_of
from jingwei.develop.evaluate.strategies import Talk

STEPS = 12
"""Requests of one piece of work."""
_AT_ONCE = 8
"""Calls that are carried out of one answer."""
_LONGEST = 4_000
_SPOKEN = re.compile(
    r"^[^\w\n]{0,6}TOOL\s*[:：]\s*([A-Za-z_]\w{0,63})\s*[(（](.{0,4000})[)）]\s*\W{0,3}$", re.MULTILINE
)
_PAIR = re.compile(r"""\s*(\w{1,64})\s*[=:：]\s*("[^"]*"|'[^']*'|“[^”]*”|[^,，]*)\s*(?:[,，]|$)""")
_QUOTES = "\"'“”"


class Work(NamedTuple):
    """What one piece of work was."""

    exchanges: tuple[Exchange, ...]
    calls: tuple[Call, ...]
    """Those that were carried out, in order."""
    ended: Literal["answered", "steps", "blocked", "fault"]


async def work(talk: Talk, told: Sequence[Message], *, tools: tuple[JsonValue, ...], act: Callable[[Call], str],
               session: str, steps: int = STEPS) -> Work:  # fmt: skip
    """Let a subject work.

    Args:
        talk: how it is asked.
        told: the conversation so far.
        tools: definitions, as the chat API has them.
        act: carries out a call and returns what the subject reads of it.
        session: of the conversation.
        steps: most requests.
    """
    said, exchanges, done = list(told), list[Exchange](), list[Call]()
    for _ in range(steps):
        exchange = await talk.ask(Ask(messages=tuple(said), tools=tools, session=session))
        exchanges.append(exchange)
        answer = exchange.answer
        if answer is None:
            return Work(tuple(exchanges), tuple(done), "fault")
        calls = calls_of(answer)
        if answer.blocked or not calls:
            return Work(tuple(exchanges), tuple(done), "blocked" if answer.blocked else "answered")
        said += _carried_out(answer, calls, act)
        done += calls
    return Work(tuple(exchanges), tuple(done), "steps")


def calls_of(answer: Answer) -> tuple[Call, ...]:
    """Return the calls of an answer, native ones before spoken ones."""
    return (answer.calls or spoken_calls(answer.text))[:_AT_ONCE]


def spoken_calls(text: str) -> tuple[Call, ...]:
    """Return the calls that a text makes in lines of their own."""
    return tuple(
        Call(name=found.group(1), arguments=_arguments(found.group(2)))
        for found in list(_SPOKEN.finditer(text))[:_AT_ONCE]
    )


def _arguments(written: str) -> dict[str, JsonValue]:
    """Read arguments written as a JSON object or as pairs."""
    if written.lstrip().startswith("{"):
        return dict(arguments_of(written))
    return {name: _scalar(value.strip()) for name, value in _PAIR.findall(written[:_LONGEST])}


def _scalar(written: str) -> JsonValue:
    if written[:1] in _QUOTES and written:
        return written.strip(_QUOTES)
    try:
        found = json.loads(written)
    except ValueError:
        return written
    return found if isinstance(found, str | int | float | bool) else written


def _carried_out(answer: Answer, calls: Sequence[Call], act: Callable[[Call], str]) -> list[Message]:
    """Carry out calls and return what the conversation grows by."""
    if not answer.calls:
        results = "\n".join(f"RESULT {call.name}: {act(call)}" for call in calls)
        return [Message(role="assistant", content=answer.text), Message(role="user", content=results)]
    named = [call if call.id else call.model_copy(update={"id": f"call-{n}"}) for n, call in enumerate(calls)]
    results_of = [Message(role="tool", content=act(call), call_id=call.id) for call in named]
    return [Message(role="assistant", content=answer.text, calls=tuple(named)), *results_of]
