"""What the opcodes that make tuples do to the symbolic machine, and what tuples of tuples cost."""

from jingwei.deploy.artifacts.machine import Machine, opcode
from jingwei.deploy.artifacts.memo import DATA

_TUPLES = {0x85: 1, 0x87: 3}
_HEAVIEST, _MOST_WEIGHTS = 24, 100_000


@opcode(b"\x86")
def pair(machine: Machine, _: int, at: int) -> int:
    """TUPLE2."""
    stack = machine.stack
    second, first = stack.pop(), stack.pop()
    if first == second and (first or _repeated(machine, at - 1)):
        stack.append(_doubled(machine, first))
    else:
        stack.append(machine.store.bundle([first, second]) if first or second else DATA)
    return at


def _repeated(machine: Machine, at: int) -> bool:
    """Tell whether the two values before were one and the same: doubled, or fetched from the memo twice."""
    raw = machine.source.read(at - 10, 10)
    short, long = raw[-4:-2] == raw[-2:] and raw[-2:-1] == b"h", raw[:5] == raw[5:] and raw[:1] == b"j"
    return raw[-1:] == b"2" or short or long


def _doubled(machine: Machine, value: int) -> int:
    """Return a pair of one thing twice; doubled again and again, it takes for ever to hash, compare or show."""
    made = machine.store.pair(value)
    weight = machine.weights.get(value, 0) + 1
    if len(machine.weights) > _MOST_WEIGHTS:
        machine.weights.clear()
    machine.weights[made] = weight
    if weight == _HEAVIEST:
        machine.odd("pickle.exhausts", f"(x, x) ×{weight}")
    return made


@opcode(b"\x85\x87t")
def bundle(machine: Machine, code: int, at: int) -> int:
    """TUPLE1, TUPLE3 and TUPLE."""
    count = _TUPLES.get(code)
    if count is None:
        items = machine.pop_mark()
    else:
        items = machine.stack[-count:]
        if len(items) < count:
            raise LookupError
        del machine.stack[-count:]
    machine.stack.append(machine.store.bundle(items))
    return at
