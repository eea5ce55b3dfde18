"""guard-config: what a gateway enforces is what was approved, is at least what the grade demands, and is fresh."""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from jingwei.core.canonical import Json
from jingwei.core.check import CheckOptions, Run
from jingwei.core.evidence import Draft, Measure, Outcome
from jingwei.core.finding import Finding, Severity
from jingwei.core.probe import asked
from jingwei.core.target import TargetKind
from jingwei.core.text import Both, text
from jingwei.deploy.guard.checks.observation import Observation, observe, problem
from jingwei.deploy.guard.compile import Enforced, compile_policy, weaker_points

_LOOSE = 0o022
"""Writable by others than the owner."""


class GuardConfigOptions(CheckOptions):
    """What to compare with."""

    policy: str = Field(default="", description="Digest of the policy that was put in force; empty leaves a gap.")
    grade: int = Field(default=0, ge=0, le=5, description="Grade of the System; 0 takes the policy's own.")


class GuardConfig:
    """Reads what a running gateway enforces and compares."""

    id: ClassVar[str] = "guard-config"
    version: ClassVar[str] = "1"
    title: ClassVar[Both] = text("deploy.guard.checks:config-title")
    about: ClassVar[Both] = text("deploy.guard.checks:config-about")
    evidence_types: ClassVar[tuple[str, ...]] = ("EV-GUARD-CFG",)
    target_kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.GATEWAY,)
    options: ClassVar[type[CheckOptions]] = GuardConfigOptions

    def plan(self, run: Run) -> Sequence[Json]:
        """Return one unit: what the gateway says now."""
        return [observe(run).model_dump(mode="json")]

    async def examine(self, run: Run, unit: Json) -> Json:
        """Ask for its health; the rest was told at the start."""
        reply = await asked(run, "/jingwei/health")
        return {"status": reply.value.get("status", ""), "told": unit}

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:
        """Compare and conclude."""
        options: GuardConfigOptions = run.options
        seen = Observation.model_validate(units[0])
        health = results[0]
        serving = isinstance(health, dict) and health.get("status") == "serving"
        findings = (*_enforced(seen, options, run), *_condition(seen, serving=serving))
        skipped = () if options.policy else (text("deploy.guard.checks:config-no-expected"),)
        outcome = Outcome.FAIL if findings else Outcome.INCOMPLETE if skipped else Outcome.PASS
        age = Measure(name="snapshot_age", title=text("deploy.guard.checks:config-age"),
                      value=seen.snapshot_age_seconds, unit="seconds")  # fmt: skip
        return [
            Draft(
                type="EV-GUARD-CFG",
                outcome=outcome,
                summary=text("deploy.guard.checks:config-summary", problems=len(findings), policy=seen.policy[:12]),
                bindings=(seen.deployment,),
                measures=(age,),
                findings=findings,
                skipped=skipped,
            )
        ]

    def concurrency(self, run: Run) -> int:  # noqa: ARG002 - the contract
        """Return 1: there is one unit."""
        return 1


def _enforced(seen: Observation, options: GuardConfigOptions, run: Run) -> list[Finding]:
    found = []
    if options.policy and options.policy != seen.policy:
        found.append(problem("guard.policy-differs", Severity.CRITICAL, place="policy",
                             expected=options.policy[:12], found=seen.policy[:12]))  # fmt: skip
    demanded = compile_policy(
        seen.system_id, options.grade or seen.enforced.grade, run.facts, tools=seen.enforced.tools
    )
    found += [
        problem("guard.weaker-than-grade", Severity.HIGH, place=point, grade=demanded.grade)
        for point in weaker_points(seen.enforced, Enforced.of(demanded))
    ]
    return found


def _condition(seen: Observation, *, serving: bool) -> list[Finding]:
    found = []
    if not serving or seen.snapshot_age_seconds > seen.snapshot_limit_seconds:
        found.append(problem("guard.snapshot-old", Severity.HIGH, place="snapshot", age=seen.snapshot_age_seconds))
    found += [
        problem("guard.file-writable", Severity.HIGH, place=name, mode=mode)
        for name, mode in seen.modes.items()
        if not mode.isdigit() or int(mode, 8) & _LOOSE
    ]
    return found
