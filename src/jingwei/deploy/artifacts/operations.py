"""What the opcodes that name, call, build and collect do to the symbolic machine."""

from jingwei.deploy.artifacts.arrays import skip_array
from jingwei.deploy.artifacts.calls import call
from jingwei.deploy.artifacts.globals import Use as How
from jingwei.deploy.artifacts.machine import Halt, Machine, opcode
from jingwei.deploy.artifacts.memo import DATA, THING, TUPLE

_FILE_WRAPPERS = frozenset({"NDArrayWrapper", "ZNDArrayWrapper"})
_MOST_KEPT, _FEW = 16, 4
_LONGEST_PLACE = 4000
_EXTENSIONS = {0x82: 1, 0x83: 2, 0x84: 4}


@opcode(b"(")
def mark(machine: Machine, _: int, at: int) -> int:
    """MARK."""
    machine.marks.append(len(machine.stack))
    return at


@opcode(b"0")
def pop(machine: Machine, _: int, at: int) -> int:
    """POP: a mark counts as a thing."""
    if machine.marks and machine.marks[-1] == len(machine.stack):
        machine.marks.pop()
    else:
        machine.stack.pop()
    return at


@opcode(b"1")
def pop_mark(machine: Machine, _: int, at: int) -> int:
    """POP_MARK."""
    machine.pop_mark()
    return at


@opcode(b"2")
def duplicate(machine: Machine, _: int, at: int) -> int:
    """DUP."""
    machine.stack.append(machine.stack[-1])
    return at


@opcode(b"ld\x91")
def collect(machine: Machine, _: int, at: int) -> int:
    """LIST, DICT and FROZENSET: what lies above the mark, kept where it is of interest."""
    items = machine.pop_mark()
    if machine.codes is not None:
        _codes(machine, items)
    machine.stack.append(_kept(machine, DATA, items))
    return at


def _kept(machine: Machine, target: int, items: list[int]) -> int:
    """Return a collection with more items: told apart from data only where something imported is in it."""
    few = len(items) <= _FEW or any(item & 7 == THING for item in items)
    if not few or target & 7 not in {DATA, TUPLE}:
        return target
    return machine.store.bundle([*machine.store.tuple_of(target), *items][:_MOST_KEPT])


@opcode(b"as")
def put_one(machine: Machine, code: int, at: int) -> int:
    """APPEND and SETITEM."""
    count = 1 if code == 0x61 else 2
    items = machine.stack[-count:]
    del machine.stack[-count:]
    target = machine.stack[-1]
    if machine.codes is not None and count == 2:
        _codes(machine, items)
    if target & 7 == THING:
        machine.write(target)
    else:
        machine.stack[-1] = _kept(machine, target, items)
    return at


@opcode(b"eu\x90")
def put_many(machine: Machine, code: int, at: int) -> int:
    """APPENDS, SETITEMS and ADDITEMS."""
    items = machine.pop_mark()
    target = machine.stack[-1]
    if machine.codes is not None and code == 0x75:
        _codes(machine, items)
    if target & 7 == THING:
        machine.write(target)
    elif machine.trace.uses:
        machine.stack[-1] = _kept(machine, target, items)
    if code == 0x75 and len(machine.stack) > 1 and _is_array(machine, machine.stack[-2]):
        names = (machine.string(item) for item in items[::2])
        machine.array = {name or "": value for name, value in zip(names, items[1::2], strict=False)}
    return at


def _codes(machine: Machine, items: list[int]) -> None:
    """Take down what a graph's state holds as its code; a key that cannot be told may be that of the code."""
    for key, value in zip(items[::2], items[1::2], strict=False):
        name = machine.string(key)
        if name == "_code" or (name is None and key & 7 == THING):
            machine.codes = [*(machine.codes or [])[-_MOST_KEPT:], value if name else DATA]


def _is_array(machine: Machine, value: int) -> bool:
    thing = machine.store.thing_of(value)
    return thing is not None and thing.kind == "instance" and thing.name == "NumpyArrayWrapper"


@opcode(b"p")
def line_put(machine: Machine, _: int, at: int) -> int:
    """PUT."""
    raw = machine.line(at)
    machine.memo.put(_place(raw), machine.stack[-1])
    return at + len(raw) + 1


@opcode(b"g")
def line_get(machine: Machine, _: int, at: int) -> int:
    """GET."""
    raw = machine.line(at)
    machine.stack.append(machine.memo.get(_place(raw)))
    return at + len(raw) + 1


def _place(raw: bytes) -> int:
    place = int(raw[:_LONGEST_PLACE])
    if place < 0:
        raise Halt("gap-broken-pickle")
    return place


@opcode(b"qr")
def put(machine: Machine, code: int, at: int) -> int:
    """BINPUT and LONG_BINPUT."""
    width = 1 if code == 0x71 else 4
    machine.memo.put(int.from_bytes(machine.fixed(at, width), "little"), machine.stack[-1])
    return at + width


@opcode(b"hj")
def get(machine: Machine, code: int, at: int) -> int:
    """BINGET and LONG_BINGET."""
    width = 1 if code == 0x68 else 4
    machine.stack.append(machine.memo.get(int.from_bytes(machine.fixed(at, width), "little")))
    return at + width


@opcode(b"\x94")
def memoize(machine: Machine, _: int, at: int) -> int:
    """MEMOIZE, where the next place is not simply at the end."""
    machine.memo.put(machine.memo.count, machine.stack[-1])
    return at


@opcode(b"Q")
def persistent(machine: Machine, _: int, at: int) -> int:
    """BINPERSID: the reader's own storage; torch's older format also keeps classes there."""
    told = machine.store.tuple_of(machine.stack[-1])
    by_module = len(told) > 1 and machine.string(told[0]) == "module"
    machine.stack[-1] = told[1] if by_module else DATA
    return at


@opcode(b"\x97")
def next_buffer(machine: Machine, _: int, at: int) -> int:
    """NEXT_BUFFER: out-of-band bytes."""
    machine.stack.append(DATA)
    return at


@opcode(b"\x98")
def read_only(_: Machine, __: int, at: int) -> int:
    """READONLY_BUFFER."""
    return at


@opcode(b"c")
def named(machine: Machine, _: int, at: int) -> int:
    """GLOBAL."""
    module = machine.line(at)
    name = machine.line(at + len(module) + 1)
    machine.stack.append(machine.name(_decoded(module), _decoded(name)))
    return at + len(module) + len(name) + 2


def _decoded(raw: bytes) -> str:
    return raw[:1024].decode("utf-8", "replace")


@opcode(b"\x93")
def stack_named(machine: Machine, _: int, at: int) -> int:
    """STACK_GLOBAL."""
    name, module = machine.stack.pop(), machine.stack.pop()
    names = machine.string(module), machine.string(name)
    if names[0] is None or names[1] is None:
        machine.odd("pickle.computed-name", f"{names[0] or '?'}.{names[1] or '?'}")
        machine.stack.append(machine.store.thing("computed", names[0] or "?", names[1] or "?"))
    else:
        machine.stack.append(machine.name(names[0], names[1]))
    return at


@opcode(bytes(_EXTENSIONS))
def extension(machine: Machine, code: int, at: int) -> int:
    """EXT1, EXT2 and EXT4: whatever was registered under a number."""
    width = _EXTENSIONS[code]
    number_ = int.from_bytes(machine.fixed(at, width), "little")
    machine.odd("pickle.extension-registry", str(number_))
    machine.stack.append(machine.store.thing("computed", "copyreg", f"extension-{number_}"))
    return at + width


@opcode(b"R")
def reduce(machine: Machine, _: int, at: int) -> int:
    """REDUCE."""
    arguments, callee = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(call(machine, callee, machine.store.given(arguments), How.CALLED))
    return at


@opcode(b"\x81")
def new_object(machine: Machine, _: int, at: int) -> int:
    """NEWOBJ: `cls.__new__(cls, *args)`, never the constructor."""
    arguments, callee = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(call(machine, callee, machine.store.given(arguments), How.BUILT))
    return at


@opcode(b"\x92")
def new_object_with_names(machine: Machine, _: int, at: int) -> int:
    """NEWOBJ_EX."""
    machine.stack.pop()
    arguments, callee = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(call(machine, callee, machine.store.given(arguments), How.BUILT))
    return at


@opcode(b"o")
def call_marked(machine: Machine, _: int, at: int) -> int:
    """OBJ: the class lies right above the mark."""
    callee, *arguments = machine.pop_mark() or [DATA]
    machine.stack.append(call(machine, callee, tuple(arguments), How.CALLED))
    return at


@opcode(b"i")
def call_named(machine: Machine, _: int, at: int) -> int:
    """INST: names and calls in one."""
    module = machine.line(at)
    name = machine.line(at + len(module) + 1)
    arguments = machine.pop_mark()
    callee = machine.name(_decoded(module), _decoded(name))
    machine.stack.append(call(machine, callee, tuple(arguments), How.CALLED))
    return at + len(module) + len(name) + 2


def _bind(machine: Machine, target: int, state: int) -> None:
    """A partial's state says anew what it calls; that of an old array wrapper names a file beside the pickle."""
    thing = machine.store.thing_of(target)
    parts = machine.store.tuple_of(state)
    if thing is not None and thing.kind == "partial" and len(parts) > 1:
        bound = (parts[0], *machine.store.tuple_of(parts[1]))
        machine.stack[-1] = machine.store.thing("partial", "functools", "partial", bound)
    if thing is not None and thing.name in _FILE_WRAPPERS:
        for text in map(machine.string, parts):
            if text is not None and ("/" in text or "\\" in text):
                machine.odd("pickle.outside-file", text)


@opcode(b"b")
def build(machine: Machine, _: int, at: int) -> int:
    """BUILD; after joblib's array wrapper the array's own bytes lie in the stream."""
    state = machine.stack.pop()
    target = machine.stack[-1]
    machine.write(target)
    _bind(machine, target, state)
    if machine.array and _is_array(machine, target):
        return skip_array(machine, at)
    return at
