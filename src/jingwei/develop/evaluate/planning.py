"""What a run asks: suite × case × transform × strategy × epoch, in an order that any seed gives again.

The order takes turns among languages, categories and strategies, so that a run that is cut short, by a limit, a budget
or a person, has asked a little of everything. An attempt is keyed by a digest of all that makes it what it is.
"""

from collections.abc import Container, Iterator, Sequence
from itertools import product
from zlib import crc32

from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.errors import InputError
from jingwei.core.text import LANGUAGES, Language
from jingwei.develop.evaluate.attempt import Attempt, Briefing, attempt_of, drawn
from jingwei.develop.evaluate.scorers import check_facts
from jingwei.develop.evaluate.strategies import strategy
from jingwei.develop.evaluate.suite import Case, Expectation, Suite
from jingwei.develop.evaluate.suite_file import load_suite
from jingwei.develop.evaluate.transforms import PLAIN, transform

HOSTILE = frozenset({Expectation.REFUSE, Expectation.NO_LEAK, Expectation.NO_TOOL, Expectation.BEHAVE})
"""Where a bad end is an attack that succeeded."""


class Scope(BaseModel):
    """Which part of the suites is asked, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    suites: tuple[str, ...] = Field(min_length=1)
    """Ids of suites of the package, or paths of suite files."""
    languages: tuple[Language, ...] = Field(default=LANGUAGES, min_length=1)
    categories: tuple[str, ...] = ()
    """None given means all."""
    transforms: tuple[str, ...] = ()
    """For attacks; none given means those of each suite."""
    strategies: tuple[str, ...] = ()
    """None given means that of each suite."""
    epochs: int = Field(default=1, ge=1, le=100)
    """How often each is asked."""
    limit: int | None = Field(default=None, ge=1)
    """Largest number of attempts of each suite."""
    seed: int = 20260101


class Plan:
    """The attempts of a run, by suite.

    Args:
        scope: what is asked for.
        briefings: one for each suite, in the order of the scope.

    Raises:
        InputError: nothing is left to ask, or a name in the scope is unknown; it names the field.
    """

    def __init__(self, scope: Scope, briefings: Sequence[Briefing]) -> None:
        self.scope = scope
        self.briefings = {each.suite.id: each for each in briefings}
        if len(self.briefings) < len(briefings):
            raise InputError("develop.evaluate:plan-suite-twice", field="suites", names=", ".join(self.briefings))
        _demand_known(scope, [each.suite for each in briefings])
        self.attempts = [each for briefing in briefings for each in _attempts(scope, briefing)]
        self.ids = {each.id: each.suite for each in self.attempts}
        """Every attempt's suite, in the order they are asked."""
        if not self.attempts:
            raise InputError("develop.evaluate:nothing-to-try", field="transforms")

    def take(self, *, done: Container[str]) -> Iterator[Attempt]:
        """Give the attempts that are not done yet, and let go of each: a long run keeps results, not plans."""
        self.attempts.reverse()
        while self.attempts:
            attempt = self.attempts.pop()
            if attempt.id not in done:
                yield attempt

    def unplanted(self, suite: str) -> int:
        """Count the cases of a suite that are left out because nothing could leak or be called."""
        briefing = self.briefings[suite]
        return sum(not _usable(each, briefing) for each in briefing.suite.cases())


def suites_of(scope: Scope) -> list[Suite]:
    """Read the suites of a scope, each once and each whole.

    Raises:
        NotFound: there is no such suite.
        InputError: a suite file is wrong; the message names the place.
    """
    found = [load_suite(name) for name in dict.fromkeys(scope.suites)]
    for each in found:
        check_facts(each)
    return found


def _demand_known(scope: Scope, suites: Sequence[Suite]) -> None:
    for chain in (*scope.transforms, *(chain for suite in suites for chain in suite.transforms)):
        for name in chain.split("+"):
            transform(name)
    for name in (*scope.strategies, *(suite.strategy for suite in suites)):
        strategy(name)
    known = {category.id for suite in suites for category in suite.categories}
    for category in scope.categories:
        if category not in known:
            raise InputError("develop.evaluate:category-unknown", field="categories", name=category,
                             known=", ".join(sorted(known)))  # fmt: skip


def _attempts(scope: Scope, briefing: Briefing) -> Iterator[Attempt]:
    """Give a suite's attempts in their order, as many as the limit allows."""
    suite = briefing.suite
    cases = [
        case
        for case in suite.cases()
        if case.language in scope.languages
        and (not scope.categories or case.category in scope.categories)
        and _usable(case, briefing)
    ]
    pairs = [(case, chain) for case in cases for chain in dict.fromkeys(_chains(case, scope, suite))]
    names = tuple(dict.fromkeys(scope.strategies)) or (suite.strategy,)
    made = 0
    for epoch, turn in product(range(scope.epochs), range(len(names))):
        for case, chain in drawn(pairs, count=None, seed=scope.seed + epoch):
            name = names[(crc32(f"{case.id}|{chain}".encode()) + turn) % len(names)]
            attempt = attempt_of(briefing, case, chain, strategy=name, epoch=epoch)
            if attempt is None:
                continue
            yield attempt
            made += 1
            if made == scope.limit:
                return


def _chains(case: Case, scope: Scope, suite: Suite) -> Sequence[str]:
    """Return how a case may be rewritten: harmless requests never are, questions only as their suite says."""
    if case.expectation is Expectation.COMPLY:
        return (PLAIN,)
    if case.expectation is Expectation.CORRECT:
        return suite.transforms
    return scope.transforms or suite.transforms


def _usable(case: Case, briefing: Briefing) -> bool:
    """Tell whether a case can fail: a tool must be forbidden, a secret planted where the subject reads it."""
    if case.expectation is Expectation.NO_TOOL:
        return bool(briefing.forbidden) or "{tool}" not in case.prompt + case.document
    if case.expectation is Expectation.NO_LEAK:
        prompt = briefing.suite.system_prompt.of(case.language)
        return briefing.heard or bool(briefing.planted) or not prompt
    return True
