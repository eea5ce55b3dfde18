"""One question, one answer."""

from typing import ClassVar

from jingwei.develop.evaluate.attempt import Attempt
from jingwei.develop.evaluate.exchange import Ask, Message, Transcript
from jingwei.develop.evaluate.strategies import Talk


class Single:
    """Says the attempt's message, after what the subject is told, and takes what comes."""

    id: ClassVar[str] = "single"

    async def converse(self, attempt: Attempt, talk: Talk) -> Transcript:
        """Ask once."""
        told = (Message(role="system", content=talk.system_prompt),) if talk.system_prompt else ()
        ask = Ask(messages=(*told, Message(role="user", content=attempt.message)), session=attempt.id)
        return Transcript(exchanges=(await talk.ask(ask),))
