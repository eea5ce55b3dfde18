"""A call of a function of the tree, judged by what reading its body found: no body is read again for a call."""

import ast
from dataclasses import replace
from typing import Protocol

from jingwei.deploy.code.python.arguments import Arguments
from jingwei.deploy.code.python.place import Place, Reach, Report
from jingwei.deploy.code.python.program import Function, Program
from jingwei.deploy.code.python.value import NOTHING, Origin, Taint, Value

FIELD = "field"
"""The rule of what only comes to be held by an instance: its group names the class and the attribute."""
WHOLE = "prompt-whole"
"""The group of what becomes a whole system prompt: harmful where the caller has put it together."""


class Caller(Protocol):
    """The function that makes the call."""

    program: Program
    reaches: set[Reach] | None

    def place(self, node: ast.AST) -> Place:
        """Return where a node stands."""
        ...


def invoke(caller: Caller, function: Function, name: str, arguments: Arguments, node: ast.AST) -> Value:
    """Return what a call gives, and report where its arguments end up."""
    caller.program.called.add(function.name)
    bound = _bound(function, arguments)
    for reach in function.reaches:
        value = bound.get(reach.taint.name, NOTHING)
        if reach.group == WHOLE and value.built:
            place = caller.place(node)
            reach = replace(reach, group="prompt", place=place._replace(line=value.line or place.line))  # noqa: PLW2901 - the reach as this caller makes it
        for taint in value.taints:
            _reached(caller, reach, taint)
    if function.name.endswith(".__init__") and not name.endswith(".__init__"):
        fields = tuple(arguments.keywords.items())[:8]
        return Value(name=f"{function.name.removesuffix('.__init__')}()", fields=fields)
    return _given(function, bound)


def _reached(caller: Caller, reach: Reach, taint: Taint) -> None:
    """Take note of one way in which an argument ends up somewhere."""
    carried = taint.through(reach.taint)
    if carried is None or not carried.reaches(reach.group):
        return
    if carried.origin is Origin.PARAMETER:
        if caller.reaches is not None:
            caller.reaches.add(replace(reach, taint=carried))
    elif reach.rule == FIELD:
        owner, _, attribute = reach.group.partition("#")
        caller.program.feed(owner, attribute, carried)
    elif reach.group != WHOLE:
        caller.program.tell(Report(reach.rule, reach.place, reach.call, carried))


def _bound(function: Function, arguments: Arguments) -> dict[str, Value]:
    """Return which parameter gets which argument, by the name of the parameter's taint."""
    names = [each.arg for each in function.parameters]
    bound = dict(zip(names, arguments.positional, strict=False))
    spill = function.node.args.vararg, function.node.args.kwarg
    rest = Value(taints=frozenset(t for each in arguments.rest for t in each.taints))
    known = {*names, *(each.arg for each in function.node.args.kwonlyargs)}
    for name, value in arguments.keywords.items():
        if name in known:
            bound[name] = value
        elif spill[1] is not None:
            rest = Value(taints=rest.taints | value.taints)
    for value in arguments.positional[len(names) :]:
        rest = Value(taints=rest.taints | value.taints)
    if rest.taints:
        for name in [*known, *(each.arg for each in spill if each is not None)]:
            bound.setdefault(name, rest)
    return {f"{function.name}#{name}": value for name, value in bound.items()}


def _given(function: Function, bound: dict[str, Value]) -> Value:
    taints: set[Taint] = set()
    for taint in function.returns.taints:
        if taint.origin is not Origin.PARAMETER:
            taints.add(taint)
            continue
        for each in bound.get(taint.name, NOTHING).taints:
            carried = each.through(taint)
            if carried is not None:
                taints.add(carried)
    fields = () if taints else function.returns.fields
    return replace(function.returns, taints=frozenset(taints), fields=fields, line=0)
