"""Read a tree of Python modules together and report what is wrong, each with its file and line."""

import ast
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

from jingwei.deploy.code.python.calls import Frame
from jingwei.deploy.code.python.definitions import parameters
from jingwei.deploy.code.python.place import Reach, Report
from jingwei.deploy.code.python.program import Function, Module, Program
from jingwei.deploy.code.python.scope import Scope
from jingwei.deploy.code.python.statements import Statements
from jingwei.deploy.code.python.summaries import FIELD, WHOLE
from jingwei.deploy.code.python.value import Origin, Taint

_MOST_ROUNDS = 5


class PythonSource(NamedTuple):
    """One module's text."""

    path: str
    """Relative to the tree."""
    text: str


@dataclass(slots=True)
class Audited:
    """What reading a tree found."""

    reports: list[Report] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    """Files that could not be read as Python or not to their end, each with the reason's text key."""
    program: Program = field(default_factory=Program)


def audit(sources: Iterable[PythonSource], *, files: Iterable[str] = ()) -> Audited:
    """Read modules together.

    Args:
        sources: the modules.
        files: names of all files beside them, to know a program's own templates.
    """
    found = Audited()
    program = found.program
    program.files = frozenset(PurePosixPath(each).name for each in files)
    for source in sources:
        module = _parsed(source, found)
        if module is not None:
            program.add(module)
    for number in range(_MOST_ROUNDS):
        program.begin()
        changed = [_read_module(each, found) for each in program.modules.values()]
        changed += [_read_function(each, found) for each in list(program.functions.values())]
        if number and not any(changed) and not program.fed:
            break
    found.reports = [*program.reports, *_uncalled(program)]
    return found


def _parsed(source: PythonSource, found: Audited) -> Module | None:
    path = PurePosixPath(source.path)
    parts = [*path.parts[:-1], path.name.removesuffix(".py").removesuffix(".ipynb")]
    is_package = parts[-1] == "__init__"
    name = ".".join(parts[:-1] if is_package else parts) or "__init__"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source.text)
    except (SyntaxError, ValueError):
        found.broken[source.path] = "gap-not-python"
    except (RecursionError, MemoryError):
        found.broken[source.path] = "gap-too-deep"
    else:
        return Module(name, source.path, tree, is_package=is_package)
    return None


def _read_module(module: Module, found: Audited) -> bool:
    module.scope = Scope()
    frame = Frame(found.program, module, module.scope, reaches=set())
    try:
        Statements(frame).block(module.tree.body)
    except RecursionError:
        found.broken[module.path] = "gap-too-deep"
    module.scope = frame.scope
    return False


def _read_function(function: Function, found: Audited) -> bool:
    reaches: set[Reach] = set()
    frame = Frame(found.program, function.module, Scope(function.scope), function, reaches=reaches)
    try:
        parameters(frame, function)
        Statements(frame).block(function.node.body)
    except RecursionError:
        found.broken[function.module.path] = "gap-too-deep"
        return False
    return function.learn(frame.returns, frozenset(reaches))


def _uncalled(program: Program) -> Iterator[Report]:
    """Give what the parameters of functions reach that nothing in the tree calls: who calls them is not known."""
    told = {(each.rule, each.place) for each in program.reports}
    for function in program.functions.values():
        if function.name in program.called or function.node.name.startswith("test"):
            continue
        for reach in sorted(function.reaches, key=lambda each: (each.place, each.rule)):
            if reach.rule != FIELD and reach.group != WHOLE and (reach.rule, reach.place) not in told:
                told.add((reach.rule, reach.place))
                name = reach.taint.name.rpartition("#")[2]
                yield Report(reach.rule, reach.place, reach.call, Taint(Origin.PARAMETER, name, reach.taint.line))
