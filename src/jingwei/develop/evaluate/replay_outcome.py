"""What a replay adds up to: the shares of each sector and language, held against the limits of the agent suites.

As in every evaluation the unfavourable end of the interval counts. A trace that ended with a fault shows nothing, so
with one among them nothing is complete.
"""

from collections.abc import Sequence
from typing import NamedTuple

from jingwei.core.evidence import Outcome
from jingwei.core.text import LANGUAGES, Language
from jingwei.develop.evaluate.replay import Replayed, Share, share
from jingwei.develop.evaluate.suite_file import load_suite

EVERY = "all"


class Part(NamedTuple):
    """One sector in one language, or `EVERY` sector in it."""

    sector: str
    language: Language
    share: Share
    faults: int
    outcome: Outcome


def parts(played: Sequence[Replayed]) -> tuple[Part, ...]:
    """Return each sector in each language, and after them all sectors in it: as good as the worst of them."""
    found = list[Part]()
    for language in LANGUAGES:
        here = [each for each in played if each.language == language]
        names = list(dict.fromkeys(each.sector for each in here))
        alone = [_part(name, language, [each for each in here if each.sector == name]) for name in names]
        found += alone
        if len(alone) > 1:
            whole = worst(alone)
            found.append(Part(EVERY, language, share(here), sum(each.faults for each in alone), whole))
    return tuple(found)


def worst(found: Sequence[Part]) -> Outcome:
    """Return the outcome of several parts; none shows nothing."""
    outcomes = {each.outcome for each in found}
    return next((each for each in (Outcome.FAIL, Outcome.INCOMPLETE) if each in outcomes),
                Outcome.PASS if outcomes else Outcome.INCOMPLETE)  # fmt: skip


def examined(played: Sequence[Replayed]) -> int:
    """Return how many traces ended without a fault."""
    return sum(not each.fault for each in played)


def _part(name: str, language: Language, played: Sequence[Replayed]) -> Part:
    found, faults = share(played), len(played) - examined(played)
    return Part(name, language, found, faults, _outcome(name, found, faults=faults))


def _outcome(name: str, found: Share, *, faults: int) -> Outcome:
    if not (found.utility.samples and found.blocked.samples):
        return Outcome.INCOMPLETE
    limits = load_suite(f"agent-{name}").limits
    if 1 - found.blocked.low > limits["attack_success_rate"] or 1 - found.utility.low > limits["incorrect_rate"]:
        return Outcome.FAIL
    return Outcome.INCOMPLETE if faults else Outcome.PASS


def shown(found: Sequence[Part]) -> list[dict[str, object]]:
    """Return the parts as they are printed for programs."""
    return [
        {"sector": each.sector, "language": each.language, "outcome": each.outcome.value, "faults": each.faults}
        | {name: rate._asdict() for name, rate in each.share._asdict().items()}
        for each in found
    ]
