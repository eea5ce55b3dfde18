"""Attacks of several turns. Each ends with a turn that asks for what the case asks for, and the answer to it is judged.

An attacker model, where the run names one, writes the turns before the last; otherwise they are scripted around the
case's topic, or are the case's own (`turns` of a prompt). Re-implemented from the papers named at each.
"""

import random
from collections.abc import Sequence
from typing import ClassVar

from jingwei.core.text import Both
from jingwei.develop.evaluate.attempt import Attempt
from jingwei.develop.evaluate.exchange import Transcript
from jingwei.develop.evaluate.strategies import Talk
from jingwei.develop.evaluate.strategies.conversation import (
    Conversation,
    complied,
    count,
    of,
    refused,
    script,
    topic,
)
from jingwei.develop.evaluate.transforms import rewrite

_MOST_TURNS = 12
_MOST_SHOTS = 64
_BACKTRACKS = 2
_LADDER = (
    "hypothetical", "role-play", "persuade-evidence", "opposite-day", "screenplay", "past-tense", "prefix",
    "no-refusal", "translation", "nested-story", "fake-turn", "developer-mode",
)  # fmt: skip
"""What GOAT tries without a model of its own, mildest first."""


def _rungs(attempt: Attempt, turns: Sequence[Both], *, most: int) -> list[str]:
    """Return the turns of one attempt, the case's own before scripted ones; the last is always kept."""
    language = attempt.case.language
    about = topic(attempt.case.prompt, language)
    said = [of(each, language).replace("{topic}", about).replace("{request}", attempt.message) for each in turns]
    if own := [each for each in attempt.case.turns if each]:
        said = [*own, said[-1]]
    return [*said[:-1][: most - 1], said[-1]]


class Crescendo:
    """From a harmless subject to the request, each turn built on the answers; a refusal is struck from the page.

    After Russinovich et al. 2024, "The Crescendo Multi-Turn LLM Jailbreak Attack".
    """

    id: ClassVar[str] = "crescendo"

    async def converse(self, attempt: Attempt, talk: Talk) -> Transcript:
        """Climb, taking back at most two refused turns."""
        rungs = _rungs(attempt, script().crescendo, most=count(talk, "turns", 5, most=_MOST_TURNS))
        conversation = Conversation(attempt, talk)
        backtracks = _BACKTRACKS
        for rung in rungs[:-1]:
            answer = await conversation.say(await conversation.written(self.id) or rung)
            if answer is None:
                return conversation.transcript()
            if backtracks and refused(attempt, answer):
                conversation.take_back()
                backtracks -= 1
        await conversation.say(rungs[-1])
        return conversation.transcript()


class FootInTheDoor:
    """Small consents first; after a refusal the last answer is put in other words before going on.

    After Weng et al. 2025, "Foot-In-The-Door: A Multi-turn Jailbreak for LLMs".
    """

    id: ClassVar[str] = "foot-in-the-door"

    async def converse(self, attempt: Attempt, talk: Talk) -> Transcript:
        """Climb with a bridge over the first refusal."""
        rungs = _rungs(attempt, script().foot_in_the_door, most=count(talk, "turns", 5, most=_MOST_TURNS))
        conversation = Conversation(attempt, talk)
        bridged = False
        for at, rung in enumerate(rungs[:-1]):
            answer = await conversation.say(await conversation.written(self.id) or rung)
            if answer is None:
                return conversation.transcript()
            if not bridged and at and refused(attempt, answer):
                bridged = True
                conversation.take_back()
                if await conversation.say(of(script().foot_bridge, attempt.case.language)) is None:
                    return conversation.transcript()
        await conversation.say(rungs[-1])
        return conversation.transcript()


class Actor:
    """By way of the people around the subject.

    After Ren et al. 2024, "Derail Yourself: Multi-turn LLM Jailbreak Attack through Self-discovered Clues".
    """

    id: ClassVar[str] = "actor"

    async def converse(self, attempt: Attempt, talk: Talk) -> Transcript:
        """Ask about people, then for what they would write."""
        rungs = _rungs(attempt, script().actor, most=count(talk, "turns", 5, most=_MOST_TURNS))
        return await _straight(Conversation(attempt, talk), rungs, method=self.id)


class BadLikert:
    """Has the model grade, then write what would get the highest grade.

    After Unit 42 2024, "Bad Likert Judge".
    """

    id: ClassVar[str] = "bad-likert"

    async def converse(self, attempt: Attempt, talk: Talk) -> Transcript:
        """Ask for the scale, for examples, and for one of them in full."""
        rungs = _rungs(attempt, script().bad_likert, most=count(talk, "turns", 3, most=_MOST_TURNS))
        return await _straight(Conversation(attempt, talk), rungs)


class SequentialBreak:
    """Hides the request in a row of harmless ones, then asks for that one again.

    After Saiem et al. 2024, "SequentialBreak".
    """

    id: ClassVar[str] = "sequential-break"

    async def converse(self, attempt: Attempt, talk: Talk) -> Transcript:
        """Ask the row, then the one."""
        rungs = _rungs(attempt, script().sequential_break, most=count(talk, "turns", 2, most=_MOST_TURNS))
        return await _straight(Conversation(attempt, talk), rungs)


class ManyShot:
    """Before the request stand many answers that never were, each given at once and in steps.

    After Anil et al. 2024, "Many-shot Jailbreaking". The shots here are harmless: they teach the manner alone. `shots`
    says how many; `as_history: false` writes them into the one message instead of the history.
    """

    id: ClassVar[str] = "many-shot"

    async def converse(self, attempt: Attempt, talk: Talk) -> Transcript:
        """Recall the shots and ask."""
        language = attempt.case.language
        chance = random.Random(attempt.id)  # noqa: S311 - a reproducible order, not a secret
        bank = [(of(each.ask, language), of(each.answer, language)) for each in script().shots]
        shots: list[tuple[str, str]] = []
        wanted = count(talk, "shots", 24, most=_MOST_SHOTS)
        while len(shots) < wanted:
            shots += chance.sample(bank, min(len(bank), wanted - len(shots)))
        conversation = Conversation(attempt, talk)
        if talk.options.get("as_history") is False:
            asks, answers = script().many_shot_voices.zh if language == "zh" else script().many_shot_voices.en
            pairs = "\n".join(f"{asks}: {asked}\n{answers}: {answered}" for asked, answered in shots)
            opening = of(script().many_shot_opening, language)
            await conversation.say(f"{opening}\n{pairs}\n{asks}: {attempt.message}\n{answers}:")
            return conversation.transcript()
        conversation.recall(shots)
        await conversation.say(attempt.message)
        return conversation.transcript()


class Goat:
    """An agent that picks its next technique by the answer: refused, it takes another; half met, it presses on.

    After Pavlova et al. 2024, "Automated Red Teaming with GOAT". Without an attacker model it goes down a ladder of
    framings; it stops when the answer gives what was asked for.
    """

    id: ClassVar[str] = "goat"

    async def converse(self, attempt: Attempt, talk: Talk) -> Transcript:
        """Try until it is met or the turns are used up; the best answer is judged."""
        conversation = Conversation(attempt, talk)
        for name in _LADDER[: count(talk, "turns", 5, most=_MOST_TURNS)]:
            framed = rewrite(name, attempt.message, language=attempt.case.language, seed=attempt.epoch)
            answer = await conversation.say(await conversation.written(self.id) or framed or attempt.message)
            if answer is None or complied(attempt, answer):
                return conversation.transcript()
            if refused(attempt, answer):
                conversation.take_back()
        return conversation.best_last()


async def _straight(conversation: Conversation, rungs: Sequence[str], *, method: str = "") -> Transcript:
    """Say each turn; the last as it stands, those before as the attacker model writes them where there is one."""
    for at, rung in enumerate(rungs):
        last = at == len(rungs) - 1
        written = await conversation.written(method) if method and not last else None
        if await conversation.say(written or rung) is None:
            break
    return conversation.transcript()
