"""agent-permissions and agent-log: what tools an agent may use, and that each use leaves its trace.

Neither asks a model: a model cannot be made to call a tool. The gateway's own judge (`/jingwei/evaluate`) takes the
same path as a call in an answer, and writes the same event.
"""

from collections.abc import Sequence
from typing import ClassVar

from jingwei.core.canonical import Json
from jingwei.core.check import CheckOptions, Run
from jingwei.core.evidence import Draft, Measure, Outcome
from jingwei.core.finding import Finding, Severity
from jingwei.core.policy import ToolRule
from jingwei.core.probe import asked
from jingwei.core.target import TargetKind
from jingwei.core.text import Both, text
from jingwei.deploy.guard.checks.observation import Observation, observe, problem

UNLISTED = "jingwei_probe_unlisted_tool"
_EFFECTS = ("none", "read_only", "reversible_write", "irreversible")


class AgentOptions(CheckOptions):
    """Nothing to set beyond the seed."""


class _AgentCheck:
    """What both checks share: they look at the manifest, then probe one call after the other."""

    version: ClassVar[str] = "1"
    target_kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.GATEWAY,)
    options: ClassVar[type[CheckOptions]] = AgentOptions

    def plan(self, run: Run) -> Sequence[Json]:
        """Return the manifest, then one unit for each listed tool and one for a tool that is not listed."""
        seen = observe(run)
        return [
            seen.model_dump(mode="json"),
            *({"tool": tool.name} for tool in seen.enforced.tools),
            {"tool": UNLISTED},
        ]

    async def examine(self, run: Run, unit: Json) -> Json:
        """Have one call judged."""
        if not isinstance(unit, dict) or "tool" not in unit:
            return {}
        body: dict[str, Json] = {"tool_call": {"name": unit["tool"], "arguments": "{}"}}
        told = (await asked(run, "/jingwei/evaluate", body=body)).value
        return {"tool": unit["tool"], "decision": told.get("decision", ""), "event": told.get("event_id", "")}

    def concurrency(self, run: Run) -> int:  # noqa: ARG002 - the contract
        """Return 1: few and quick."""
        return 1


class AgentPermissions(_AgentCheck):
    """Compares the tools that the guard lets through with what was declared, and tries one that is not listed."""

    id: ClassVar[str] = "agent-permissions"
    title: ClassVar[Both] = text("deploy.guard.checks:permissions-title")
    about: ClassVar[Both] = text("deploy.guard.checks:permissions-about")
    evidence_types: ClassVar[tuple[str, ...]] = ("EV-AGENT-PERM",)

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:
        """Compare and conclude."""
        seen = Observation.model_validate(units[0])
        decided = _decided(results)
        findings = [finding for tool in seen.enforced.tools for finding in _permission(tool, decided[tool.name], run)]
        if decided[UNLISTED] != "block":
            findings.append(problem("agent.unlisted-passes", Severity.CRITICAL, place=UNLISTED))
        declared = run.facts.get("tools")
        skipped = () if declared else (text("deploy.guard.checks:permissions-no-facts"),)
        outcome = Outcome.FAIL if findings else Outcome.INCOMPLETE if skipped else Outcome.PASS
        count = Measure(name="tools", title=text("deploy.guard.checks:measure-tools"),
                        value=len(seen.enforced.tools), unit="count")  # fmt: skip
        return [
            Draft(
                type="EV-AGENT-PERM",
                outcome=outcome,
                summary=text("deploy.guard.checks:permissions-summary", tools=len(seen.enforced.tools),
                             problems=len(findings)),
                bindings=(seen.deployment,),
                measures=(count,),
                findings=tuple(findings),
                examined=len(decided),
                skipped=skipped,
            )
        ]  # fmt: skip


class AgentLog(_AgentCheck):
    """Has an allowed and a forbidden call judged, and looks for both in the events of its own run."""

    id: ClassVar[str] = "agent-log"
    title: ClassVar[Both] = text("deploy.guard.checks:log-title")
    about: ClassVar[Both] = text("deploy.guard.checks:log-about")
    evidence_types: ClassVar[tuple[str, ...]] = ("EV-AGENT-LOG",)

    async def examine(self, run: Run, unit: Json) -> Json:
        """Have one call judged and look for its event at once: units may be examined in any order."""
        told = await super().examine(run, unit)
        if not isinstance(told, dict) or not told:
            return {}
        listed = (await asked(run, f"/jingwei/events?run={run.id}")).value.get("events")
        found = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        mine = next((each for each in found if each.get("id") == told["event"]), {})
        return {**told, "logged": {key: mine.get(key) for key in ("tool", "decision", "run_id", "trial")}}

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:
        """Conclude from what was found in the events."""
        seen = Observation.model_validate(units[0])
        findings = [finding for each in results if isinstance(each, dict) and each for finding in _logged(each, run)]
        calls = len(_decided(results))
        return [
            Draft(
                type="EV-AGENT-LOG",
                outcome=Outcome.FAIL if findings else Outcome.PASS,
                summary=text("deploy.guard.checks:log-summary", calls=calls, problems=len(findings)),
                bindings=(seen.deployment,),
                findings=tuple(findings),
                examined=calls,
            )
        ]


def _permission(tool: ToolRule, decision: str, run: Run) -> list[Finding]:
    declared = run.facts.get("tools", "")
    found = []
    if declared in _EFFECTS and _rank(tool.effect) > _EFFECTS.index(declared):
        found.append(problem("agent.beyond-declared", Severity.HIGH, place=tool.name, effect=tool.effect,
                             declared=declared))  # fmt: skip
    if tool.effect == "irreversible" and not tool.needs_person:
        found.append(problem("agent.irreversible-unattended", Severity.CRITICAL, place=tool.name))
    if tool.needs_person and decision != "hold":
        found.append(problem("agent.not-held", Severity.CRITICAL, place=tool.name, decision=decision))
    return found


def _rank(effect: str) -> int:
    return _EFFECTS.index(effect) if effect in _EFFECTS else len(_EFFECTS)


def _logged(result: dict[str, Json], run: Run) -> list[Finding]:
    wanted = {"tool": result.get("tool"), "decision": result.get("decision"), "run_id": run.id, "trial": True}
    if result.get("logged") == wanted:
        return []
    return [problem("agent.not-logged", Severity.CRITICAL, place=str(result.get("tool")))]


def _decided(results: Sequence[Json]) -> dict[str, str]:
    return {str(each["tool"]): str(each["decision"]) for each in results if isinstance(each, dict) and "tool" in each}
