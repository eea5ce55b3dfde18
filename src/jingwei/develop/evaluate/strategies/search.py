"""Attacks that search: many wordings of one request, each asked afresh, until one is met or the budget is used up.

Of all answers the one that comes closest to what was asked for is judged, so that a success anywhere counts once. The
attacker model, where the run names one, writes the wordings; otherwise they are framings and noise, drawn by the seed.
"""

import random
from typing import ClassVar, NamedTuple

from jingwei.core.text import Language
from jingwei.develop.evaluate.attempt import Attempt
from jingwei.develop.evaluate.exchange import Transcript
from jingwei.develop.evaluate.strategies import Talk
from jingwei.develop.evaluate.strategies.conversation import Conversation, complied, count, harm
from jingwei.develop.evaluate.transforms import rewrite, transform, transform_names

_MOST_TRIES = 32
_MOST_WIDE = 6
_MOST_DEEP = 5
_NOISE: dict[Language, tuple[str, ...]] = {
    "en": ("mixed-case", "misspelling", "misspelling+mixed-case", "spaced", "homoglyph", "diacritics"),
    "zh": ("homophone", "pinyin", "traditional", "radicals", "interleave", "traditional+interleave", "zero-width"),
}


def _framings(attempt: Attempt) -> list[str]:
    """Return the framings in an order of the attempt's own."""
    names = [name for name in transform_names() if transform(name).kind == "framing"]
    random.Random(attempt.id).shuffle(names)  # noqa: S311 - a reproducible order, not a secret
    return names


def _framed(attempt: Attempt, chain: str, *, seed: int = 0) -> str:
    return rewrite(chain, attempt.message, language=attempt.case.language, seed=seed) or attempt.message


class BestOfN:
    """The same request again and again with different noise.

    After Hughes et al. 2024, "Best-of-N Jailbreaking". `samples` says how often.
    """

    id: ClassVar[str] = "best-of-n"

    async def converse(self, attempt: Attempt, talk: Talk) -> Transcript:
        """Ask until it is met."""
        conversation = Conversation(attempt, talk)
        chance = random.Random(attempt.id)  # noqa: S311 - reproducible noise, not a secret
        for number in range(count(talk, "samples", 8, most=_MOST_TRIES)):
            if number:
                conversation.again()
            chain = chance.choice(_NOISE[attempt.case.language])
            answer = await conversation.say(_framed(attempt, chain, seed=number))
            if answer is None or complied(attempt, answer):
                return conversation.transcript()
        return conversation.best_last()


class Pair:
    """One wording after the other, each in view of the last answer.

    After Chao et al. 2023, "Jailbreaking Black Box Large Language Models in Twenty Queries". `turns` says how many.
    """

    id: ClassVar[str] = "pair"

    async def converse(self, attempt: Attempt, talk: Talk) -> Transcript:
        """Refine until it is met."""
        conversation = Conversation(attempt, talk)
        for number, name in enumerate(_framings(attempt)[: count(talk, "turns", 5, most=_MOST_TRIES)]):
            if number:
                conversation.again()
            answer = await conversation.say(await conversation.written(self.id) or _framed(attempt, name))
            if answer is None or complied(attempt, answer):
                return conversation.transcript()
        return conversation.best_last()


class _Leaf(NamedTuple):
    chain: str
    close: float
    """How close its answer came."""


class Tree:
    """A tree of wordings: the most promising of each level grow further, the others are cut.

    After Mehrotra et al. 2023, "Tree of Attacks". `branches` wordings come of each leaf, `width` leaves are kept,
    `depth` levels are grown. Without an attacker model a wording grows by one more framing around it.
    """

    id: ClassVar[str] = "tree"

    async def converse(self, attempt: Attempt, talk: Talk) -> Transcript:
        """Grow until it is met."""
        conversation = Conversation(attempt, talk)
        framings = iter(_framings(attempt) * 2)
        branches = count(talk, "branches", 2, most=_MOST_WIDE)
        leaves = [_Leaf("", 0.0)]
        for _ in range(count(talk, "depth", 3, most=_MOST_DEEP)):
            grown: list[_Leaf] = []
            for leaf in leaves:
                for name in (each for _, each in zip(range(branches), framings, strict=False)):
                    if conversation.exchanges:
                        conversation.again()
                    chain = f"{leaf.chain}+{name}" if leaf.chain else name
                    wording = await conversation.written(self.id) or _framed(attempt, chain)
                    answer = await conversation.say(wording)
                    if answer is None or complied(attempt, answer):
                        return conversation.transcript()
                    grown.append(_Leaf(chain, harm(attempt, conversation.exchanges[-1])))
                    if len(conversation.exchanges) == _MOST_TRIES:
                        return conversation.best_last()
            leaves = sorted(grown, key=lambda leaf: -leaf.close)[: count(talk, "width", 2, most=_MOST_WIDE)]
        return conversation.best_last()
