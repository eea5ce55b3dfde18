"""Tool calls: whether an agent may make one, now, and whether a person has to say so first.

    listed? ─► definition as accepted? ─► arguments readable, bounded, unambiguous, as the rule wants them?
        ─► permitted by the Cedar rules? ─► the detectors ─► does it need a person: an approval, or one who watches?

Everything but the detectors is decided here, from values alone. Whatever cannot be told is a no. Blue Book 四(三).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rfc8785 import CanonicalizationError

from jingwei.core.canonical import digest
from jingwei.core.errors import InputError
from jingwei.core.finding import Severity
from jingwei.core.policy import Decision, Effect, Policy, ToolRule
from jingwei.core.rules import Rule, compile_rule
from jingwei.deploy.guard.arguments import MAX_ARGUMENT_CHARACTERS, leaves, read_arguments
from jingwei.deploy.guard.cedar import CedarCall, CedarRules, tool_id
from jingwei.deploy.guard.passages import Passage
from jingwei.deploy.guard.taint import Label
from jingwei.deploy.guard.tool_call import (
    DEFINITION_CHANGED,
    DISAGREES,
    Need,
    ToolCall,
    ToolContext,
    ToolDecision,
    argument_facts,
    hidden_texts,
    readable_arguments,
)
from jingwei.deploy.guard.verdict import GuardFinding, GuardVerdict
from jingwei.detect.monitor import disagreements

_NEEDS_PERSON_TO_SEND = frozenset({Label.UNTRUSTED, Label.INJECTION, Label.SECRET})


@dataclass(frozen=True, slots=True)
class _Considered:
    """A call before the detectors have read it."""

    findings: tuple[GuardFinding, ...]
    rule: ToolRule | None = None
    passages: tuple[Passage, ...] = ()
    need: Need = ""
    why: str = ""
    arguments_digest: str = ""

    @property
    def disagrees(self) -> bool:
        return any(each.rule_id == DISAGREES for each in self.findings)

    @property
    def blocked(self) -> bool:
        return any(each.decision is Decision.BLOCK for each in self.findings)


class Toolbox:
    """The tools of one policy, its conditions and Cedar rules compiled.

    Raises:
        InputError: a condition or the Cedar rules are wrong.
    """

    def __init__(self, policy: Policy) -> None:
        self._rules = {(tool.server, tool.name): tool for tool in policy.tools}
        self._by_name: dict[str, list[ToolRule]] = {}
        for tool in policy.tools:
            self._by_name.setdefault(tool.name, []).append(tool)
        self._conditions: dict[tuple[str, str], Rule] = {
            (tool.server, tool.name): compile_rule(tool.arguments, None, where=f"tools[{place}].arguments")
            for place, tool in enumerate(policy.tools)
            if tool.arguments.strip()
        }
        self._on_disagreement = policy.on_disagreement
        self._cedar = CedarRules(policy.tool_rules, policy.tools) if policy.tool_rules.strip() else None

    def rule(self, name: str, server: str | None = "") -> ToolRule | None:
        """Return the rule of a listed tool; by its exact name, of exactly that server.

        Where the server cannot be known, the application's own tool of that name counts, or else the only one.
        """
        found = self._rules.get((server or "", name))
        if found is not None or server is not None:
            return found
        others = self._by_name.get(name, [])
        return others[0] if len(others) == 1 else None

    def judge(self, call: ToolCall, context: ToolContext, *, scan: Callable[[Sequence[Passage]], GuardVerdict],
              compose: Callable[[GuardVerdict, tuple[GuardFinding, ...]], GuardVerdict]) -> ToolDecision:  # fmt: skip
        """Decide on one call.

        Args:
            call: the call.
            context: who makes it, in which session, and whether a person is there.
            scan: the detectors.
            compose: adds findings to a verdict.
        """
        found = self._considered(call, context)
        clean = GuardVerdict(direction="tool", decision=Decision.ALLOW)
        scanned = clean if found.blocked else scan(found.passages)
        verdict = compose(_permitting(scanned, found.passages) if context.approved else scanned, found.findings)
        if verdict.decision is not Decision.HOLD:
            return ToolDecision(verdict, found.rule, arguments_digest=found.arguments_digest)
        if DEFINITION_CHANGED in verdict.rule_ids:  # no single yes mends that: the policy has to accept the tool anew
            return ToolDecision(verdict, found.rule, why=DEFINITION_CHANGED, arguments_digest=found.arguments_digest)
        why = found.why or next(each.rule_id for each in verdict.findings if each.decision is Decision.HOLD)
        only_presence = found.need == "presence" and scanned.decision is not Decision.HOLD and not found.disagrees
        return ToolDecision(verdict, found.rule, "presence" if only_presence else "approval", why,
                            found.arguments_digest,
                            readable_arguments(call.arguments, found.passages, scanned))  # fmt: skip

    def _considered(self, call: ToolCall, context: ToolContext) -> _Considered:
        rule = self.rule(call.name, call.server)
        if rule is None:
            return _refused("tool.not-listed")
        if len(call.arguments) > MAX_ARGUMENT_CHARACTERS:
            return _refused("tool.arguments-too-long", rule)
        try:
            arguments = read_arguments(call.arguments)
            passages = tuple(leaves(arguments))
            facts = argument_facts(arguments)
            fingerprint = digest(arguments)
        except (ValueError, RecursionError, InputError, CanonicalizationError):
            return _refused("tool.arguments-unreadable", rule)
        if not self._fits(rule, facts):
            return _refused("tool.arguments-refused", rule)
        permitted = self._permitted(rule, context, facts)
        if any(each.decision is Decision.BLOCK for each in permitted):
            return _Considered(permitted, rule)
        changed = bool(rule.pinned) and call.definition != rule.pinned
        held = [(DEFINITION_CHANGED, "")] if changed else list(_wanting(rule, context))
        findings = permitted + tuple(_finding(name, Decision.HOLD, Severity.INFO) for name, _ in held)
        if not context.approved:
            findings += self._disagreements(rule, context, facts)
        needs = {need for _, need in held}
        need: Need = "" if changed else "approval" if "approval" in needs else "presence" if needs else ""
        return _Considered(findings, rule, passages, need, held[0][0] if held else "", fingerprint)

    def _fits(self, rule: ToolRule, facts: Mapping[str, object]) -> bool:
        condition = self._conditions.get((rule.server, rule.name))
        if condition is None:
            return True
        try:
            return condition.holds(facts)
        except InputError:  # an argument that the rule reads is missing, or of another kind
            return False

    def _disagreements(
        self, rule: ToolRule, context: ToolContext, facts: Mapping[str, object]
    ) -> tuple[GuardFinding, ...]:
        """Compare what the model said to itself with what it does."""
        if not context.reasoning or self._on_disagreement is Decision.ALLOW:
            return ()
        found = disagreements(context.reasoning, rule, facts)
        names = (DISAGREES, *found) if found else ()
        return tuple(_finding(name, self._on_disagreement, Severity.HIGH) for name in names)

    def _permitted(self, rule: ToolRule, context: ToolContext, facts: Mapping[str, object]) -> tuple[GuardFinding, ...]:
        """Return the Cedar policies that decided, and a finding that blocks unless they permit the call."""
        if self._cedar is None:
            return ()
        answer = self._cedar.decide(CedarCall(
            principal=context.principal, tenant=context.tenant, tool=tool_id(rule.name, rule.server),
            server=rule.server, effect=rule.effect, taints=sorted(context.labels), watched=context.watched,
            approved=context.approved, arguments=facts,
        ))  # fmt: skip
        decision = Decision.ALLOW if answer.allowed else Decision.BLOCK
        deciding = tuple(_finding(f"cedar.{each}"[:120], decision, Severity.INFO) for each in answer.rules)
        if answer.allowed:
            return deciding
        return (_finding("tool.rules-failed" if answer.failed else "tool.not-permitted", Decision.BLOCK, Severity.HIGH),
                *deciding)  # fmt: skip


def _wanting(rule: ToolRule, context: ToolContext) -> Iterator[tuple[str, Need]]:
    """Give each reason for which a person is still wanting, and what would do."""
    if context.approved:
        return
    if rule.needs_person:
        yield "tool.needs-person", "approval"
    if rule.sends_outside and context.labels & _NEEDS_PERSON_TO_SEND:
        yield "tool.tainted-send", "approval"
    if rule.effect is not Effect.READ_ONLY and Label.INJECTION in context.labels:
        yield "tool.injection-suspected", "approval"
    if context.watched:
        return
    if rule.watched:
        yield "tool.unwatched", "presence"
    if rule.effect is Effect.IRREVERSIBLE:
        yield "tool.irreversible", "presence"


def _permitting(scanned: GuardVerdict, passages: Sequence[Passage]) -> GuardVerdict:
    """Return a verdict in which what was held for a person is let through, since one has said yes.

    What is to be redacted still is: the person was shown the call without it.
    """
    if scanned.decision is not Decision.HOLD:
        return scanned
    findings = tuple(each.model_copy(update={"decision": Decision.ALLOW}) if each.decision is Decision.HOLD else each
                     for each in scanned.findings)  # fmt: skip
    left = [each.decision for each in findings] + [each.decision for each in scanned.unjudged]
    decision = max(left, key=lambda each: each.rank, default=Decision.ALLOW)
    rewritten = hidden_texts(passages, [each for each in findings if each.decision is Decision.REDACT])
    return scanned.model_copy(update={"findings": findings, "decision": decision, "answer": None,
                                      "rewritten": rewritten if decision is Decision.REDACT else ()})  # fmt: skip


def _finding(rule_id: str, decision: Decision, severity: Severity) -> GuardFinding:
    return GuardFinding(category=None, rule_id=rule_id, severity=severity, decision=decision)


def _refused(rule_id: str, rule: ToolRule | None = None) -> _Considered:
    return _Considered((_finding(rule_id, Decision.BLOCK, Severity.HIGH),), rule)
