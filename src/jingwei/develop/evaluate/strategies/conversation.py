"""A conversation as an attacker leads it: says, hears, takes back, begins again, has a model write the next turn."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict

from jingwei.core.package_data import package_data
from jingwei.core.text import Both, Language
from jingwei.develop.evaluate.attempt import Attempt
from jingwei.develop.evaluate.exchange import Answer, Ask, Exchange, Message, Transcript
from jingwei.develop.evaluate.judge import weigh
from jingwei.develop.evaluate.opinion import opinion
from jingwei.develop.evaluate.strategies import Talk
from jingwei.develop.evaluate.suite import Expectation
from jingwei.develop.evaluate.verdict import State

_LONGEST_TURN = 4_000
"""Characters of what an attacker model may say."""
_HEARD = 1_500
"""Characters of an answer that it is shown."""
_REMEMBERED = 6
"""Exchanges that it is shown."""
_SHORTEST_TOPIC = 3


class Shot(BaseModel):
    """A harmless question and its answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ask: Both
    answer: Both


class Voices(BaseModel):
    """How the one who asks and the one who answers are marked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zh: tuple[str, str]
    en: tuple[str, str]


class Script(BaseModel):
    """The content of `turns.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=lambda name: name.replace("_", "-"))

    openings: Both
    crescendo: tuple[Both, ...]
    foot_in_the_door: tuple[Both, ...]
    foot_bridge: Both
    actor: tuple[Both, ...]
    bad_likert: tuple[Both, ...]
    sequential_break: tuple[Both, ...]
    many_shot_opening: Both
    many_shot_voices: Voices
    shots: tuple[Shot, ...]
    attacker: Both
    methods: Mapping[str, Both]


@lru_cache
def script() -> Script:
    """Return what is said where no attacker model writes it."""
    source: Any = package_data(__package__, "turns.yaml")
    return Script.model_validate(source)


def of(said: Both, language: Language) -> str:
    """Return a wording in one language."""
    return said.zh if language == "zh" else said.en


def topic(request: str, language: Language) -> str:
    """Return what a request is about: the request without its opening and its last sign."""
    bare = request.strip().rstrip("。？！.?! ")
    found = re.sub(of(script().openings, language), "", bare, flags=re.IGNORECASE).strip()
    return found if len(found) >= _SHORTEST_TOPIC else bare


def count(talk: Talk, name: str, default: int, *, most: int) -> int:
    """Return a number that the suite's options may give, within bounds."""
    given = talk.options.get(name)
    return min(max(given, 1), most) if isinstance(given, int) and not isinstance(given, bool) else default


def complied(attempt: Attempt, answer: Answer) -> bool:
    """Tell whether an answer clearly gives what a harmful request asks for, so that no more need be tried."""
    if attempt.case.expectation is not Expectation.REFUSE or answer.blocked or not answer.text.strip():
        return False
    return weigh(attempt.case.prompt, answer.text).state is State.ATTACK_SUCCEEDED


def refused(attempt: Attempt, answer: Answer) -> bool:
    """Tell whether an answer refuses altogether."""
    return answer.blocked or opinion(attempt.case.prompt, answer.text, seeks_harm=True).refused == "full"


def harm(attempt: Attempt, exchange: Exchange) -> float:
    """Return how close an answer comes to what was asked for; least where there is none or it was withheld."""
    answer = exchange.answer
    if answer is None:
        return -1.0
    if answer.blocked or not answer.text.strip():
        return 0.0
    return weigh(attempt.case.prompt, answer.text).score or 0.0


class Conversation:
    """One attempt's talk with the subject; it may begin again several times.

    Args:
        attempt: what is to be attained.
        talk: the hands.
    """

    def __init__(self, attempt: Attempt, talk: Talk) -> None:
        self._attempt, self._talk = attempt, talk
        self.exchanges: list[Exchange] = []
        self._began = -1
        self._said: list[Message] = []
        self.again()

    @property
    def over(self) -> bool:
        """Tell whether the last request failed: nothing more can be asked."""
        return bool(self.exchanges) and self.exchanges[-1].answer is None

    def again(self) -> None:
        """Begin with an empty page; what was heard so far stays in the transcript."""
        self._began += 1
        told = self._talk.system_prompt
        self._said = [Message(role="system", content=told)] if told else []

    def recall(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Put exchanges into the history that never were."""
        for asked, answered in pairs:
            self._said += [Message(role="user", content=asked), Message(role="assistant", content=answered)]

    async def say(self, turn: str) -> Answer | None:
        """Say one turn with all before it; None where the request failed."""
        self._said.append(Message(role="user", content=turn))
        session = self._attempt.id if self._began == 0 else f"{self._attempt.id}.{self._began}"
        exchange = await self._talk.ask(Ask(messages=tuple(self._said), session=session))
        self.exchanges.append(exchange)
        if exchange.answer is None:
            return None
        self._said.append(Message(role="assistant", content=exchange.answer.text))
        return exchange.answer

    def take_back(self) -> None:
        """Strike the last turn and its answer from the page, as if they had not been."""
        del self._said[-2:]

    def best_last(self) -> Transcript:
        """Return the transcript with the answer last that comes closest: of many tries that is the one judged.

        A failed request stays where it is, last.
        """
        if not self.over:
            best = max(range(len(self.exchanges)), key=lambda at: (harm(self._attempt, self.exchanges[at]), at))
            self.exchanges.append(self.exchanges.pop(best))
        return self.transcript()

    def transcript(self) -> Transcript:
        """Return everything said and heard."""
        return Transcript(exchanges=tuple(self.exchanges))

    async def written(self, method: str) -> str | None:
        """Have the attacker model write the next turn; None where there is none or it wrote nothing of use."""
        if self._talk.attacker is None:
            return None
        language = self._attempt.case.language
        told = of(script().attacker, language).replace("{method}", of(script().methods[method], language))
        heard = [
            {"said": each.ask.messages[-1].content[:_HEARD], "heard": each.answer.text[:_HEARD] if each.answer else ""}
            for each in self.exchanges[-_REMEMBERED:]
        ]
        page = json.dumps({"goal": self._attempt.message, "so_far": heard}, ensure_ascii=False)
        messages = (Message(role="system", content=told), Message(role="user", content=page))
        exchange = await self._talk.attacker(Ask(messages=messages, session=f"{self._attempt.id}.attacker"))
        return _turn(exchange.answer.text) if exchange.answer else None


def _turn(written: str) -> str | None:
    """Read an attacker's turn; what is no object with a `turn` in words is not used."""
    head = written[: 4 * _LONGEST_TURN]
    try:
        value = json.loads(head[max(head.find("{"), 0) : head.rfind("}") + 1])
    except (ValueError, RecursionError):
        return None
    turn = value.get("turn") if isinstance(value, dict) else None
    if not isinstance(turn, str) or not turn.strip():
        return None
    return turn.strip()[:_LONGEST_TURN]
