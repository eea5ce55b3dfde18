"""Plans: which of a guard's detectors run where, and when they read a stream; sorted once for the detectors it has."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from jingwei.core.policy import Category, CategoryRule
from jingwei.deploy.guard.known import Known
from jingwei.detect import Folded, Hit, Role

GROUNDS = "grounds"
"""What an answer was to be drawn from, beside its text."""
PARTLY_JUDGED = "partly-judged"
"""Categories whose detector read only parts of a text, beside that text: a set."""
_AT_PLACES = frozenset({Category.KEYWORD, Category.PII, Category.SECRET, Category.INJECTION, Category.HARM})
"""What is looked for in every piece of a stream; any other category is about whole sentences."""
_SIGNS = frozenset({Category.INJECTION, Category.HARM})
"""What may show only in several signs together."""

Detect = Callable[[str | Folded], tuple[Hit, ...]]


class Detectors(Protocol):
    """What the guard needs of `detect.Bundle`; it may also have the `models` and the `swift` of one."""

    @property
    def detectors(self) -> Mapping[Category, Detect]:
        """Return one scan function for each category."""
        ...

    @property
    def version(self) -> str:
        """Return the digest of all rule data."""
        ...

    def hold_back(self, text: str) -> int:
        """Return how many characters at the end of a stream must wait."""
        ...

    @staticmethod
    def read(text: str, *, role: Role = "user") -> Folded:
        """Fold a text once for several detectors."""
        ...


class Task(NamedTuple):
    """One detector on behalf of one rule; none, where the bundle has no such detector."""

    rule: CategoryRule
    detect: Detect | None


class Plan(NamedTuple):
    """Which detectors run where."""

    inline: tuple[Task, ...]
    threaded: tuple[Task, ...]
    models: tuple[Task, ...]

    @classmethod
    def of(cls, bundle: Detectors, rules: Sequence[CategoryRule]) -> "Plan":
        """Sort the detectors that some rules need."""
        swift: frozenset[Detect] = getattr(bundle, "swift", frozenset())
        models: Mapping[Category, Detect] = getattr(bundle, "models", {})
        detectors = bundle.detectors
        inline: list[Task] = []
        threaded: list[Task] = []
        slow: list[Task] = []
        for rule in rules:
            detect, model = detectors.get(rule.category), models.get(rule.category)
            if rule.category is Category.GROUNDING:
                model = model or supported
            if model:
                slow.append(Task(rule, model))
            if detect or not model:
                (inline if detect is None or detect in swift else threaded).append(Task(rule, detect))
        return cls(tuple(inline), tuple(threaded), tuple(slow))

    def only(self, categories: frozenset[Category]) -> "Plan":
        """Return the part that looks for some categories, without models."""
        return Plan(tuple(task for task in self.inline if task.rule.category in categories),
                    tuple(task for task in self.threaded if task.rule.category in categories), ())  # fmt: skip


class Plans(NamedTuple):
    """All plans of one guard."""

    bundle: Detectors
    detectors: Mapping[Category, Detect]
    whole: Plan
    """For a text beside what it was to be drawn from."""
    plain: Plan
    """For a text by itself."""
    pieces: Plan
    """For every piece of a stream."""
    signs: Plan
    """For what is about to leave, with much that has left."""
    sentences: Plan
    """For whole sentences of a stream, behind the rest."""
    known: Known
    """Texts in which the rules of `plain` found nothing."""

    @classmethod
    def of(cls, bundle: Detectors, rules: Sequence[CategoryRule]) -> "Plans":
        """Sort the detectors that some rules need, for all that a guard does."""
        plain = Plan.of(bundle, [rule for rule in rules if rule.category is not Category.GROUNDING])
        sentences = plain.only(frozenset(Category) - _AT_PLACES)._replace(models=plain.models)
        return cls(bundle, bundle.detectors, Plan.of(bundle, rules), plain, plain.only(_AT_PLACES),
                   plain.only(_SIGNS), sentences, Known())  # fmt: skip

    def fits(self, bundle: Detectors) -> bool:
        """Tell whether these are the plans for some detectors."""
        return self.bundle is bundle and self.detectors is bundle.detectors


def supported(text: str | Folded) -> tuple[Hit, ...]:
    """Find the claims of an answer that the passages it was given do not support."""
    from jingwei.detect import grounding  # noqa: PLC0415 - only where an answer comes with passages

    grounds: tuple[str, ...] = text.shared.get(GROUNDS, ()) if isinstance(text, Folded) else ()
    return grounding.scan(text, grounds)
