"""The check `evaluate`: any suites against an endpoint or a gateway, one piece of evidence for each.

It carries attempts out as `redteam` does; which evidence comes of a suite, and what passes, the suite says.
"""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from jingwei.core.canonical import Json, digest
from jingwei.core.check import CheckOptions, Run
from jingwei.core.errors import InputError
from jingwei.core.evidence import Draft
from jingwei.core.target import TargetKind
from jingwei.core.text import Both, text
from jingwei.develop.evaluate.carrying import Asking, Company
from jingwei.develop.evaluate.drafts import EVIDENCE_TYPES, draft_of
from jingwei.develop.evaluate.examining import (
    Examining,
    LookUnit,
    SubjectOptions,
    briefing_of,
    demand_readable,
    demand_url,
    seen_and_made,
    units_of,
)
from jingwei.develop.evaluate.levels import levelled
from jingwei.develop.evaluate.planning import Plan, Scope, suites_of
from jingwei.develop.evaluate.subjects import OpenAiSubject
from jingwei.develop.evaluate.suite import Suite
from jingwei.develop.evaluate.suite_file import load_suite


class EvaluateOptions(SubjectOptions):
    """Which suites, how much of them, and what counts as a pass."""

    tunable: ClassVar[frozenset[str]] = frozenset({
        "seed", "max_tokens", "concurrency", "timeout_seconds", "retries", "backoff_seconds",
    })  # fmt: skip
    reads: ClassVar[frozenset[str]] = frozenset({"suites", "model_file"})

    suites: tuple[str, ...] = Field(
        default=("baseline",), min_length=1, description="Ids of suites of the package, or paths of suite files."
    )
    transforms: tuple[str, ...] = Field(default=(), description="Attack transforms; none given means each suite's own.")
    strategies: tuple[str, ...] = Field(
        default=(), description="How attacks talk; none given means as each suite says."
    )
    epochs: int = Field(default=1, ge=1, le=100, description="How often each case is asked.")
    limit: int | None = Field(default=None, ge=1, le=100_000, description="Largest number of attempts of each suite.")
    max_tokens: int = Field(default=512, ge=8, le=8192, description="Longest answer asked for.")
    bare: str = Field(
        default="", description="Address of the model without its safeguards: levels are told before and after them."
    )
    bare_model: str = Field(default="", description="Its name there; none given means the first that is listed.")
    bounds: dict[str, float] = Field(
        default_factory=dict, description="Largest upper bound of each measure that passes, before the suites' own."
    )

    @property
    def scope(self) -> Scope:
        """Return what is asked for."""
        return Scope(suites=self.suites, languages=self.languages, categories=self.categories, epochs=self.epochs,
                     transforms=self.transforms, strategies=self.strategies, limit=self.limit,
                     seed=self.seed)  # fmt: skip


class Evaluate(Examining):
    """The check `evaluate`."""

    id: ClassVar[str] = "evaluate"
    version: ClassVar[str] = "1"
    title: ClassVar[Both] = text("develop.evaluate:evaluate-title")
    about: ClassVar[Both] = text("develop.evaluate:evaluate-about")
    evidence_types: ClassVar[tuple[str, ...]] = tuple(EVIDENCE_TYPES)
    options: ClassVar[type[CheckOptions]] = EvaluateOptions

    def suites(self, run: Run) -> Sequence[Suite]:
        """Return the suites, each once."""
        return [load_suite(name) for name in dict.fromkeys(_options(run).suites)]

    def plan(self, run: Run) -> Sequence[Json]:
        """Plan the attempts; nothing is sent yet.

        Raises:
            NotFound: a suite or a strategy is unknown.
            InputError: the URL, a suite, a transform or a category is wrong, or a suite's evidence is not ours to give.
        """
        suites = suites_of(_options(run).scope)
        for each in suites:
            if each.evidence_type not in EVIDENCE_TYPES:
                raise InputError("develop.evaluate:evidence-unfit", field="suites", name=each.id,
                                 type=each.evidence_type, known=", ".join(EVIDENCE_TYPES))  # fmt: skip
        demand_readable(run, suites, transforms=_options(run).transforms)
        _demand_bare(run, suites)
        plan = Plan(_options(run).scope, [briefing_of(run, each) for each in suites])
        return units_of(plan.attempts, suites=_digest(suites))

    def asking(self, run: Run, suite: Suite, subject: OpenAiSubject) -> tuple[Asking, Company]:
        """Return who is asked: for levels, the model alone, and the target as the same with its safeguards."""
        options = _options(run)
        if not options.bare or not levelled(suite):
            return super().asking(run, suite, subject)
        alone = self.subject_at(run, options.bare.rstrip("/"), model=options.bare_model, key=run.bare_secret)
        return alone.ask, Company(mitigated=subject.ask)

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:
        """Conclude each suite by itself."""
        looks, made = seen_and_made(results)
        suites = self.suites(run)
        changed = LookUnit.model_validate(units[0]).suite != _digest(suites)
        return [
            draft_of(
                run,
                briefing_of(run, suite),
                looks,
                [each for each in made if each.suite == suite.id],
                bounds=_options(run).bounds,
                changed=changed,
            )
            for suite in suites
        ]


def _demand_bare(run: Run, suites: Sequence[Suite]) -> None:
    """Refuse levels through a gateway alone: what they are before mitigation would be left out."""
    options = _options(run)
    if options.bare:
        demand_url(options.bare, field="bare")
    elif run.target.kind is TargetKind.GATEWAY and any(levelled(each) for each in suites):
        raise InputError("develop.evaluate:levels-alone", field="bare")


def _digest(suites: Sequence[Suite]) -> str:
    return digest([each.digest for each in suites])


def _options(run: Run) -> EvaluateOptions:
    options: EvaluateOptions = run.options
    return options
