"""A tree of Python modules as one program: its functions and classes by name, and what has been learnt of each."""

import ast
from dataclasses import dataclass, field, replace

from jingwei.deploy.code.python.place import Place, Reach, Report
from jingwei.deploy.code.python.scope import Scope
from jingwei.deploy.code.python.value import NOTHING, UNKNOWN, Origin, Taint, Value, joined

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_MOST_REACHES = 40
_MOST_REPORTS = 2000
_MOST_BASES = 8
_MOST_FED = 8


@dataclass(slots=True)
class Module:
    """One module, parsed."""

    name: str
    path: str
    tree: ast.Module
    is_package: bool = False
    scope: Scope = field(default_factory=Scope)

    @property
    def package(self) -> str:
        """Return the dotted package that relative imports start from."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


@dataclass(slots=True)
class Function:
    """One function, and what is known of a call of it."""

    name: str
    module: Module
    node: FunctionNode
    scope: Scope
    """Where it was defined."""
    class_name: str = ""
    decorators: tuple[Value, ...] = ()
    origin: Origin | None = None
    """Who decides its arguments, where it is called from outside."""
    returns: Value = NOTHING
    reaches: frozenset[Reach] = frozenset()

    @property
    def parameters(self) -> list[ast.arg]:
        """Return its parameters in the order in which a call fills them, without `self`."""
        arguments = self.node.args
        every = [*arguments.posonlyargs, *arguments.args]
        bound = bool(self.class_name) and not any(each.name == "staticmethod" for each in self.decorators)
        return every[1:] if bound else every

    def learn(self, returns: Value, reaches: frozenset[Reach]) -> bool:
        """Take what a reading of its body found; tell whether it is new."""
        kept = frozenset(sorted(reaches, key=lambda each: (each.place, each.rule, each.taint.name))[:_MOST_REACHES])
        new = (returns, kept) != (self.returns, self.reaches)
        self.returns, self.reaches = returns, kept
        return new


@dataclass(slots=True)
class Class:
    """One class: its bases, and what its instances hold."""

    name: str
    bases: tuple[str, ...] = ()
    annotations: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Value] = field(default_factory=dict)


class Program:
    """All modules of a tree, and what reading them has found so far."""

    def __init__(self) -> None:
        self.modules: dict[str, Module] = {}
        self.functions: dict[str, Function] = {}
        self.classes: dict[str, Class] = {}
        self.called: set[str] = set()
        self.files: frozenset[str] = frozenset()
        """Names of all files of the tree, whatever they hold."""
        self._reports: dict[tuple[str, Place, str], Report] = {}
        self.fed = False
        """Whether this round found something new that instances hold."""
        self._tails: dict[str, list[str]] = {}

    def add(self, module: Module) -> None:
        """Add a module."""
        self.modules[module.name] = module
        self._tails.setdefault(module.name.rpartition(".")[2], []).append(module.name)

    def begin(self) -> None:
        """Forget what the last round told; what it learnt of functions and classes stays."""
        self._reports.clear()
        self.fed = False

    def tell(self, report: Report) -> None:
        """Take one report; of several for one place, the worst origin counts."""
        key = (report.rule, report.place, report.note)
        old = self._reports.get(key)
        if old is None and len(self._reports) >= _MOST_REPORTS:
            return
        order = list(Origin)
        rank = order.index(report.taint.origin) if report.taint else len(order)
        if old is None or rank < (order.index(old.taint.origin) if old.taint else len(order)):
            self._reports[key] = report

    @property
    def reports(self) -> list[Report]:
        """Return what the last round told, in the order of the code."""
        return sorted(self._reports.values(), key=lambda each: (each.place, each.rule))

    def module_named(self, name: str, near: Module) -> str:
        """Return the full name of a module of the tree, as it is imported from another; the name itself if foreign."""
        if name in self.modules:
            return name
        package = near.package
        while package:
            if f"{package}.{name}" in self.modules:
                return f"{package}.{name}"
            package = package.rpartition(".")[0]
        tails = [each for each in self._tails.get(name.rpartition(".")[2], []) if each.endswith(f".{name}")]
        return tails[0] if len(tails) == 1 else name

    def function(self, name: str) -> Function | None:
        """Return the function that a name means: itself, a method, a constructor, or one handed on by a module."""
        for _ in range(4):
            found = self.functions.get(name) or self._method(name)
            if found is not None:
                return found
            module, _, last = name.rpartition(".")
            value = self.modules[module].scope.values.get(last) if module in self.modules else None
            if value is None or not value.name or value.name == name:
                return None
            name = value.name
        return None

    def class_of(self, name: str) -> Class | None:
        """Return the class of an instance, by how the instance was made."""
        return self.classes.get(name.removesuffix("()")) if name.endswith("()") else None

    def attribute(self, name: str, attribute: str) -> Value | None:
        """Return what instances of a class hold under a name."""
        for each in self._lineage(name):
            if attribute in self.classes[each].attributes:
                return self.classes[each].attributes[attribute]
        return None

    def keep(self, name: str, attribute: str, value: Value) -> None:
        """Note what instances of a class hold."""
        held = self.classes[name].attributes
        taints = frozenset(each for each in value.taints if each.origin is not Origin.PARAMETER)
        value = Value(taints, value.constant, value.name, value.built, value.literal, value.fields[:8])
        held[attribute] = joined(held[attribute], value) if attribute in held else value

    def feed(self, name: str, attribute: str, taint: Taint) -> None:
        """Note that what a function hands to instances of a class is decided from outside."""
        kind = self.classes.get(name)
        held = kind.attributes.get(attribute, NOTHING) if kind is not None else NOTHING
        if kind is not None and taint not in held.taints and len(held.taints) < _MOST_FED:
            kind.attributes[attribute] = replace(held, taints=held.taints | {taint}, constant=UNKNOWN)
            self.fed = True

    def _method(self, name: str) -> Function | None:
        if name in self.classes:
            owner, method = name, "__init__"
        else:
            called = name.endswith("()")
            instance, _, method = (name, "", "__call__") if called else name.rpartition(".")
            owner = instance.removesuffix("()")
            if owner not in self.classes:
                return None
        return next((self.functions[f] for f in (f"{c}.{method}" for c in self._lineage(owner)) if f in self.functions),
                    None)  # fmt: skip

    def _lineage(self, name: str) -> list[str]:
        line = [name] if name in self.classes else []
        for each in line:
            more = [base for base in self.classes[each].bases if base in self.classes and base not in line]
            line.extend(more[: max(0, _MOST_BASES - len(line))])
        return line
