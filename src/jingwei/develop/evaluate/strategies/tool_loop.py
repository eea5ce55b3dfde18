"""The tool loop: ask, carry out what was called, tell what came of it, until there is an answer or no step is left.

Tools are offered in the API's own field; how they may be called is told by `calling`.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from pydantic import JsonValue

from jingwei.develop.evaluate.calling import calls_of
from jingwei.develop.evaluate.exchange import Answer, Ask, Call, Exchange, Message
from jingwei.develop.evaluate.strategies import Talk

STEPS = 12
"""Requests of one piece of work."""


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


def _carried_out(answer: Answer, calls: Sequence[Call], act: Callable[[Call], str]) -> list[Message]:
    """Carry out calls and return what the conversation grows by."""
    if not answer.calls:
        results = "\n".join(f"RESULT {call.name}: {act(call)}" for call in calls)
        return [Message(role="assistant", content=answer.text), Message(role="user", content=results)]
    named = [call if call.id else call.model_copy(update={"id": f"call-{n}"}) for n, call in enumerate(calls)]
    results_of = [Message(role="tool", content=act(call), call_id=call.id) for call in named]
    return [Message(role="assistant", content=answer.text, calls=tuple(named)), *results_of]
