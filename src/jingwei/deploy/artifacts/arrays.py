"""joblib's arrays: after the pickled wrapper the array's raw bytes lie in the stream, and the pickle goes on behind.

A scanner that reads those bytes as opcodes raises false alarms, and one that stops there misses what follows; so
they are sized from the wrapper's own attributes and skipped.
"""

import re
from math import prod

from jingwei.deploy.artifacts.machine import Halt, Machine
from jingwei.deploy.artifacts.memo import NUMBER

_DTYPE = re.compile(r"[<>=|]?([?a-zA-Z])(\d*)(\[\w+\])?")
_DEFAULT_WIDTHS = {
    "?": 1, "b": 1, "B": 1, "h": 2, "H": 2, "e": 2, "i": 4, "I": 4, "f": 4, "l": 8, "L": 8, "q": 8, "Q": 8, "d": 8,
    "F": 8, "D": 16, "g": 16, "G": 32,
}  # fmt: skip


def width_of(letters: str) -> int | None:
    """Return the bytes one item of a numpy dtype takes; -1 for Python objects, none where it cannot be told."""
    found = _DTYPE.fullmatch(letters)
    if found is None:
        return None
    kind, digits = found[1], found[2]
    if kind == "O":
        return -1
    if not digits:
        return _DEFAULT_WIDTHS.get(kind)
    return int(digits) * (4 if kind == "U" else 1)


def skip_array(machine: Machine, at: int) -> int:
    """Return the position behind the array whose wrapper was just built."""
    attributes, machine.array = machine.array, {}
    thing = machine.store.thing_of(attributes.get("dtype", 0))
    width = width_of(thing.name) if thing is not None and thing.kind == "dtype" else None
    if width is None:
        raise Halt("gap-array")
    if width < 0:
        return _nested(machine, at)
    shape = machine.store.tuple_of(attributes.get("shape", 0))
    if any(side & 7 != NUMBER and side for side in shape):
        raise Halt("gap-array")
    if attributes.get("numpy_array_alignment_bytes", 0) & 7 == NUMBER:
        at += 1 + machine.fixed(at, 1)[0]
    end = at + width * prod(side >> 3 for side in shape)
    if not at <= end <= machine.source.size:
        raise Halt("gap-array")
    return end


def _nested(machine: Machine, at: int) -> int:
    """Follow the pickle of an array of objects."""
    inner = Machine(machine.source, at)
    trace = inner.run()
    for name, use in trace.uses.items():
        outer = machine.trace.uses.get(name)
        if outer is None or use.how > outer.how:
            machine.trace.uses[name] = use
    machine.trace.oddities.extend(trace.oddities)
    machine.trace.inner.extend(trace.inner)
    if not trace.stopped:
        raise Halt(trace.reason)
    return trace.end
