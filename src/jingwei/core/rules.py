"""Rules: the one restricted evaluator over typed facts, shared by grading, access and policy.

A rule is a small claim in Python's own notation, such as `tools == 'irreversible' and autonomy in ('L3', 'L4')`.
It is parsed once and becomes nested closures; no code object is ever made, so a rule can compare what it is given
and nothing else: no call, no attribute, no subscript, no arithmetic. Source length, depth and node count are bounded.

Texts have no order here (`scale >= 'large'` would compare letters): list the values with `in` instead.
"""

import ast
import itertools
import operator
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jingwei.core.errors import InputError

Evaluate = Callable[[Mapping[str, object]], object]

MAX_CHARACTERS = 500
"""A rule that does not fit here is two rules."""
MAX_DEPTH = 12
MAX_NODES = 150


class Compared(NamedTuple):
    """A name and a literal that the rule compares it with; a catalogue checks that the literal can occur."""

    name: str
    literal: str | float | bool


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled rule."""

    source: str
    names: frozenset[str]
    """The facts that it reads."""
    compared: frozenset[Compared]
    evaluate: Evaluate = field(repr=False, compare=False)

    def holds(self, facts: Mapping[str, object]) -> bool:
        """Tell whether the rule is true of the facts.

        Raises:
            InputError: a fact that the rule reads is missing, or two values cannot be compared.
        """
        try:
            return bool(self.evaluate(facts))
        except KeyError as error:
            raise InputError("core:rule-fact-missing", field=str(error.args[0]), name=error.args[0],
                             source=self.source) from error  # fmt: skip
        except TypeError as error:
            raise InputError("core:rule-values-unlike", source=self.source) from error


def compile_rule(source: str, names: frozenset[str] | None, *, where: str = "when") -> Rule:
    """Parse a rule once.

    Args:
        source: the claim.
        names: the facts it may read, dotted ones such as `to.country` among them; None where they are not known
            beforehand, such as the arguments of a tool.
        where: the field of the input that holds it, for the error.

    Raises:
        InputError: it is too long, too deep, not an expression, reads an unknown name, or uses more than rules allow.
    """
    if len(source) > MAX_CHARACTERS:
        raise InputError("core:rule-too-long", field=where, length=len(source), limit=MAX_CHARACTERS)
    body = _parsed(source, where)
    if sum(1 for _ in ast.walk(body)) > MAX_NODES or _depth_exceeds(body, MAX_DEPTH):
        raise InputError("core:rule-too-deep", field=where, depth=MAX_DEPTH, nodes=MAX_NODES)
    evaluate = _Compiler(names, where).compiled(body)
    used = frozenset(_names(body))
    return Rule(source=source, names=used, compared=frozenset(_comparisons(body)), evaluate=evaluate)


def _parsed(source: str, where: str) -> ast.expr:
    try:
        with warnings.catch_warnings(action="ignore"):  # Python warns of `1or 2` while parsing; it is no fault of ours
            return ast.parse(source.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        shown = source.encode(errors="replace").decode()
        raise InputError("core:rule-not-an-expression", field=where, source=shown) from error


def _depth_exceeds(body: ast.AST, limit: int) -> bool:
    layer: list[ast.AST] = [body]
    for _ in range(limit):
        layer = [child for node in layer for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        if not layer:
            return False
    return True


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name | ast.Attribute):
        yield _dotted(node)
        return
    for child in ast.iter_child_nodes(node):
        yield from _names(child)


def _dotted(node: ast.expr) -> str:
    """Return `a.b.c` as one name; empty where it does not begin with a name."""
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return node.id if isinstance(node, ast.Name) else ""


def _comparisons(body: ast.AST) -> Iterator[Compared]:
    for node in ast.walk(body):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        for left, right in itertools.pairwise(sides):
            for name, other in ((left, right), (right, left)):
                if isinstance(name, ast.Name):
                    yield from (Compared(name.id, literal) for literal in _literals(other))


def _literals(node: ast.expr) -> Iterator[str | float | bool]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float):
        yield node.value
    elif isinstance(node, ast.Tuple):
        for element in node.elts:
            yield from _literals(element)


# Any: operator.lt and its kin are typed for what they were given last.
def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[object, object], bool]:
    def ordered(left: object, right: object) -> bool:
        if isinstance(left, str) or isinstance(right, str):
            raise TypeError
        return compare(left, right)

    return ordered


def _contained(left: object, right: object) -> bool:
    return left in right  # type: ignore[operator]  # a wrong right side raises TypeError, which `holds` explains


def _not_contained(left: object, right: object) -> bool:
    return left not in right  # type: ignore[operator]  # as above


_OPERATORS: dict[type[ast.cmpop], Callable[[object, object], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: _ordered(operator.lt),
    ast.LtE: _ordered(operator.le),
    ast.Gt: _ordered(operator.gt),
    ast.GtE: _ordered(operator.ge),
    ast.In: _contained,
    ast.NotIn: _not_contained,
}
_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


class _Compiler:
    """Turns allowed syntax into closures and refuses the rest by name."""

    def __init__(self, names: frozenset[str] | None, where: str) -> None:
        self.names = names
        self.where = where

    def compiled(self, node: ast.expr) -> Evaluate:  # noqa: PLR0911 - one return for each kind of syntax
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as value):
                return lambda _facts: value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)) if not isinstance(
                number, bool
            ):
                return lambda _facts: -number
            case ast.Name(id=name):
                return self._name(name)
            case ast.Attribute() if self._reads(_dotted(node)):
                return operator.itemgetter(_dotted(node))  # one name with a dot in it: no attribute is ever read
            case ast.Tuple(elts=elements):
                return self._tuple(elements)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = self.compiled(operand)
                return lambda facts: not inner(facts)
            case ast.BoolOp(op=operation, values=values):
                return self._bool(values, stop_at=isinstance(operation, ast.Or))
            case ast.Compare():
                return self._compare(node)
            case _:
                raise InputError("core:rule-syntax-forbidden", field=self.where, found=type(node).__name__)

    def _reads(self, dotted: str) -> bool:
        return bool(dotted) and (self.names is None or dotted in self.names)

    def _name(self, name: str) -> Evaluate:
        if self.names is not None and name not in self.names:
            known = ", ".join(sorted(self.names))
            raise InputError("core:rule-name-unknown", field=self.where, name=name, known=known)
        return operator.itemgetter(name)

    def _tuple(self, elements: list[ast.expr]) -> Evaluate:
        parts = [self.compiled(element) for element in elements]
        if all(isinstance(element, ast.Constant) for element in elements):
            fixed = tuple(part({}) for part in parts)
            return lambda _facts: fixed
        return lambda facts: tuple(part(facts) for part in parts)

    def _bool(self, values: list[ast.expr], *, stop_at: bool) -> Evaluate:
        parts = [self.compiled(value) for value in values]

        def evaluate(facts: Mapping[str, object]) -> object:
            result: object = None
            for part in parts:
                result = part(facts)
                if bool(result) is stop_at:
                    return result
            return result

        return evaluate

    def _compare(self, node: ast.Compare) -> Evaluate:
        sides = [node.left, *node.comparators]
        for operation, left, right in zip(node.ops, sides, sides[1:], strict=False):
            if type(operation) not in _OPERATORS:
                raise InputError("core:rule-syntax-forbidden", field=self.where, found=type(operation).__name__)
            if isinstance(operation, _ORDER) and any(
                isinstance(side, ast.Constant) and isinstance(side.value, str) for side in (left, right)
            ):
                raise InputError("core:rule-text-ordered", field=self.where, source=ast.unparse(node))
        parts = [self.compiled(side) for side in sides]
        steps = list(zip((_OPERATORS[type(operation)] for operation in node.ops), parts[1:], strict=True))
        if len(steps) == 1:
            first, (compare, second) = parts[0], steps[0]
            return lambda facts: compare(first(facts), second(facts))
        return _chain(parts[0], steps)


def _chain(first: Evaluate, steps: list[tuple[Callable[[object, object], bool], Evaluate]]) -> Evaluate:
    def evaluate(facts: Mapping[str, object]) -> object:
        left = first(facts)
        result = True
        for compare, part in steps:
            right = part(facts)
            result = compare(left, right)
            if not result:
                return result
            left = right
        return result

    return evaluate
