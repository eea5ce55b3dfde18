"""What a call would do: followed through whatever hands calls on, so that what is reached is named as if called itself.

`functools.reduce(getattr, ['system'], os)` calls nothing that looks bad until it is followed. What the functions that
hand on, look up or bind do is told in `lookups`; the result of anything else is an instance that is not known.
"""

from collections.abc import Callable
from typing import NamedTuple

from jingwei.deploy.artifacts.globals import Use as How
from jingwei.deploy.artifacts.globals import modern
from jingwei.deploy.artifacts.machine import Machine
from jingwei.deploy.artifacts.memo import DATA, NUMBER, Thing
from jingwei.deploy.artifacts.words import called as in_words
from jingwei.deploy.artifacts.words import words

Given = tuple[int, ...]


class Made(NamedTuple):
    """What a call makes."""

    value: int | None = None
    """Its result, where it is known."""
    harmless: bool = False
    """True where this very call does nothing by itself, whatever is thought of the function."""


class Call(NamedTuple):
    """One call that is being followed."""

    given: Given
    words: str
    depth: int


Special = Callable[[Machine, Call], Made]
_SPECIAL: dict[tuple[str, str], tuple[Special, int]] = {}
_DEEPEST = 12
_BINDING = frozenset({"partial", "caller", "getter"})


def special(module: str, *names: str, least: int = 1) -> Callable[[Special], Special]:
    """Register what a call of some globals makes, where that matters; with fewer arguments it makes nothing known."""

    def register(make: Special) -> Special:
        for name in names:
            _SPECIAL[module, name] = (make, least)
        return make

    return register


def call(machine: Machine, callee: int, given: Given | None, how: How, *, via: str = "", depth: int = 0) -> int:
    """Note a call, and return the value of its result.

    Args:
        machine: whose call it is.
        callee: what is called.
        given: the arguments, where they are known.
        how: whether it is called, or an object built without its constructor.
        via: the call through which it is reached, in words.
        depth: through how many calls it was reached.
    """
    thing = machine.store.thing_of(callee)
    if thing is not None and depth <= _DEEPEST:
        if thing.kind == "global":
            return _global(machine, thing, given, how, via=via, depth=depth)
        if thing.kind in _BINDING:
            return _bound(machine, thing, given or (), depth=depth)
    shown = words(machine, callee)
    machine.odd("pickle.computed-call", shown, in_words(machine, shown, given))
    return DATA


def _global(machine: Machine, thing: Thing, given: Given | None, how: How, *, via: str, depth: int) -> int:
    module, name = modern(thing.module, thing.name)
    follow, least = _SPECIAL.get((module, name), (None, 0))
    made = Made()
    if follow is not None and given is not None and len(given) >= least:
        shown = in_words(machine, f"{module}.{name}", given)
        made = follow(machine, Call(given, shown, depth + 1))
    if not made.harmless:
        plain = given is not None and all(each == DATA or each & 7 == NUMBER for each in given)
        machine.use(thing.module, thing.name, How.FILLED if plain and how is How.CALLED else how, given, via=via)
    return machine.store.thing("instance", module, name) if made.value is None else made.value


def _bound(machine: Machine, thing: Thing, given: Given, *, depth: int) -> int:
    """Call something that was bound before: a partial, a method caller, an attribute getter."""
    shown = words(machine, machine.store.thing(*thing))
    if not thing.parts or (thing.kind != "partial" and not given):
        machine.odd("pickle.computed-call", shown, in_words(machine, shown, given))
        return DATA
    if thing.kind == "partial":
        return call(machine, thing.parts[0], thing.parts[1:] + given, How.CALLED, via=shown, depth=depth + 1)
    if thing.kind == "caller":
        method = attribute(machine, given[0], machine.string(thing.parts[0]), via=shown)
        return call(machine, method, thing.parts[1:], How.CALLED, via=shown, depth=depth + 1)
    found = DATA
    for part in thing.parts:
        found = given[0]
        for name in (machine.string(part) or "?").split("."):
            found = attribute(machine, found, name, via=shown)
    return found


def attribute(machine: Machine, of: int, name: str | None, *, via: str) -> int:
    """Return the value of something's attribute, and note what it names."""
    thing = machine.store.thing_of(of)
    if name is None or (name.startswith("__") and name.endswith("__")):
        machine.odd("pickle.reaches-inside", name or "?", via)
        return machine.store.thing("computed", words(machine, of), name or "?")
    if thing is None or thing.kind in {"instance", "method", "text", "dtype"}:
        return machine.store.thing("method", words(machine, of), name)
    if thing.kind == "module":
        return machine.name(thing.module, name, via=via)
    if thing.kind == "global":
        return machine.name(thing.module, f"{thing.name}.{name}", via=via)
    return machine.store.thing("computed", words(machine, of), name)
