"""The second check: rules of the trade that an answer or an action must satisfy, whatever the model says.

    facts of an answer or call → each rule that applies → satisfied, or broken → a finding with the rule's own decision

Facts: `answer` (its text, so `'…' in answer` asks for words), `action` (the tool called), `arguments.…`, `numbers.…`
(read from the answer by the rule's own templates), and, where the model gives them, `confidence` and `features.…`. A
rule that cannot be decided, because a fact is missing or of another kind, counts as broken. Blue Book, energy sector:
double check of what a model decides; the pass rate is evidence (EV-DUALCHECK).
"""

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from jingwei.core.canonical import Json
from jingwei.core.errors import InputError
from jingwei.core.finding import Severity
from jingwei.core.policy import Category, Decision, ExpertRule, Policy
from jingwei.core.rules import Rule, compile_rule
from jingwei.deploy.guard.answers import answer_for, control_ids
from jingwei.deploy.guard.arguments import MAX_ARGUMENT_CHARACTERS, read_arguments
from jingwei.deploy.guard.tool_call import argument_facts
from jingwei.deploy.guard.verdict import ExpertOutcome, GuardFinding, GuardVerdict

_NUMBER = r"([-+]?(?:\d{1,3}(?:,\d{3}){1,5}|\d{1,18})(?:\.\d{1,18})?(?:[eE][-+]?\d{1,2})?)(?![\d.,]*\d)"
"""With thousands parted or not; one that goes on in a way that is not read here is none."""
_MULTIPLES = r"(?!\s{0,8}[\u5341\u767e\u5343\u4e07\u4ebf])\s{0,8}"
"""Ten, a hundred, a thousand and so on, written after the digits, make it another number."""
MOST_READINGS = 64
"""An answer that can be read in more ways satisfies nothing."""
_PLACE = "{}"


@dataclass(frozen=True, slots=True)
class _Compiled:
    rule: ExpertRule
    must: Rule
    applies: Rule | None
    numbers: Mapping[str, re.Pattern[str]]

    def satisfied(self, facts: Mapping[str, object], answer: str) -> bool | None:
        """Tell whether the rule is satisfied; None where it does not apply."""
        readings = self._readings(answer)
        if readings is None:
            return False
        known = [{**facts, **reading} for reading in readings]
        asked = [each for each in known if self.applies is None or _holds(self.applies, each, unclear=True)]
        return all(_holds(self.must, each, unclear=False) for each in asked) if asked else None

    def _readings(self, answer: str) -> list[dict[str, object]] | None:
        """Return every way to read the numbers: one said twice, once well and once not, is not satisfied once."""
        found: dict[str, set[float]] = {}
        for name, pattern in self.numbers.items():
            values = {float(match[1].replace(",", "")) for match in pattern.finditer(answer)}
            if values:
                found[f"numbers.{name}"] = values
        if math.prod(len(values) for values in found.values()) > MOST_READINGS:
            return None
        return [dict(zip(found, values, strict=True)) for values in itertools.product(*found.values())]


class Experts:
    """The expert rules of one policy, compiled.

    Raises:
        InputError: a condition or a template is wrong.
    """

    def __init__(self, policy: Policy) -> None:
        self._rules = tuple(_compiled(rule, f"expert_rules[{place}]") for place, rule in enumerate(policy.expert_rules))

    def __bool__(self) -> bool:
        return bool(self._rules)

    def check_answer(self, answer: str) -> ExpertOutcome:
        """Check an answer; one written as a JSON object tells its confidence and features itself."""
        facts = {"answer": answer, "action": "", **_said_by_model(answer)}
        return self._checked(facts, answer)

    def check_call(self, action: str, arguments: str) -> ExpertOutcome:
        """Check a tool call; arguments that cannot be read satisfy nothing."""
        facts: dict[str, object] = {"answer": "", "action": action}
        try:
            read = read_arguments(arguments)
            facts |= _opinion(read) | {f"arguments.{name}": value for name, value in argument_facts(read).items()}
        except (ValueError, RecursionError):
            pass
        return self._checked(facts, "")

    def _checked(self, facts: Mapping[str, object], answer: str) -> ExpertOutcome:
        said = [(each.rule, each.satisfied(facts, answer)) for each in self._rules]
        return ExpertOutcome(
            checked=sum(passed is not None for _, passed in said),
            passed=sum(passed is True for _, passed in said),
            findings=tuple(_finding(rule) for rule, passed in said if passed is False),
        )


def outcome_verdict(outcome: ExpertOutcome, policy: Policy) -> GuardVerdict:
    """Return the verdict of the second check alone, for an answer that the detectors have read already."""
    decision = max((each.decision for each in outcome.findings), key=lambda each: each.rank, default=Decision.ALLOW)
    return GuardVerdict(direction="outbound", decision=decision, findings=outcome.findings, second_check=outcome,
                        policy_digest=policy.digest,
                        answer=answer_for(policy, decision, outcome.findings, ()))  # fmt: skip


def _compiled(rule: ExpertRule, where: str) -> _Compiled:
    applies = compile_rule(rule.applies, None, where=f"{where}.applies") if rule.applies.strip() else None
    numbers = {name: _pattern(template, f"{where}.numbers.{name}") for name, template in rule.numbers.items()}
    return _Compiled(rule, compile_rule(rule.must, None, where=f"{where}.must"), applies, numbers)


def _pattern(template: str, where: str) -> re.Pattern[str]:
    """Turn `load {} %` into a pattern: words as they stand, any space between them, one number. Linear in the text."""
    if template.count(_PLACE) != 1:
        raise InputError("deploy.guard:template-wrong", field=where, template=template)
    before, after = (r"\s{0,8}".join(map(re.escape, part.split())) for part in template.split(_PLACE))
    return re.compile(rf"{before}\s{{0,8}}{_NUMBER}{_MULTIPLES}{after}", re.IGNORECASE)


def _said_by_model(answer: str) -> dict[str, object]:
    if not answer.lstrip().startswith("{") or len(answer) > MAX_ARGUMENT_CHARACTERS:
        return {}
    try:
        return _opinion(read_arguments(answer))
    except (ValueError, RecursionError):
        return {}


def _opinion(read: Mapping[str, Json]) -> dict[str, object]:
    """Return what a model says of its own decision: how sure it is, and what it went by."""
    confidence, features = read.get("confidence"), read.get("features")
    facts: dict[str, object] = {}
    if isinstance(confidence, int | float) and not isinstance(confidence, bool):
        facts["confidence"] = confidence
    if isinstance(features, dict):
        facts |= {f"features.{name}": value for name, value in argument_facts(features).items()}
    elif isinstance(features, list):
        facts["features"] = tuple(each for each in features if isinstance(each, str))
    return facts


def _holds(rule: Rule, facts: Mapping[str, object], *, unclear: bool) -> bool:
    try:
        return rule.holds(facts)
    except InputError:
        return unclear


def _finding(rule: ExpertRule) -> GuardFinding:
    name = f"rule.{rule.id}"
    return GuardFinding(category=Category.RULE, rule_id=name, severity=Severity.HIGH, decision=rule.decision,
                        control_ids=control_ids(name, Category.RULE))  # fmt: skip
