"""Evaluations of one System: each suite's newest run, places of the frameworks, and the form that starts another."""

from dataclasses import dataclass

from jingwei.core.evidence import Measure
from jingwei.core.text import Both
from jingwei.develop.evaluate.evaluated import Evaluated, LanguageGap, Spot
from jingwei.faces.console.views.parts import FRESH, Form


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteLine:
    """One suite: its newest run, and those before."""

    now: Evaluated
    type: Both | str
    standing: str
    """Empty where it cannot be told."""
    before: str = ""
    """Evidence of the run before, to compare with."""
    runs: tuple[Evaluated, ...] = ()
    """All its runs, without the guard as well as through it, the earliest first."""

    @property
    def rates(self) -> tuple[Measure, ...]:
        """Return its whole rates."""
        return self.now.rates

    @property
    def gaps(self) -> tuple[LanguageGap, ...]:
        """Return its gaps of the languages."""
        return self.now.gaps

    @property
    def course(self) -> tuple[tuple[Evaluated, Measure], ...]:
        """Return the headline's course, where there are two runs or more."""
        found = tuple((each, each.headline) for each in self.runs if each.headline is not None)
        return found if len(found) > 1 else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """One framework to look through."""

    id: str
    title: Both
    touched: int
    places: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteChoice:
    """One suite of the form."""

    id: str
    title: Both
    about: Both
    type: Both | str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationsView:
    """The page."""

    system_id: str
    system: str
    guarded: bool
    """Which runs are shown: through the guard or without."""
    both: bool
    """Whether there are runs of either kind to choose between."""
    lines: tuple[SuiteLine, ...]
    frameworks: tuple[Framework, ...]
    framework: Framework | None
    spots: tuple[Spot, ...]
    choices: tuple[SuiteChoice, ...]
    may_start: bool
    may_guarded: bool
    """Whether a policy is in force, so that the gateway is a way in."""
    form: Form = FRESH
