"""A call of a function of the tree, judged by what reading its body found: no body is read again for a call."""

import ast
from dataclasses import replace
from typing import Protocol

from jingwei.deploy.code.python.arguments import Arguments
from jingwei.deploy.code.python.place import Reach, Report
from jingwei.deploy.code.python.program import Function, Program
from jingwei.deploy.code.python.value import NOTHING, Origin, Taint, Value


class Caller(Protocol):
    """The function that makes the call."""

    program: Program
    reaches: set[Reach] | None


def invoke(caller: Caller, function: Function, name: str, arguments: Arguments, _node: ast.AST) -> Value:
    """Return what a call gives, and report where its arguments end up."""
    caller.program.called.add(function.name)
    bound = _bound(function, arguments)
    for reach in function.reaches:
        for taint in bound.get(reach.taint.name, NOTHING).taints:
            carried = taint.through(reach.taint)
            if carried is None or not carried.reaches(reach.group):
                continue
            if carried.origin is not Origin.PARAMETER:
                caller.program.tell(Report(reach.rule, reach.place, reach.call, carried))
            elif caller.reaches is not None:
                caller.reaches.add(replace(reach, taint=carried))
    if function.name.endswith(".__init__") and not name.endswith(".__init__"):
        fields = tuple(arguments.keywords.items())[:8]
        return Value(name=f"{function.name.removesuffix('.__init__')}()", fields=fields)
    return _given(function, bound)


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
