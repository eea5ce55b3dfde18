"""What the opcodes that name, call, build and collect do to the symbolic machine."""

from jingwei.deploy.artifacts.arrays import skip_array
from jingwei.deploy.artifacts.machine import Halt, Machine, made, opcode, special
from jingwei.deploy.artifacts.memo import DATA

_TUPLES = {0x85: 1, 0x86: 2, 0x87: 3}
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


@opcode(b"\x85\x86\x87t")
def bundle(machine: Machine, code: int, at: int) -> int:
    """TUPLE1, TUPLE2, TUPLE3 and TUPLE."""
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


@opcode(b"ld\x91")
def collect(machine: Machine, _: int, at: int) -> int:
    """LIST, DICT and FROZENSET: plain data made of what lies above the mark."""
    machine.pop_mark()
    machine.stack.append(DATA)
    return at


@opcode(b"as")
def put_one(machine: Machine, code: int, at: int) -> int:
    """APPEND and SETITEM."""
    del machine.stack[-1 if code == 0x61 else -2 :]
    machine.write(machine.stack[-1])
    return at


@opcode(b"eu\x90")
def put_many(machine: Machine, code: int, at: int) -> int:
    """APPENDS, SETITEMS and ADDITEMS."""
    items = machine.pop_mark()
    machine.write(machine.stack[-1])
    if code == 0x75 and len(machine.stack) > 1 and _is_array(machine, machine.stack[-2]):
        names = (machine.string(item) for item in items[::2])
        machine.array = {name or "": value for name, value in zip(names, items[1::2], strict=False)}
    return at


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
    place = int(raw[:20])
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
    """BINPERSID: the reader's own storage."""
    machine.stack[-1] = DATA
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


@opcode(b"R\x81")
def call(machine: Machine, _: int, at: int) -> int:
    """REDUCE and NEWOBJ."""
    arguments, callee = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(machine.call(callee, arguments))
    return at


@opcode(b"\x92")
def call_with_names(machine: Machine, _: int, at: int) -> int:
    """NEWOBJ_EX."""
    machine.stack.pop()
    arguments, callee = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(machine.call(callee, arguments))
    return at


@opcode(b"o")
def call_marked(machine: Machine, _: int, at: int) -> int:
    """OBJ: the class lies right above the mark."""
    callee, *arguments = machine.pop_mark() or [DATA]
    machine.stack.append(machine.call(callee, tuple(arguments)))
    return at


@opcode(b"i")
def call_named(machine: Machine, _: int, at: int) -> int:
    """INST: names and calls in one."""
    module = machine.line(at)
    name = machine.line(at + len(module) + 1)
    arguments = machine.pop_mark()
    callee = machine.name(_decoded(module), _decoded(name))
    machine.stack.append(machine.call(callee, tuple(arguments)))
    return at + len(module) + len(name) + 2


@opcode(b"b")
def build(machine: Machine, _: int, at: int) -> int:
    """BUILD; after joblib's array wrapper the array's own bytes lie in the stream."""
    machine.stack.pop()
    target = machine.stack[-1]
    machine.write(target)
    if machine.array and _is_array(machine, target):
        return skip_array(machine, at)
    return at


@special("copyreg", "_reconstructor", "__newobj__", "__newobj_ex__")
@special("copy_reg", "_reconstructor", "__newobj__", "__newobj_ex__")
@special("torch._tensor", "_rebuild_from_type", "_rebuild_from_type_v2")
def through(machine: Machine, given: tuple[int, ...]) -> int | None:
    """What is called is the first argument."""
    return made(machine, given[0], given[1:])


@special("numpy", "dtype")
def data_type(machine: Machine, given: tuple[int, ...]) -> int | None:
    """Keep a dtype's letters: they size the arrays that follow."""
    return machine.store.thing("dtype", "numpy", machine.string(given[0]) or "")


@special("operator", "add", "concat", "iadd", "iconcat")
@special("_operator", "add", "concat", "iadd", "iconcat")
def joined(machine: Machine, given: tuple[int, ...]) -> int | None:
    """Join two strings, so that a name put together at load time is still read."""
    parts = [machine.string(value) for value in given]
    whole = "".join(part for part in parts if part is not None)
    return machine.store.thing("text", "", whole[:1024]) if None not in parts else None
