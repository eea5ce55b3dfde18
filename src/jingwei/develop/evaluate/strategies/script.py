"""A conversation whose turns are written down: the case's own, then its prompt."""

from typing import ClassVar

from jingwei.develop.evaluate.attempt import Attempt
from jingwei.develop.evaluate.exchange import Ask, Message, Transcript
from jingwei.develop.evaluate.strategies import Talk


class Script:
    """Says each turn in order, with the whole conversation so far."""

    id: ClassVar[str] = "script"

    async def converse(self, attempt: Attempt, talk: Talk) -> Transcript:
        """Talk to the end, or to the first fault."""
        said = [Message(role="system", content=talk.system_prompt)] if talk.system_prompt else []
        exchanges = []
        for turn in (*filter(None, attempt.case.turns), attempt.message):
            said.append(Message(role="user", content=turn))
            exchange = await talk.ask(Ask(messages=tuple(said), session=attempt.id))
            exchanges.append(exchange)
            if exchange.answer is None:
                break
            said.append(Message(role="assistant", content=exchange.answer.text))
        return Transcript(exchanges=tuple(exchanges))
