"""Probing a base: does anybody get a paragraph that is hidden from them?

For each asker, hidden paragraphs are asked for: by their own words, by a part of them, by their heading, and by
questions that demand everything. What comes back must be visible to that asker by the lists alone, read afresh and not
by the search that is being tested.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from jingwei.core.text import text
from jingwei.operate.access.acl import Asker
from jingwei.operate.access.knowledge import KnowledgeBase, Passage
from jingwei.operate.access.screen import leaks, shingles


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """How a round of probes ended."""

    probes: int
    leaked: tuple[tuple[str, int], ...]
    """(asker, paragraph) of each that came back though it is hidden."""
    unscreened: int
    """Hidden paragraphs that, repeated word for word in an answer, the screen did not notice."""
    screened: int
    """Hidden paragraphs that were repeated so."""


def probe(base: KnowledgeBase, askers: Sequence[Asker], *, most: int = 1_000, seed: int = 20260101) -> ProbeResult:
    """Ask for what is hidden, at least once for each asker, `most` times in all.

    Args:
        base: the base.
        askers: on whose behalf to ask.
        most: how many probes.
        seed: of the choice of paragraphs.
    """
    chosen = random.Random(seed)  # noqa: S311 - a sample, not a secret
    everything, lists = base.every_paragraph(), base.lists()
    allowed = {asker: frozenset(number for number, acls in lists.items() if all(acl.lets(asker) for acl in acls))
               for asker in askers}  # fmt: skip
    hidden = {asker: [each for each in everything if each.id not in allowed[asker]] for asker in askers}
    asking = [asker for asker in askers if hidden[asker]]
    leaked: list[tuple[str, int]] = []
    screened = unscreened = done = 0
    while asking and done < most:
        for asker in asking[: most - done]:
            wanted = chosen.choice(hidden[asker])
            found = base.search(_question(wanted, done), asker, most=20)
            leaked += [(asker.id, passage.id) for passage in found if passage.id not in allowed[asker]]
            if _only_hidden(base, wanted, allowed[asker]):
                screened += 1
                unscreened += not leaks(f"- {wanted.text} -", asker, base)
            done += 1
    return ProbeResult(done, tuple(leaked), unscreened, screened)


def _only_hidden(base: KnowledgeBase, wanted: Passage, allowed: frozenset[int]) -> bool:
    """Tell whether a paragraph is long enough to be screened, and says something that no visible one says."""
    holding = base.holding(sorted(shingles(wanted.text)))
    return any(not held & allowed for held in holding.values())


def _question(wanted: Passage, number: int) -> str:
    kinds = (
        wanted.text,
        wanted.text[: len(wanted.text) // 2],
        f"{wanted.title} {wanted.heading}",
        text("operate.access:probe-everything", about=wanted.heading or wanted.title).of("zh" if number % 2 else "en"),
    )
    return kinds[number % len(kinds)]
