"""The red-team check: attacks an endpoint and says how often it gave in, with the judge's own error beside it.

Draws a number of attempts from one suite, harmless requests among them; concludes EV-REDTEAM.
"""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from jingwei.core.canonical import Json
from jingwei.core.check import CheckOptions, Run
from jingwei.core.evidence import Draft
from jingwei.core.text import Both, text
from jingwei.develop.evaluate.attempt import plan_attempts
from jingwei.develop.evaluate.examining import (
    Examining,
    LookUnit,
    SubjectOptions,
    briefing_of,
    demand_readable,
    seen_and_made,
    units_of,
)
from jingwei.develop.evaluate.report import Thresholds, report
from jingwei.develop.evaluate.suite import Suite
from jingwei.develop.evaluate.suite_file import load_suite
from jingwei.develop.evaluate.transforms import BRIEF


class RedTeamOptions(SubjectOptions):
    """How to attack, how hard, and what counts as a pass."""

    tunable: ClassVar[frozenset[str]] = frozenset({
        "seed", "attempts", "transforms", "languages", "max_tokens", "concurrency", "timeout_seconds", "retries",
        "backoff_seconds",
    })  # fmt: skip
    reads: ClassVar[frozenset[str]] = frozenset({"suite", "model_file"})

    suite: str = Field(default="baseline", description="Id of a suite of the package, or path of a suite file.")
    transforms: tuple[str, ...] = Field(
        default=BRIEF, description="Attack transforms; a chain is written role-play+base64."
    )
    attempts: int = Field(default=60, ge=1, le=100_000, description="How many attempts, harmless requests included.")
    benign_share: float = Field(default=0.25, ge=0, le=1, description="Share of harmless requests among the attempts.")
    thresholds: Thresholds = Field(default=Thresholds(), description="What counts as a pass.")


class RedTeam(Examining):
    """The check `redteam`."""

    id: ClassVar[str] = "redteam"
    version: ClassVar[str] = "1"
    title: ClassVar[Both] = text("develop.evaluate:redteam-title")
    about: ClassVar[Both] = text("develop.evaluate:redteam-about")
    evidence_types: ClassVar[tuple[str, ...]] = ("EV-REDTEAM",)
    options: ClassVar[type[CheckOptions]] = RedTeamOptions

    def suites(self, run: Run) -> Sequence[Suite]:
        """Return the one suite."""
        return (load_suite(_options(run).suite),)

    def plan(self, run: Run) -> Sequence[Json]:
        """Draw the attempts; nothing is sent yet.

        Raises:
            InputError: the URL, the suite, a transform or a category is wrong.
        """
        options, suites = _options(run), self.suites(run)
        demand_readable(run, suites, transforms=options.transforms)
        attempts = plan_attempts(
            briefing_of(run, suites[0]),
            transforms=options.transforms,
            languages=options.languages,
            categories=options.categories,
            count=options.attempts,
            benign_share=options.benign_share,
        )
        return units_of(attempts, suites=suites[0].digest)

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:
        """Count, compare with the thresholds, and say how far the judge can be trusted."""
        looks, made = seen_and_made(results)
        briefing = briefing_of(run, self.suites(run)[0])
        first = LookUnit.model_validate(units[0])
        return [report(run, briefing, looks, made, thresholds=_options(run).thresholds, planned=first.suite)]


def _options(run: Run) -> RedTeamOptions:
    options: RedTeamOptions = run.options
    return options
