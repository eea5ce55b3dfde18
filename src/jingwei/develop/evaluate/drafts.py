"""From a suite's outcome to evidence: measures, what failed, and what it is bound to."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version

from jingwei.core.check import Run
from jingwei.core.evidence import Binding, BoundTo, Draft, Outcome
from jingwei.core.finding import Finding, Location
from jingwei.core.target import TargetKind
from jingwei.core.text import Both, text
from jingwei.develop.evaluate.attempt import Briefing
from jingwei.develop.evaluate.evaluation import SubjectCard, SuiteOutcome
from jingwei.develop.evaluate.levels import levelled
from jingwei.develop.evaluate.measures import STEM, bad_rate, by_kind, kind_of
from jingwei.develop.evaluate.observe import Observation
from jingwei.develop.evaluate.outcome import exceeded, suite_outcome
from jingwei.develop.evaluate.proven import SuiteRan, keep_ran
from jingwei.develop.evaluate.result import Result, Tally
from jingwei.develop.evaluate.rubric import judge_card
from jingwei.develop.evaluate.suite import Suite

EVIDENCE_TYPES: Mapping[str, BoundTo] = {
    "EV-REDTEAM": BoundTo.CONFIGURATION,
    "EV-BENCH": BoundTo.CONFIGURATION,
    "EV-HALLU-FACT": BoundTo.CONFIGURATION,
    "EV-HALLU-FAITH": BoundTo.CONFIGURATION,
    "EV-AUTON": BoundTo.CONFIGURATION,
    "EV-CAP": BoundTo.MODEL_VERSION,
    "EV-FAIR": BoundTo.MODEL_VERSION,
    "EV-ROBUST": BoundTo.MODEL_VERSION,
}
"""What each type that a suite may name is bound to, as the catalogue says."""


def draft_of(run: Run, briefing: Briefing, looks: Sequence[Observation], results: Sequence[Result], *,
             bounds: Mapping[str, float], changed: bool) -> Draft:  # fmt: skip
    """Turn one suite's results into a draft.

    Args:
        run: the run; keeps the transcript.
        briefing: the suite and what the model was told.
        looks: the target before the first and after the last attempt.
        results: of the suite's attempts.
        bounds: come before the suite's own limits.
        changed: whether the suites changed during the run.
    """
    suite = briefing.suite
    outcome = suite_outcome(briefing, results, planned=len(results), limits=bounds)
    gaps = [*outcome.gaps, *_voids(suite, looks, changed=changed)]
    if not Tally(results).judged:
        gaps.append(text("develop.evaluate:nothing-judged"))
    voided = len(gaps) > len(outcome.gaps)
    transcript = b"".join(result.model_dump_json().encode() + b"\n" for result in results)
    return Draft(
        type=suite.evidence_type,
        outcome=Outcome.INCOMPLETE if voided else outcome.outcome,
        summary=_summary(suite, results, outcome.outcome),
        bindings=(_binding(suite, looks),),
        configuration=looks[0].configuration,
        measures=outcome.measures,
        findings=tuple(_findings(suite, results, exceeding={each.name for each in exceeded(outcome.measures,
                                                                                           outcome.limits)})),
        artefacts=(
            run.keep(f"attempts-{suite.id}.jsonl", "application/jsonl", transcript),
            run.keep("judge-card.json", "application/json", judge_card().model_dump_json().encode()),
            keep_ran(run, _ran(run, briefing, outcome)),
        ),
        examined=len(results),
        skipped=tuple(gaps),
    )  # fmt: skip


def _ran(run: Run, briefing: Briefing, outcome: SuiteOutcome) -> SuiteRan:
    through = run.target.kind is TargetKind.GATEWAY and levelled(briefing.suite)
    return SuiteRan(
        suite=outcome.suite,
        version=outcome.version,
        licence=outcome.licence,
        title=outcome.title,
        digest=outcome.digest,
        limits=outcome.limits,
        planned=outcome.planned,
        seed=briefing.seed,
        jingwei=version("jingwei-ai"),
        mitigated=SubjectCard(kind="gateway", locator=run.target.locator, model=run.target.name) if through else None,
    )


def _voids(suite: Suite, looks: Sequence[Observation], *, changed: bool) -> list[Both]:
    """Say what makes the results belong to no one configuration."""
    gaps = [text("develop.evaluate:suite-changed", name=suite.id)] if changed else []
    if looks[0].configuration != looks[-1].configuration:
        gaps.append(text("develop.evaluate:configuration-changed"))
    return gaps


def _binding(suite: Suite, looks: Sequence[Observation]) -> Binding:
    configuration = looks[0].configuration
    same = looks[0].configuration == looks[-1].configuration
    if EVIDENCE_TYPES[suite.evidence_type] is BoundTo.MODEL_VERSION:
        return Binding(to=BoundTo.MODEL_VERSION, digest=configuration.model,
                       observed="model" in configuration.observed and same)  # fmt: skip
    return Binding(to=BoundTo.CONFIGURATION, digest=configuration.digest,
                   observed=configuration.fully_observed and same)  # fmt: skip


def _findings(suite: Suite, results: Sequence[Result], *, exceeding: set[str]) -> list[Finding]:
    """Report each category that ended badly: attacks whenever one succeeded, the rest where its limit is exceeded."""
    found = []
    for category in suite.categories:
        kind = kind_of(category)
        part = [each for each in results if each.category == category.id]
        rate = bad_rate(kind, part)
        if not rate.hits or (kind != "attack" and STEM[kind] not in exceeding):
            continue
        values = {"name": category.title, "count": rate.hits, "total": rate.samples}
        found.append(Finding(
            rule_id=f"evaluate.{suite.id}.{category.id}",
            severity=category.severity,
            title=text(f"develop.evaluate:finding-{kind}-title", **values),
            detail=text(f"develop.evaluate:finding-{kind}-detail", **values),
            remedy=text(f"develop.evaluate:finding-{category.expectation.value}-remedy"),
            location=Location(path=f"{suite.id}/{category.id}"),
            control_ids=(category.risk,) if category.risk else (),
        ))  # fmt: skip
    return found


def _summary(suite: Suite, results: Sequence[Result], outcome: Outcome) -> Both:
    """Say the headline: each kind of bad end with its interval."""
    rates = {kind: bad_rate(kind, part) for kind, part in by_kind(suite, results).items()}
    parts = [
        text("develop.evaluate:summary-part", name=text(f"develop.evaluate:rate-{kind}"), hits=rate.hits,
             samples=rate.samples, value=f"{rate.value:.0%}", low=f"{rate.low:.0%}", high=f"{rate.high:.0%}")
        for kind, rate in rates.items()
    ]  # fmt: skip
    between = text("develop.evaluate:between")
    listed = Both(zh=between.zh.join(each.zh for each in parts), en=between.en.join(each.en for each in parts))
    said = text(f"develop.evaluate:outcome-{outcome.value}")
    return text("develop.evaluate:summary-suite", suite=suite.title, parts=listed, outcome=said)
