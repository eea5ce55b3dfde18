"""Conversations: what only several turns together show.

    session.escalation   risk that no single turn reaches, rising over several: a moving average
    session.rephrased    much the same again, in other words, after the model refused it or the guard stopped it
    session.split        nothing in any turn, but something in the turns read as one

A chat request brings its whole history, and is judged by that. Where texts come one by one, the last turns of each
session are remembered, in this process and for as long as there is room. Blue Book 四(三).
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from copy import copy
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple

from jingwei.core.finding import Severity
from jingwei.core.package_data import package_data
from jingwei.core.policy import Category, CategoryRule, Policy
from jingwei.deploy.guard.passages import Passage
from jingwei.deploy.guard.plans import Detectors, Plan
from jingwei.deploy.guard.scanning import scan_here
from jingwei.deploy.guard.turns import Turn
from jingwei.deploy.guard.verdict import Direction
from jingwei.detect import Hit

MOST_SESSIONS = 10_000
MOST_TURNS = 16
LONGEST_TEXT = 2_000
"""Characters of a turn that are kept."""
SHORT = 400
"""A longer turn is no piece of something cut up."""
MOST_PIECES = 8
DECAY = 0.7
"""What is left of a turn's risk with each turn after it."""
NOTABLE = 0.25
"""A turn below this says nothing about where the conversation goes."""
ALIKE = 0.45
"""Share of the shorter turn's words that come again, from which on it is the same request."""
_RISKY = frozenset({Category.HARM, Category.INJECTION})
_JOINED = frozenset({Category.KEYWORD, Category.INJECTION, Category.HARM})
_REFUSAL_REACH = 200
_WORD = re.compile(r"[a-z0-9]{3,}|[\u3400-\u9fff]")


class Said(NamedTuple):
    """One turn of a conversation."""

    by_person: bool
    text: str
    risk: float = 0.0
    rules: frozenset[str] = frozenset()
    """Rules that fired on it alone."""
    stopped: bool = False
    """The guard let nothing of it pass; whoever asked knows so without an answer of the model."""


class Conversations:
    """Remembers the last turns of sessions, and reads them together.

    Args:
        bundle: the detectors, to read cut-up turns as one.
        rules: the policy's rules.
    """

    def __init__(self, bundle: Detectors, rules: Sequence[CategoryRule]) -> None:
        self._bundle = bundle
        self._rules = [rule for rule in rules if rule.category in _JOINED]
        self._stopping = [rule for rule in rules
                          if rule.category in _RISKY and not rule.when and not rule.inbound.passes]  # fmt: skip
        self._kept: OrderedDict[str, list[Said]] = OrderedDict()
        self._lock = threading.Lock()

    def reading_with(self, bundle: Detectors) -> "Conversations":
        """Return the same memory, whose turns are read by other detectors from now on."""
        other = copy(self)
        other._bundle = bundle  # noqa: SLF001 - another of this very class
        return other

    def taken(self, session: str, passages: Sequence[Passage], hits: Sequence[Sequence[Hit]],
              direction: Direction) -> Turn:  # fmt: skip
        """Take the next turn in, and tell what it means in the light of those before."""
        history = [(passage, found) for passage, found in zip(passages, hits, strict=True)
                   if passage.path[:1] == ("messages",)]  # fmt: skip
        if history:
            said = [self._said(passage, found) for passage, found in history if _is_turn(passage)]
        else:
            new = [self._said(passage, found) for passage, found in zip(passages, hits, strict=True)
                   if passage.role in {"user", "assistant"}]  # fmt: skip
            said = self._remembered(session, new)
        if direction != "inbound" or not said or not said[-1].by_person:
            return Turn(risk=min(1.0, average(said)))
        signs = {**signs_of(said), **self._cut_up(said)}
        return Turn(min(1.0, average(said)), tuple(_hit(rule, score) for rule, score in signs.items()))

    def _remembered(self, session: str, new: Sequence[Said]) -> list[Said]:
        with self._lock:
            kept = [*self._kept.pop(session, ()), *new][-MOST_TURNS:]
            self._kept[session] = kept
            while len(self._kept) > MOST_SESSIONS:
                self._kept.popitem(last=False)
        return kept

    def _cut_up(self, said: Sequence[Said]) -> dict[str, float]:
        """Read the last short turns of the person as one text."""
        pieces: list[Said] = []
        for each in reversed([each for each in said if each.by_person]):
            if len(each.text) > SHORT or len(pieces) == MOST_PIECES:
                break
            pieces.insert(0, each)
        if len(pieces) < 2 or not self._rules:
            return {}
        alone = frozenset[str]().union(*(each.rules for each in pieces))
        scores = [hit.score for glue in ("", " ") for hit in self._across([each.text for each in pieces], glue)
                  if hit.rule_id not in alone]  # fmt: skip
        return {"session.split": max(scores)} if scores else {}

    def _across(self, texts: Sequence[str], glue: str) -> list[Hit]:
        """Find what reaches over a seam where texts are put together: a cut word, or a sentence cut between words."""
        seams = tuple(accumulate(len(each) + len(glue) for each in texts[:-1]))
        scan = scan_here((Passage((), glue.join(texts)),), self._bundle, Plan.of(self._bundle, self._rules))
        return [hit for hit in scan.hits[0] if any(hit.start < seam < hit.end for seam in seams)]

    def _said(self, passage: Passage, hits: Sequence[Hit]) -> Said:
        risk = max((hit.score for hit in hits if hit.category in _RISKY), default=0.0)
        stopped = any(hit.category is rule.category and hit.score >= rule.threshold for rule in self._stopping
                      for hit in hits)  # fmt: skip
        return Said(passage.role == "user", passage.text[:LONGEST_TEXT], risk,
                    frozenset(hit.rule_id for hit in hits), stopped)  # fmt: skip


def conversations(policy: Policy, bundle: Detectors) -> Conversations | None:
    """Return a memory of conversations, where the policy does anything about what it finds."""
    wanted = any(rule.category is Category.SESSION or "session_risk" in rule.when for rule in policy.rules)
    return Conversations(bundle, policy.rules) if wanted else None


def signs_of(said: Sequence[Said]) -> dict[str, float]:
    """Return what the turns show together, by rule, with a score."""
    found: dict[str, float] = {}
    people = [each for each in said if each.by_person]
    notable = [each for each in people if each.risk >= NOTABLE]
    level = average(said)
    if len(notable) >= 3 and people[-1].risk >= NOTABLE and level >= 1.0 and _rises(people):
        found["session.escalation"] = min(1.0, 0.4 + 0.4 * level)
    refused = _asked_again(said)
    if refused:
        found["session.rephrased"] = refused
    return found


def average(said: Sequence[Said]) -> float:
    """Return the moving average of the risk: what a turn said fades with each that follows."""
    level = 0.0
    for each in said:
        if each.by_person:
            level = level * DECAY + each.risk
    return level


def _rises(people: Sequence[Said]) -> bool:
    """Tell whether the later half is riskier than the earlier, or all of it has been."""
    half = len(people) // 2
    early, late = people[:half], people[half:]
    mean_late = sum(each.risk for each in late) / max(1, len(late))
    return mean_late >= NOTABLE and mean_late >= sum(each.risk for each in early) / max(1, len(early)) * 0.9


def _asked_again(said: Sequence[Said]) -> float:
    """Return how surely the last turn asks again for what was refused; 0 where it does not."""
    last, best, times = said[-1], 0.0, 0
    for before, answer in pairwise(said):
        refused = not answer.by_person and is_refusal(answer.text)
        stopped = before.stopped and (last.risk >= NOTABLE or not before.rules.isdisjoint(last.rules))
        if not before.by_person or not (refused or stopped):
            continue
        alike, risk = alikeness(before.text, last.text), max(before.risk, last.risk)
        if alike >= ALIKE and risk >= NOTABLE:
            times += 1
            best = max(best, min(1.0, 0.45 + 0.5 * risk))
    return min(1.0, best + 0.1 * max(0, times - 1))


def is_refusal(text: str) -> bool:
    """Tell whether an answer says no, by its beginning."""
    return bool(_refusals().search(text[:_REFUSAL_REACH]))


def alikeness(one: str, other: str) -> float:
    """Return the share of the shorter text's words that the other has; single characters of Chinese count as words."""
    left, right = set(_WORD.findall(one.casefold())), set(_WORD.findall(other.casefold()))
    shorter = min(len(left), len(right))
    return len(left & right) / shorter if shorter >= 3 else 0.0


@lru_cache(maxsize=1)
def _refusals() -> re.Pattern[str]:
    return re.compile("|".join(package_data("jingwei.deploy.guard", "conversation.yaml")["refusals"]), re.IGNORECASE)


def _is_turn(passage: Passage) -> bool:
    return not passage.fixed and passage.role in {"user", "assistant"} and len(passage.path) > 2 \
        and passage.path[2] == "content"  # fmt: skip


def _hit(rule: str, score: float) -> Hit:
    return Hit(0, 0, Category.SESSION, rule, score, Severity.MEDIUM)
