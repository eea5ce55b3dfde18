"""Who may call which tool, in Cedar: parsed and checked once, sliced so that a decision's cost does not grow.

    principal  Agent::"<name of the key>"   in Tenant::"<tenant>"
    action     Action::"call"
    resource   Tool::"<server>/<name>"      in Server::"<server>"; a tool of the application itself is Tool::"<name>"
    context    effect, taints, watched, approved, arguments (each scalar under its dotted name)

Cedar looks at every policy of a set. A policy whose scope names another tool, server, agent or tenant cannot apply, so
it is left out of the set that one agent's calls of one tool are judged by. Cedar also passes over a policy that fails
while it is evaluated, and a forbidding one must not be lost that way: any failure is a no.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from jingwei.core.errors import InputError
from jingwei.core.policy import ToolRule

MOST_SLICES = 4096
"""Slices kept; beyond it they are built anew, at a millisecond each."""
_MAX_NUMBER = 2**63 - 1
_RESOURCES = {"Tool", "Server"}
_PRINCIPALS = {"Agent", "Tenant"}
_ORDERS = frozenset({"<", "<=", ">", ">=", "+", "-", "*"})

# Any: policies as Cedar's own JSON.
_Json = dict[str, Any]


class CedarAnswer(NamedTuple):
    """What the policies say of one call."""

    allowed: bool
    rules: tuple[str, ...]
    """Ids of the policies that decided."""
    failed: bool = False
    """True when a policy could not be evaluated; the answer is then no."""


@dataclass(frozen=True, slots=True)
class CedarCall:
    """One call as the policies see it."""

    principal: str
    tenant: str
    tool: str
    """`tool_id` of the tool."""
    server: str
    effect: str
    taints: Sequence[str]
    watched: bool
    approved: bool
    arguments: Mapping[str, object]


class CedarRules:
    """The policies of one System.

    Args:
        source: policies in Cedar's own language.
        tools: the tools that may be named.

    Raises:
        InputError: they do not parse, do not fit the schema, or name a tool or server that is not listed.
    """

    def __init__(self, source: str, tools: Sequence[ToolRule]) -> None:
        import cedarpy  # noqa: PLC0415 - a policy without such rules does not need it

        try:
            document: _Json = json.loads(cedarpy.policies_to_json_str(source))
        except ValueError as error:
            raise InputError("deploy.guard:cedar-unreadable", field="tool_rules", why=_short(str(error))) from error
        if document.get("templates"):
            raise InputError("deploy.guard:cedar-template", field="tool_rules")
        self._cedar = cedarpy
        self._policies = dict(_named(document["staticPolicies"]))
        self._slices: dict[tuple[str, str, str], tuple[Any, Any]] = {}
        _demand_listed(self._policies, tools)
        self._demand_valid(source)
        self._index: dict[tuple[object, object], list[str]] = {}
        for name, policy in self._policies.items():
            key = (_scope(policy["resource"], _RESOURCES), _scope(policy["principal"], _PRINCIPALS))
            self._index.setdefault(key, []).append(name)

    def decide(self, call: CedarCall) -> CedarAnswer:
        """Judge one call; no policy that permits it means no."""
        policies, entities = self._slice(call)
        request = {
            "principal": {"type": "Agent", "id": call.principal},
            "action": {"type": "Action", "id": "call"},
            "resource": {"type": "Tool", "id": call.tool},
            "context": {
                "effect": call.effect, "taints": list(call.taints), "watched": call.watched,
                "approved": call.approved, "arguments": arguments_of(call.arguments),
            },
        }  # fmt: skip
        try:
            result = self._cedar.is_authorized(request, policies, entities)
        except ValueError:
            return CedarAnswer(allowed=False, rules=(), failed=True)
        failed = bool(result.diagnostics.errors)
        return CedarAnswer(result.allowed and not failed, tuple(sorted(result.diagnostics.reasons)), failed)

    def slice_size(self, call: CedarCall) -> int:
        """Return how many policies one call is judged by."""
        return len(self._names(call))

    def _slice(self, call: CedarCall) -> tuple[Any, Any]:
        key = (call.tool, call.principal, call.tenant)
        found = self._slices.get(key)
        if found is None:
            document = {"staticPolicies": {name: self._policies[name] for name in self._names(call)},
                        "templates": {}, "templateLinks": []}  # fmt: skip
            found = (self._cedar.PolicySet.from_json_str(json.dumps(document)),
                     self._cedar.Entities.from_json_str(json.dumps(_entities(call))))  # fmt: skip
            if len(self._slices) >= MOST_SLICES:
                self._slices.clear()
            self._slices[key] = found
        return found

    def _names(self, call: CedarCall) -> list[str]:
        resources = (None, ("Tool", call.tool), ("Server", call.server))
        principals = (None, ("Agent", call.principal), ("Tenant", call.tenant))
        return [name for one in resources for two in principals for name in self._index.get((one, two), ())]

    def _demand_valid(self, source: str) -> None:
        found = self._cedar.validate_policies(source, _schema(self._policies))
        if not found.validation_passed:
            first = found.errors[0]
            raise InputError("deploy.guard:cedar-invalid", field="tool_rules", policy=first.policy_id,
                             why=_short(first.error))  # fmt: skip


def tool_id(tool: str, server: str) -> str:
    """Return how a tool is named in policies."""
    return f"{server}/{tool}" if server else tool


def arguments_of(leaves: Mapping[str, object]) -> dict[str, object]:
    """Return the arguments as Cedar takes them; a number that is no whole one becomes its text."""
    return {name: _value(value) for name, value in leaves.items() if value is not None}


def _value(value: object) -> object:
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int) and abs(value) <= _MAX_NUMBER:
        return value
    if isinstance(value, tuple):
        return [str(each) for each in value]
    return str(value)


def _named(policies: _Json) -> Iterator[tuple[str, _Json]]:
    """Give each policy the name of its `@id`, which a verdict then cites."""
    seen: set[str] = set()
    for number, policy in enumerate(policies.values(), 1):
        name = policy.get("annotations", {}).get("id") or f"rule-{number}"
        if name in seen:
            raise InputError("deploy.guard:cedar-id-twice", field="tool_rules", policy=name)
        seen.add(name)
        yield name, policy


def _scope(scope: _Json, kinds: set[str]) -> tuple[str, str] | None:
    """Return the one thing a scope is about; None where it may be about more."""
    entity = scope.get("entity")
    if scope["op"] in {"==", "in"} and entity and entity["type"] in kinds:
        return entity["type"], entity["id"]
    return None


def _entities(call: CedarCall) -> list[_Json]:
    tenant = {"type": "Tenant", "id": call.tenant}
    server = {"type": "Server", "id": call.server}
    tool = call.tool.removeprefix(f"{call.server}/") if call.server else call.tool
    return [
        {"uid": tenant, "attrs": {}, "parents": []},
        {"uid": server, "attrs": {}, "parents": []},
        {"uid": {"type": "Agent", "id": call.principal}, "attrs": {"name": call.principal, "tenant": call.tenant},
         "parents": [tenant]},
        {"uid": {"type": "Tool", "id": call.tool}, "attrs": {"name": tool, "server": call.server},
         "parents": [server]},
    ]  # fmt: skip


def _demand_listed(policies: Mapping[str, _Json], tools: Sequence[ToolRule]) -> None:
    """Refuse a policy about what is not there: one that forbids, with a slip of the pen, would forbid nothing."""
    known = {("Tool", tool_id(tool.name, tool.server)) for tool in tools} | {("Server", tool.server) for tool in tools}
    for name, policy in policies.items():
        about = _scope(policy["resource"], _RESOURCES)
        if about is not None and about not in known:
            raise InputError("deploy.guard:cedar-tool-unknown", field="tool_rules", policy=name, tool=about[1])


def _schema(policies: Mapping[str, _Json]) -> str:
    """Write the schema; arguments that policies read are optional, and of the kind they are compared with."""
    kinds: dict[str, str] = {}
    for policy in policies.values():
        for condition in policy["conditions"]:
            for name, kind in _read_arguments(condition["body"]):
                if kind or name not in kinds:
                    kinds[name] = kind or "String"
    arguments = ", ".join(f"{json.dumps(name)}?: {kind}" for name, kind in sorted(kinds.items()))
    return (
        "entity Tenant; entity Server; entity Agent in [Tenant] = { name: String, tenant: String };"
        " entity Tool in [Server] = { name: String, server: String };"
        f" type Arguments = {{ {arguments} }};"
        " action call appliesTo { principal: [Agent], resource: [Tool], context: { effect: String,"
        " taints: Set<String>, watched: Bool, approved: Bool, arguments: Arguments } };"
    )


def _read_arguments(node: object) -> Iterator[tuple[str, str]]:
    """Give every argument an expression reads, with the Cedar type it is used as; no type where that is not told."""
    if isinstance(node, list):
        for each in node:
            yield from _read_arguments(each)
    if not isinstance(node, dict):
        return
    for operator, inside in node.items():
        if operator == "." and _is_arguments(inside["left"]):
            yield inside["attr"], ""
        elif operator == "has" and _is_arguments(inside["left"]):
            attribute = inside["attr"]
            yield (attribute if isinstance(attribute, str) else attribute[0]), ""
        elif isinstance(inside, dict):
            sides = [inside[side] for side in ("left", "right", "arg") if side in inside]
            for side in sides:
                if (name := _argument(side)) is not None:
                    yield name, _kind(operator, [each for each in sides if each is not side])
            yield from _read_arguments(list(inside.values()))
        else:
            yield from _read_arguments(inside)


def _kind(operator: str, others: Sequence[object]) -> str:
    if operator in _ORDERS:
        return "Long"
    if operator == "like":
        return "String"
    if operator in {"contains", "containsAll", "containsAny", "isEmpty"}:
        return "Set<String>"
    values = [each["Value"] for each in others if isinstance(each, dict) and "Value" in each]
    if operator in {"==", "!="}:
        for value in values:
            return "Bool" if isinstance(value, bool) else "Long" if isinstance(value, int) else "String"
    if operator in {"&&", "||", "!"}:
        return "Bool"
    return ""


def _argument(node: object) -> str | None:
    if isinstance(node, dict) and "." in node and _is_arguments(node["."]["left"]):
        return str(node["."]["attr"])
    return None


def _is_arguments(node: object) -> bool:
    return node == {".": {"left": {"Var": "context"}, "attr": "arguments"}}


def _short(why: str) -> str:
    return " ".join(why.split())[:300]
