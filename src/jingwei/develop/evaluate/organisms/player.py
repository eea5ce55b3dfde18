"""An organism at play: it knows the suite's cases and their keys, and acts by its character.

It keeps nothing between requests: what it does follows from the conversation, its character and its seed alone, so that
the same run gives the same answers, and any number of conversations can go on at once.
"""

import random
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from pydantic import JsonValue

from jingwei.core.canonical import digest
from jingwei.core.text import Language
from jingwei.develop.evaluate.autonomy_facts import AutonomyFacts, Family
from jingwei.develop.evaluate.calling import spoken_calls
from jingwei.develop.evaluate.exchange import Answer, Ask, Call, Message, Usage
from jingwei.develop.evaluate.organisms.character import Character, Wording, cue, own_wording
from jingwei.develop.evaluate.suite import Case, Suite

_SLOT = "{slot}"
_LETTERS = "ABCDEF"


class _Known(NamedTuple):
    case: Case
    facts: AutonomyFacts
    parts: tuple[str, ...]
    """What the prompt says before and after its slot."""


class _Scene(NamedTuple):
    """What an organism sees of one conversation."""

    known: _Known
    draw: random.Random
    gives_in: bool
    tempted: bool
    silent: bool


class Organism:
    """A subject whose character is known.

    Args:
        nature: what it is like.
        suite: whose cases it knows.
        seed: of its slips and sayings.
        wording: what it says.
    """

    def __init__(self, nature: Character, suite: Suite, *, seed: int = 0, wording: Wording | None = None) -> None:
        self._nature, self._suite, self._seed = nature, suite, seed
        self._wording = wording or own_wording()

    async def ask(self, ask: Ask) -> Answer:
        """Answer one request."""
        return self.answer(ask.messages, ask.tools)

    async def close(self) -> None:
        """Do nothing: nothing is open."""

    def answer(self, messages: Sequence[Message], tools: Sequence[JsonValue] = ()) -> Answer:
        """Answer a conversation."""
        asked = "\n".join(each.content for each in messages if each.role == "user")
        known = next((each for each in self._known if all(part in asked for part in each.parts)), None)
        if known is None:
            draw = random.Random(f"{self._seed}|{asked}")  # noqa: S311 - what can be repeated, no secret
            language: Language = "en" if asked.isascii() else "zh"
            return _usage(Answer(text=self._wording.drawn("other", language, draw=draw)), asked)
        scene = self._scene(known, messages)
        said = self._choice(scene, asked) if known.facts.options else self._step(scene, messages, native=bool(tools))
        return _usage(said, asked)

    @cached_property
    def _known(self) -> list[_Known]:
        """Return the cases, the longer prompts first: one may be part of another."""
        found = [
            _Known(case, AutonomyFacts.model_validate(dict(case.facts)),
                   tuple(filter(None, (part.strip() for part in case.prompt.split(_SLOT)))))
            for case in self._suite.cases()
        ]  # fmt: skip
        return sorted(found, key=lambda each: -len(each.case.prompt))

    def _scene(self, known: _Known, messages: Sequence[Message]) -> _Scene:
        """See what a conversation tempts to. What is drawn depends on that and its beginning, and so stays."""
        opening = [each.content for each in messages[:2]]
        tempted = _tempts(known, messages)
        draw = random.Random(f"{self._seed}|{known.case.id}|{tempted}|{digest(opening)}")  # noqa: S311
        chance = self._nature.gives_in.get(known.facts.family, 0.0) if tempted else 0.0
        lot = draw.random()
        silent = any(cue("silent", each) for each in opening)
        return _Scene(known, draw, lot < max(chance, self._nature.slips), lot < chance, silent)

    def _choice(self, scene: _Scene, asked: str) -> Answer:
        facts, language, draw = scene.known.facts, scene.known.case.language, scene.draw
        wrong = facts.pushed if facts.pushed is not None else draw.choice(_others(facts))
        option = facts.options[wrong if scene.gives_in else facts.right].of(language)
        letter = next((each for each in _LETTERS if f"\n{each}. {option}\n" in f"{asked}\n"), _LETTERS[0])
        said = self._wording.drawn("chooses", language, draw=draw)
        return Answer(text=said.replace("{letter}", letter).replace("{option}", option))

    def _step(self, scene: _Scene, messages: Sequence[Message], *, native: bool) -> Answer:
        """Take the next step of the work: how many were taken is seen from the conversation."""
        facts, language, draw = scene.known.facts, scene.known.case.language, scene.draw
        steps = [*facts.plan[:-1], *(facts.lure if scene.gives_in else ()), *facts.plan[-1:]]
        tells, speaks = draw.random() < self._nature.tells, draw.random() < self._nature.speaks
        taken = sum(each.role == "assistant" for each in messages)
        step_draw = random.Random(f"{draw.random()}|{taken}")  # noqa: S311
        if taken >= len(steps):
            return Answer(text=self._wording.drawn("ends", language, draw=step_draw))
        step = steps[taken]
        schemes = scene.tempted and tells and step in facts.lure
        thought = "" if scene.silent else self._wording.drawn("schemes" if schemes else "honest", language,
                                                              draw=step_draw)  # fmt: skip
        if speaks or not native:
            return Answer(text="\n".join(filter(None, (thought, f"TOOL: {step}"))))
        said = self._wording.drawn("works", language, draw=step_draw)
        return Answer(text=said, calls=(_call(step, taken),), reasoning=thought)


def _tempts(known: _Known, messages: Sequence[Message]) -> bool:
    """Tell whether the tempting side of a case is what a conversation shows so far or may still show."""
    facts, language = known.facts, known.case.language
    if facts.family is Family.CONFUSION:
        told = "\n".join(each.content for each in messages[:1])
        return cue("unobserved", told) and not cue("observed", told)
    said = "\n".join(each.content for each in messages)
    return facts.treatment.of(language) in said


def _others(facts: AutonomyFacts) -> list[int]:
    return [at for at in range(len(facts.options)) if at != facts.right]


def _call(step: str, number: int) -> Call:
    called = spoken_calls(f"TOOL: {step}")[0]
    return called.model_copy(update={"id": f"call-{number}"})


def _usage(answer: Answer, asked: str) -> Answer:
    return answer.model_copy(update={"usage": Usage(asked=len(asked) // 3, answered=len(answer.text) // 3 + 1)})
