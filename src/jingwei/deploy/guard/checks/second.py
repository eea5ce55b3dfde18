"""second-check: recorded answers and actions of a System go through its expert rules at the running gateway.

Each case is what the model said or wanted to do. The share that satisfies the rules is the pass rate; what breaks one
must not pass the gateway. Source: Blue Book, energy sector: the double check of what a model decides.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jingwei.core.canonical import Json
from jingwei.core.check import CheckOptions, Run
from jingwei.core.errors import InputError
from jingwei.core.evidence import Draft, Measure, Outcome
from jingwei.core.finding import Finding, Severity
from jingwei.core.interval import wilson
from jingwei.core.probe import asked
from jingwei.core.target import TargetKind
from jingwei.core.text import Both, text
from jingwei.deploy.guard.checks.observation import Observation, observe, problem

MOST_CASES = 10_000
_LONGEST_LINE = 200_000
_PASSING = frozenset({"allow", "label", "redact"})


class SecondCheckOptions(CheckOptions):
    """Where the recorded answers lie, and how many must satisfy the rules."""

    reads: ClassVar[frozenset[str]] = frozenset({"cases"})

    cases: Path | None = Field(default=None, description="JSONL: {answer} or {call: {name, arguments}} a line.")
    least_pass_rate: float = Field(
        default=0.9, ge=0, le=1, description="Least share of answers that satisfy all rules."
    )


class _Call(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    arguments: str = "{}"


class _Case(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    answer: str = ""
    call: _Call | None = None


class SecondCheck:
    """Measures how often answers and actions satisfy the System's expert rules."""

    id: ClassVar[str] = "second-check"
    version: ClassVar[str] = "1"
    title: ClassVar[Both] = text("deploy.guard.checks:second-title")
    about: ClassVar[Both] = text("deploy.guard.checks:second-about")
    evidence_types: ClassVar[tuple[str, ...]] = ("EV-DUALCHECK",)
    target_kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.GATEWAY,)
    options: ClassVar[type[CheckOptions]] = SecondCheckOptions

    def plan(self, run: Run) -> Sequence[Json]:
        """Return what the gateway enforces, then one unit a recorded case.

        Raises:
            InputError: no file is named, or a line of it is no case.
            Unavailable: the gateway does not tell.
        """
        return [
            observe(run).model_dump(mode="json"),
            *(case.model_dump(mode="json") for case in _cases(run.options.cases)),
        ]

    async def examine(self, run: Run, unit: Json) -> Json:
        """Have one case judged; return what the rules said and what the gateway decided."""
        if not isinstance(unit, dict) or "answer" not in unit:
            return {}
        call = unit.get("call")
        body: dict[str, Json] = {"tool_call": call} if call else {"direction": "outbound", "text": unit["answer"]}
        told = (await asked(run, "/jingwei/evaluate", body=body)).value
        second = told.get("second_check")
        counts = second if isinstance(second, dict) else {}
        return {
            "decision": told.get("decision", ""),
            "checked": counts.get("checked", 0),
            "passed": counts.get("passed", 0),
        }

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:
        """Count; a broken rule whose case passed the gateway fails the check, and so does a low pass rate."""
        seen = Observation.model_validate(units[0])
        judged = [each for each in results if isinstance(each, dict) and each.get("checked")]
        broken = [each for each in judged if each["passed"] != each["checked"]]
        through = sum(each["decision"] in _PASSING for each in broken)
        rate = wilson(len(judged) - len(broken), len(judged))
        findings = tuple(_findings(rate.value, through, run.options.least_pass_rate)) if judged else ()
        outcome = Outcome.FAIL if findings else Outcome.PASS if judged else Outcome.INCOMPLETE
        return [
            Draft(
                type="EV-DUALCHECK",
                outcome=outcome,
                summary=text("deploy.guard.checks:second-summary", cases=len(judged), broken=len(broken),
                             through=through),
                bindings=(seen.deployment,),
                measures=(
                    Measure(name="pass_rate", title=text("deploy.guard.checks:second-rate"), value=rate.value,
                            low=rate.low, high=rate.high, samples=len(judged)),
                ),
                findings=findings,
                examined=len(judged),
                skipped=() if judged else (text("deploy.guard.checks:second-none"),),
            )
        ]  # fmt: skip

    def concurrency(self, run: Run) -> int:  # noqa: ARG002 - the contract
        """Return 4: nothing but rules is run."""
        return 4


def _findings(rate: float, through: int, least: float) -> Iterator[Finding]:
    if through:
        yield problem("second.passed-through", Severity.CRITICAL, place="expert_rules", count=through)
    if rate < least:
        yield problem("second.low-rate", Severity.HIGH, place="expert_rules", rate=f"{rate:.0%}", least=f"{least:.0%}")


def _cases(path: Path | None) -> Iterator[_Case]:
    if path is None:
        raise InputError("deploy.guard.checks:second-no-cases", field="cases")
    with path.expanduser().open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE + 1), b""), start=1):
            if number > MOST_CASES or len(line) > _LONGEST_LINE:
                raise InputError("deploy.guard.checks:second-too-many", field="cases", line=number, limit=MOST_CASES)
            if not line.strip():
                continue
            try:
                case = _Case.model_validate(orjson.loads(line))
            except (ValidationError, orjson.JSONDecodeError) as error:
                raise InputError("deploy.guard.checks:second-line", field="cases", line=number) from error
            yield case
