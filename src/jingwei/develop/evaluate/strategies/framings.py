"""The same case under several conditions, each in a conversation of its own that knows nothing of the others.

Environment confusion says six things of where the model is: in training, under evaluation, in use by free or paying
users, watched, unwatched. The other families differ in one passage: the opportunity, incentive or threat, and its
harmless twin. All conditions of one attempt have the same wording and order of options otherwise.
"""

import random
from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, JsonValue

from jingwei.core.errors import InputError
from jingwei.core.package_data import package_data
from jingwei.core.text import Both, Language
from jingwei.develop.evaluate.attempt import Attempt
from jingwei.develop.evaluate.autonomy_facts import AutonomyFacts, Family, Side
from jingwei.develop.evaluate.desk import Desk, State, acted
from jingwei.develop.evaluate.exchange import Ask, Call, Exchange, Message, Transcript
from jingwei.develop.evaluate.picking import listed, shuffled
from jingwei.develop.evaluate.strategies import Talk
from jingwei.develop.evaluate.strategies.tool_loop import Work, work

_SLOT = "{slot}"


class _Wordings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    zh: tuple[str, ...]
    en: tuple[str, ...]

    def drawn(self, language: Language, *, seed: str) -> str:
        """Return one wording, the same for the same seed."""
        return random.Random(seed).choice(self.zh if language == "zh" else self.en)  # noqa: S311 - a wording, no secret


class _Framing(_Wordings):
    side: Side


class _Source(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    confusion: Mapping[str, _Framing]
    trace: Mapping[str, _Wordings]
    speak: Both


@lru_cache(maxsize=1)
def _source() -> _Source:
    return _Source.model_validate(package_data(__package__, "framings.yaml"))


def speak(language: Language) -> str:
    """Return how a subject is told that it may call tools in words."""
    return _source().speak.of(language)


class Condition(NamedTuple):
    """One way a case is put."""

    name: str
    side: Side
    told: str
    """Beside what the suite tells."""
    slot: str


class Framings:
    """Puts a case under all its conditions; the transcript's state says what was done under each."""

    id: ClassVar[str] = "framings"

    async def converse(self, attempt: Attempt, talk: Talk) -> Transcript:
        """Go through the conditions in an order drawn by the attempt; ends with the first fault."""
        facts = AutonomyFacts.model_validate(dict(attempt.case.facts))
        desk = _desk(facts, talk.options)
        exchanges, episodes = list[Exchange](), list[JsonValue]()
        for number, condition in enumerate(conditions(facts, attempt.case.language, seed=attempt.id)):
            first = len(exchanges)
            session = f"{attempt.id}-{number}"
            if desk is None:
                exchanges.append(await _asked(attempt, talk, facts, condition, session=session))
                held: State = {}
            else:
                done, held = await _worked(attempt, talk, facts, condition, desk=desk, session=session)
                exchanges += done.exchanges
            if exchanges[-1].answer is None:
                break
            effects = {each.name: each.effect.value for each in desk.tools} if desk else {}
            episodes.append({"condition": condition.name, "side": condition.side, "first": first,
                             "last": len(exchanges), "state": dict(held), "effects": dict(effects)})  # fmt: skip
        return Transcript(exchanges=tuple(exchanges), state={"episodes": episodes})


def conditions(facts: AutonomyFacts, language: Language, *, seed: str) -> tuple[Condition, ...]:
    """Return how a case is put, in an order drawn by the seed."""
    treatment, control = facts.treatment.of(language), facts.control.of(language)
    found: list[Condition]
    if facts.family is Family.CONFUSION:
        found = [
            Condition(name, framing.side, framing.drawn(language, seed=seed), "")
            for name, framing in _source().confusion.items()
        ]
    elif facts.family is Family.REASONING:
        found = [
            Condition(f"{side}-{name}", side, wordings.drawn(language, seed=seed), slot)
            for name, wordings in _source().trace.items()
            for side, slot in _sides(treatment, control)
        ]
    else:
        found = [Condition(side, side, "", slot) for side, slot in _sides(treatment, control)]
    random.Random(seed).shuffle(found)  # noqa: S311 - an order, no secret
    return tuple(found)


def _sides(treatment: str, control: str) -> tuple[tuple[Side, str], ...]:
    return (("treatment", treatment), ("control", control))


def _desk(facts: AutonomyFacts, options: Mapping[str, JsonValue]) -> Desk | None:
    if not facts.desk:
        return None
    desks = options.get("desks")
    if not isinstance(desks, dict) or facts.desk not in desks:
        raise InputError("develop.evaluate:desk-unknown", field="suite:options.desks", name=facts.desk)
    return Desk.model_validate(desks[facts.desk])


async def _asked(attempt: Attempt, talk: Talk, facts: AutonomyFacts, condition: Condition, *,
                 session: str) -> Exchange:  # fmt: skip
    """Ask a question with options once."""
    order = shuffled(len(facts.options), seed=attempt.id)
    question = _slotted(attempt.message, condition) + listed(facts.options, order, language=attempt.case.language)
    placed = _SLOT in attempt.message
    messages = _opening(talk, condition, question, placed=placed)
    return await talk.ask(Ask(messages=messages, session=session))


async def _worked(attempt: Attempt, talk: Talk, facts: AutonomyFacts, condition: Condition, *, desk: Desk,
                  session: str) -> tuple[Work, State]:  # fmt: skip
    """Let the subject work at a desk, and return what became of its state."""
    language = attempt.case.language
    results = {name: _slotted(said.of(language), condition) for name, said in facts.results.items()}
    placed = _SLOT in attempt.message or any(_SLOT in said.of(language) for said in facts.results.values())
    state: dict[str, str] = {}

    def act(call: Call) -> str:
        found = acted(desk, state, call, language=language, results=results)
        state.update(found.state)
        return found.result

    tools = speak(language) + desk.listed(language)
    messages = _opening(talk, condition, _slotted(attempt.message, condition), placed=placed, tools=tools)
    done = await work(talk, messages, tools=desk.definitions(language), act=act, session=session)
    return done, state


def _slotted(text: str, condition: Condition) -> str:
    return text.replace(_SLOT, condition.slot)


def _opening(talk: Talk, condition: Condition, request: str, *, placed: bool,
             tools: str = "") -> tuple[Message, ...]:  # fmt: skip
    """Return the first messages; a subject that takes no system prompt of ours reads it before the request."""
    told = "\n\n".join(filter(None, (talk.system_prompt, tools, condition.told, "" if placed else condition.slot)))
    if not talk.system_prompt:
        return (Message(role="user", content=f"{told}\n\n{request}".strip()),)
    return (Message(role="system", content=told), Message(role="user", content=request))
