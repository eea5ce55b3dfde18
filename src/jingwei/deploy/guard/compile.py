"""Compile a policy: from a System's grade and facts to what the guard enforces.

The grades are data (`grades.yaml`) and only ever raise: whatever grade n demands, grade n + 1 demands at least. So is
every fact: an answer in the intake can make the policy stricter, never weaker. A policy that someone edited by hand can
be compared with what its grade demands (`weaker_points`).
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.errors import InputError
from jingwei.core.policy import Category, CategoryRule, Decision, FailMode, Policy, ToolRule, ToolServer
from jingwei.core.text import Both, text
from jingwei.deploy.guard.answers import crisis_answer, shipped_answers
from jingwei.deploy.guard.cedar import tool_id
from jingwei.deploy.guard.conditions import merged
from jingwei.deploy.guard.tools import Toolbox


class _Demand(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    inbound: Decision = Decision.ALLOW
    outbound: Decision = Decision.ALLOW
    threshold: float = Field(default=1.0, ge=0, le=1)
    on_failure: FailMode = FailMode.OPEN

    def raised(self, other: "_Demand") -> "_Demand":
        """Return the stricter of two demands, point by point."""
        return _Demand(
            inbound=max(self.inbound, other.inbound, key=lambda each: each.rank),
            outbound=max(self.outbound, other.outbound, key=lambda each: each.rank),
            threshold=min(self.threshold, other.threshold),
            on_failure=FailMode.CLOSED if FailMode.CLOSED in {self.on_failure, other.on_failure} else FailMode.OPEN,
        )


class _Conditional(_Demand):
    category: Category
    when: str


class _Level(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: dict[Category, _Demand] = {}
    also: tuple[_Conditional, ...] = ()
    """Demands that hold only under a condition, beside the others."""
    max_input_characters: int = 2**31
    watch_idle_seconds: int = 2**31
    approval_seconds: int = 2**31
    label: bool = False
    person_for: tuple[str, ...] = ()

    def raised(self, other: "_Level") -> "_Level":
        """Return the stricter of two levels, point by point."""
        nothing = _Demand()
        return _Level(
            rules={
                category: self.rules.get(category, nothing).raised(other.rules.get(category, nothing))
                for category in Category
                if category in self.rules or category in other.rules
            },
            also=_joined(self.also, other.also),
            max_input_characters=min(self.max_input_characters, other.max_input_characters),
            watch_idle_seconds=min(self.watch_idle_seconds, other.watch_idle_seconds),
            approval_seconds=min(self.approval_seconds, other.approval_seconds),
            label=self.label or other.label,
            person_for=tuple(sorted({*self.person_for, *other.person_for})),
        )


def _joined(one: Iterable[_Conditional], other: Iterable[_Conditional]) -> tuple[_Conditional, ...]:
    found: dict[tuple[Category, str], _Conditional] = {}
    for each in (*one, *other):
        known = found.get((each.category, each.when))
        raised = known.raised(each).model_dump() if known else {}
        found[each.category, each.when] = each.model_copy(update=raised)
    return tuple(found.values())


class _FactLine(_Level):
    id: str
    fact: str
    values: tuple[str, ...]


class _Grades(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    grades: dict[int, _Level]
    when: tuple[_FactLine, ...]


@lru_cache(maxsize=1)
def _grades() -> _Grades:
    source = files("jingwei.deploy.guard").joinpath("grades.yaml").read_text(encoding="utf-8")
    return _Grades.model_validate(yaml.safe_load(source))


def _demanded(grade: int, facts: Mapping[str, str]) -> _Level:
    if grade not in _grades().grades:
        raise InputError("deploy.guard:grade-unknown", field="grade", grade=grade)
    level = _Level()
    for step in range(1, grade + 1):
        level = level.raised(_grades().grades[step])
    for line in _grades().when:
        if facts.get(line.fact) in line.values:
            level = level.raised(line)
    return level


def compile_policy(
    system_id: str,
    grade: int,
    facts: Mapping[str, str],
    *,
    words: Iterable[str] = (),
    allowed_words: Iterable[str] = (),
    thresholds: Mapping[Category, float] | None = None,
    canaries: Iterable[str] = (),
    tools: Sequence[ToolRule] = (),
    safe_answer: Both | None = None,
    label: Both | None = None,
    tool_rules: str = "",
    mcp_servers: Sequence[ToolServer] = (),
) -> Policy:
    """Compile what the guard enforces for one System.

    Args:
        system_id: the System.
        grade: 1 to 5.
        facts: the intake's facts by name; names and values that no line reads are left alone.
        words: keywords the organisation adds.
        allowed_words: phrases never flagged as keywords.
        thresholds: lower thresholds by category, for a System with a narrow purpose; one above what the grade demands
            changes nothing.
        canaries: markers planted in the System's prompt.
        tools: the tools the model may call; where the grade demands a person, one is added.
        safe_answer: what the user reads instead of a blocked message.
        tool_rules: who may call which tool, in Cedar.
        mcp_servers: MCP servers that the System's agent may reach.
        label: the explicit label; by default the standard one, from the grade on that demands it.

    Raises:
        InputError: there is no such grade, a tool is named twice, or the rules about tools are wrong.
    """
    level = _demanded(grade, facts)
    names = [(tool.server, tool.name) for tool in tools]
    for server, name in names:
        if names.count((server, name)) > 1:
            raise InputError("deploy.guard:tool-twice", field="tools", name=tool_id(name, server))
    policy = Policy(
        system_id=system_id,
        grade=grade,
        rules=tuple(
            CategoryRule(category=category, **_tightened(demand, (thresholds or {}).get(category)).model_dump())
            for category, demand in level.rules.items()
        )
        + tuple(CategoryRule.model_validate(each.model_dump()) for each in level.also),
        words=tuple(sorted(set(words))),
        allowed_words=tuple(sorted(set(allowed_words))),
        canaries=tuple(sorted(set(canaries))),
        tools=tuple(
            tool.model_copy(update={"needs_person": tool.needs_person or tool.effect in level.person_for})
            for tool in sorted(tools, key=lambda tool: (tool.name, tool.server))
        ),
        tool_rules=tool_rules,
        mcp_servers=tuple(mcp_servers),
        explicit_label=label or (text("deploy.guard:label") if level.label else None),
        max_input_characters=level.max_input_characters,
        safe_answer=safe_answer or text("deploy.guard:safe-answer"),
        safe_answers=crisis_answer() if safe_answer else shipped_answers(),
    )
    Toolbox(policy)  # a rule about tools that is wrong is told now, and not when the policy is to be served
    return policy


def _points(rules: Sequence[CategoryRule], wanted: CategoryRule) -> list[str]:
    """Name the points where some rules of one category, taken together, are weaker than another rule.

    A rule acts on what reaches its own threshold, so one that blocks late and one that lets pass early do not make one
    that blocks early: the threshold that counts is that of the rules that do as much as is wanted.
    """
    points = []
    thresholds = []
    for direction in ("inbound", "outbound"):
        strict = [rule for rule in rules if getattr(rule, direction).rank >= getattr(wanted, direction).rank]
        points += [] if strict else [direction]
        thresholds += [min(rule.threshold for rule in strict)] if strict else []
    if thresholds and max(thresholds) > wanted.threshold:
        points.append("threshold")
    if all(rule.on_failure is FailMode.OPEN for rule in rules):
        if wanted.on_failure is FailMode.CLOSED:
            points.append("on_failure")
        elif (
            min(rule.timeout_milliseconds for rule in rules) < wanted.timeout_milliseconds
        ):  # it would never be in time
            points.append("timeout_milliseconds")
    return points


def _unconditional(rules: Iterable[CategoryRule]) -> dict[Category, list[CategoryRule]]:
    """Return what is done about each category whatever the case; a rule with a condition only ever adds to that."""
    found: dict[Category, list[CategoryRule]] = {}
    for rule in rules:
        if not rule.when.strip():
            found.setdefault(rule.category, []).append(rule)
    return found


def _tightened(demand: _Demand, threshold: float | None) -> _Demand:
    return demand if threshold is None else demand.model_copy(update={"threshold": min(demand.threshold, threshold)})


class Enforced(BaseModel):
    """The part of a policy that can be compared and shown: rules and tools, no word lists and no markers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grade: int
    rules: tuple[CategoryRule, ...]
    tools: tuple[ToolRule, ...] = ()
    labelled: bool = False
    max_input_characters: int
    lexicons: tuple[str, ...] = Policy.model_fields["lexicons"].default
    on_disagreement: Decision = Decision.HOLD
    watch_idle_seconds: int = 60
    approval_seconds: int = 900

    @classmethod
    def of(cls, policy: Policy) -> "Enforced":
        """Leave out what an outsider must not learn."""
        return cls(grade=policy.grade, rules=policy.rules, tools=policy.tools,
                   labelled=policy.explicit_label is not None,
                   max_input_characters=policy.max_input_characters, lexicons=policy.lexicons,
                   on_disagreement=policy.on_disagreement, watch_idle_seconds=policy.watch_idle_seconds,
                   approval_seconds=policy.approval_seconds)  # fmt: skip


def weaker_points(enforced: Enforced, demanded: Enforced) -> tuple[str, ...]:
    """Name each point where a policy is weaker than another, such as `pii.outbound`; none: it is at least as strict."""
    weaker: list[str] = []
    rules = _unconditional(enforced.rules)
    for category, group in _unconditional(demanded.rules).items():
        own = rules.get(category)
        weaker += [category] if own is None else [f"{category}.{point}" for point in _points(own, merged(group))]
    for wanted in (rule for rule in demanded.rules if rule.when.strip()):
        under = [rule for rule in enforced.rules if rule.category is wanted.category and rule.when in {"", wanted.when}]
        if all(_points([rule], wanted) for rule in under):
            weaker.append(f"{wanted.category}.when")
    wanted_tools = {(tool.server, tool.name): tool for tool in demanded.tools}
    for tool in enforced.tools:
        listed = wanted_tools.get((tool.server, tool.name))
        if listed is None or (listed.needs_person and not tool.needs_person):
            weaker.append(f"tools.{tool.name}")
    return (*weaker, *_weaker_bounds(enforced, demanded))


def _weaker_bounds(enforced: Enforced, demanded: Enforced) -> list[str]:
    """Name what is weaker besides rules and tools."""
    level = _demanded(demanded.grade, {})
    points = {
        "label": demanded.labelled and not enforced.labelled,
        "max_input_characters": enforced.max_input_characters > demanded.max_input_characters,
        "lexicons": not set(demanded.lexicons) <= set(enforced.lexicons),
        "on_disagreement": enforced.on_disagreement.rank < demanded.on_disagreement.rank,
        "watch_idle_seconds": enforced.watch_idle_seconds > level.watch_idle_seconds,
        "approval_seconds": enforced.approval_seconds > level.approval_seconds,
    }
    return [name for name, holds in points.items() if holds]
