"""From a grade to a guard: compile a System's policy and put it in force. Joins `manage/` and `deploy/`."""

from collections.abc import Sequence
from typing import NamedTuple

from jingwei.core.configuration import Configuration, deployment_digest, gateway_part
from jingwei.core.evidence import BoundTo, Evidence
from jingwei.core.identity import Actor
from jingwei.core.policy import CategoryRule, Policy, ToolRule
from jingwei.deploy.guard import compile_policy
from jingwei.deploy.guard.conditions import merged
from jingwei.manage import (
    AttachedPolicy,
    Desk,
    Grading,
    GuardEntry,
    Intake,
    InUse,
    Policies,
    Proof,
    Registry,
    State,
    standing,
)  # fmt: skip
from jingwei.platform.policy_change import PolicyChange, changes

_COMPILED = frozenset({"system_id", "grade", "rules", "tools", "explicit_label", "max_input_characters"})
"""Fields of a policy that follow from the grade; the rest is people's."""


class Preview(NamedTuple):
    """What attaching a policy would do."""

    policy: Policy
    present: Policy | None
    """The one in force."""
    changes: tuple[PolicyChange, ...]
    lapses: tuple[Evidence, ...]
    """Evidence that is valid now and would not be then."""


class Guarding:
    """Compiles policies from what a System's grade and facts demand."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def compile(
        self, system_id: str, *, guard: GuardEntry | None = None, tools: Sequence[ToolRule] | None = None
    ) -> Policy:
        """Compile a policy, without putting it in force.

        Args:
            system_id: the System.
            guard: what the organisation adds; by default what the policy in force has.
            tools: what the model may call; by default what the policy in force allows.

        Raises:
            InputError: facts are missing.
        """
        decision = Grading(self.desk).preview(system_id)
        facts = {fact.name: fact.value for fact in Intake(self.desk).facts(system_id)}
        present = Policies(self.desk).in_force(system_id)
        kept = present if guard is None else None
        if guard is None and present is not None:
            guard = GuardEntry(words=present.words, allowed_words=present.allowed_words, canaries=present.canaries,
                               safe_answer=present.safe_answer, explicit_label=present.explicit_label,
                               thresholds={rule.category: rule.threshold for rule in present.rules},
                               tool_rules=present.tool_rules, mcp_servers=present.mcp_servers)  # fmt: skip
        guard = guard or GuardEntry()
        if tools is None:
            tools = present.tools if present is not None else ()
        policy = compile_policy(
            system_id,
            decision.grade,
            facts,
            words=guard.words,
            allowed_words=guard.allowed_words,
            thresholds=guard.thresholds,
            canaries=guard.canaries,
            tools=tools,
            safe_answer=guard.safe_answer,
            label=guard.explicit_label,
            tool_rules=guard.tool_rules,
            mcp_servers=guard.mcp_servers,
        )
        limit = guard.max_input_characters
        if limit is not None and limit < policy.max_input_characters:
            policy = policy.model_copy(update={"max_input_characters": limit})
        if guard.manual_fallback is not None:
            policy = policy.model_copy(update={"manual_fallback": guard.manual_fallback})
        return policy if kept is None else _kept(policy, kept)

    def preview(self, system_id: str) -> Preview:
        """Compile a policy and tell what attaching it would change, changing nothing.

        Raises:
            InputError: facts are missing.
        """
        policy, present = self.compile(system_id), Policies(self.desk).in_force(system_id)
        return Preview(policy, present, changes(present, policy), self.lapses(policy))

    def lapses(self, policy: Policy) -> tuple[Evidence, ...]:
        """Return the evidence that is valid now and would not be, were a policy in force."""
        system_id, proof = policy.system_id, Proof(self.desk)
        then, kinds = self._behind(system_id, policy), self.desk.catalog.evidence_types
        grade, now = Grading(self.desk).preview(system_id).grade, self.desk.clock()
        valid = [each.evidence for each in proof.standings(system_id) if each.standing.state is State.VALID]
        return tuple(
            each for each in valid
            if standing(each, kind=kinds[each.type], now=now, in_use=then, grade=grade).state is not State.VALID
        )  # fmt: skip

    def _behind(self, system_id: str, policy: Policy) -> InUse:
        """Return what would be in use, were the policy in force."""
        registry = Registry(self.desk)
        used, system = registry.in_use(system_id), registry.system(system_id)
        gateway = gateway_part(self.desk.gateway_version, upstream_url=system.upstream_url,
                               upstream_model=system.upstream_model)  # fmt: skip
        parts = used.configuration
        configuration = Configuration(model=parts.model, prompt=parts.prompt, tools=parts.tools, policy=policy.digest,
                                      gateway=gateway)  # fmt: skip
        digests = {
            **used.digests, BoundTo.CONFIGURATION: (configuration.digest,),
            BoundTo.DEPLOYMENT: (deployment_digest(self.desk.gateway_version, policy.digest),),
        }  # fmt: skip
        return InUse(digests=digests, observed=used.observed, configuration=configuration)

    def attach(
        self, system_id: str, *, actor: Actor, guard: GuardEntry | None = None, tools: Sequence[ToolRule] | None = None
    ) -> AttachedPolicy:
        """Compile a policy and put it in force; behavioural evidence taken under another one lapses.

        Raises:
            Refused: the actor may not.
        """
        return Policies(self.desk).attach(self.compile(system_id, guard=guard, tools=tools), actor=actor)


def _kept(compiled: Policy, present: Policy) -> Policy:
    """Keep what people added to the policy in force, and at the same grade what is stricter in it."""
    own = {name: getattr(present, name) for name in Policy.model_fields if name not in _COMPILED}
    if present.grade == compiled.grade:
        own["rules"] = _stricter(compiled.rules, present.rules)
        own["max_input_characters"] = min(compiled.max_input_characters, present.max_input_characters)
    return compiled.model_copy(update=own)


def _stricter(compiled: Sequence[CategoryRule], present: Sequence[CategoryRule]) -> tuple[CategoryRule, ...]:
    own = {(rule.category, rule.when): rule for rule in present}
    found = []
    for rule in compiled:
        was = own.pop((rule.category, rule.when), rule)
        found.append(merged([rule, was]).model_copy(update={"when": rule.when}))
    return (*found, *own.values())
