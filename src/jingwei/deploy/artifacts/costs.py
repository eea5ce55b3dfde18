"""What calls of harmless names cost: memory asked for by a number, and loops without an end.

`bytearray(1 << 36)` and `deque(itertools.count(), 0)` reach nothing, and bring down whoever loads them.
"""

from math import prod

from jingwei.deploy.artifacts.calls import Call, Made, special
from jingwei.deploy.artifacts.machine import Machine
from jingwei.deploy.artifacts.memo import DATA, NUMBER

_MOST_BYTES = 1 << 31
_ENDLESS = (DATA,)
"""What an instance is made of that never ends."""


def too_large(machine: Machine, made: Call, values: tuple[int, ...]) -> None:
    """Tell of numbers that together ask for more memory than a model needs in one piece."""
    numbers = [value >> 3 for value in values if value & 7 == NUMBER]
    if numbers and prod(map(abs, numbers[:64])) > _MOST_BYTES:
        machine.odd("pickle.exhausts", made.words, made.words)


def endless(machine: Machine, value: int) -> bool:
    """Tell whether a value is an iterator that never ends, or hardly ever."""
    thing = machine.store.thing_of(value)
    return thing is not None and (thing.kind, thing.parts) == ("instance", _ENDLESS)


def _never_ending(machine: Machine, made: Call) -> int:
    module, _, name = made.words.partition("(")[0].rpartition(".")
    return machine.store.thing("instance", module, name, _ENDLESS)


@special("itertools", "count", "cycle", least=0)
def counted(machine: Machine, made: Call) -> Made:
    """An iterator without an end."""
    return Made(_never_ending(machine, made))


@special("itertools", "repeat")
def repeated(machine: Machine, made: Call) -> Made:
    """Without an end unless it is told how often."""
    bounded = len(made.given) > 1 and made.given[1] & 7 == NUMBER and made.given[1] >> 3 <= _MOST_BYTES
    return Made(None if bounded else _never_ending(machine, made))


@special("builtins", "range", "xrange")
def ranged(machine: Machine, made: Call) -> Made:
    """A range is as long as it says."""
    long = any(value & 7 == NUMBER and abs(value >> 3) > _MOST_BYTES for value in made.given[:2])
    return Made(_never_ending(machine, made) if long else None)


@special("itertools", "chain", "islice")
def passed_on(machine: Machine, made: Call) -> Made:
    """What goes through an endless one is endless."""
    on = ".chain(" in made.words and any(endless(machine, value) for value in made.given)
    return Made(_never_ending(machine, made) if on else None)


@special("itertools", "product")
@special("builtins", "list", "tuple", "set", "frozenset", "dict", "str", "long", "object")
@special("collections", "deque", "Counter", "OrderedDict", "UserList")
@special("array", "array")
def consumed(machine: Machine, made: Call) -> Made:
    """Going through an endless iterator never ends."""
    if any(endless(machine, value) for value in made.given):
        machine.odd("pickle.exhausts", made.words, made.words)
    return Made()


@special("numpy.core.multiarray", "_reconstruct", least=2)
@special("numpy._core.multiarray", "_reconstruct", least=2)
@special("numpy", "ndarray")
@special("torch", "UntypedStorage", "ByteStorage", "FloatStorage", "LongStorage", "DoubleStorage", "Tensor")
def sized(machine: Machine, made: Call) -> Made:
    """An array is as large as its shape says."""
    shape = next((value for value in made.given if machine.store.tuple_of(value)), 0)
    too_large(machine, made, machine.store.tuple_of(shape) or made.given[:1])
    return Made()
