"""What the opcodes that push a value do to the symbolic machine: numbers, strings, bytes."""

import re

from jingwei.deploy.artifacts.machine import TORCH_MAGIC, Halt, Inner, Machine, opcode
from jingwei.deploy.artifacts.memo import BLOB, DATA, NUMBER, STRING

_WIDTHS = {0x43: 1, 0x42: 4, 0x8E: 8, 0x96: 8}
_LARGEST, _LONGEST_NUMBER = 1 << 59, 4000
_SHORTEST, _LATEST, _MOST_INNER = 8, 5, 1000
_OCTAL = re.compile(rb"[-+]?0[0-7]+")
_TEXTS = {0x8C: 1, 0x58: 4, 0x8D: 8, 0x55: 1, 0x54: 4}


@opcode(b"\x80")
def protocol(_: Machine, __: int, at: int) -> int:
    """PROTO: the number changes nothing here."""
    return at + 1


@opcode(b"\x95")
def frame(machine: Machine, _: int, at: int) -> int:
    """FRAME: only a hint, but one past the end is an error in every unpickler."""
    if at + 8 + int.from_bytes(machine.fixed(at, 8), "little") > machine.source.size:
        machine.odd("pickle.broken-frame")
    return at + 8


@opcode(b".")
def stop(machine: Machine, _: int, at: int) -> int:
    """STOP."""
    machine.at = at
    if not machine.stack:
        raise Halt("gap-broken-pickle")
    raise Halt


@opcode(b"MJ")
def number(machine: Machine, code: int, at: int) -> int:
    """BININT2 and BININT."""
    width = 2 if code == 0x4D else 4
    raw = machine.fixed(at, width)
    machine.stack.append(int.from_bytes(raw, "little", signed=width == 4) << 3 | NUMBER)
    return at + width


@opcode(b"IL")
def line_number(machine: Machine, _: int, at: int) -> int:
    """INT and LONG, written out."""
    raw = machine.line(at)
    try:
        value = _written(raw.strip().rstrip(b"L")[:_LONGEST_NUMBER])
    except ValueError as error:
        raise Halt("gap-broken-pickle") from error
    machine.stack.append(_number(value))
    return at + len(raw) + 1


def _number(value: int) -> int:
    """Return the value of a number; of a huge one it is only known that it is huge."""
    return max(-_LARGEST, min(value, _LARGEST)) << 3 | NUMBER


def _written(raw: bytes) -> int:
    """Read a number as the most lenient unpickler does: in any base, in Python's way or in that of C."""
    try:
        return int(raw, 0)
    except ValueError:
        return int(raw, 8 if _OCTAL.fullmatch(raw) else 10)


@opcode(b"F")
def line_float(machine: Machine, _: int, at: int) -> int:
    """FLOAT, written out."""
    raw = machine.line(at)
    try:
        float(raw)
    except ValueError as error:
        raise Halt("gap-broken-pickle") from error
    machine.stack.append(DATA)
    return at + len(raw) + 1


@opcode(b"P")
def line_persistent(machine: Machine, _: int, at: int) -> int:
    """PERSID: a line that stands for the reader's own data."""
    raw = machine.line(at)
    machine.stack.append(DATA)
    return at + len(raw) + 1


@opcode(b"SV")
def line_text(machine: Machine, code: int, at: int) -> int:
    """STRING and UNICODE, written out; the first needs its quotes."""
    raw = machine.line(at)
    shown = raw.strip()
    if code == 0x53 and (len(shown) < 2 or shown[:1] != shown[-1:] or shown[:1] not in {b"'", b'"'}):
        raise Halt("gap-broken-pickle")
    machine.stack.append((at - 1) << 3 | STRING)
    return at + len(raw) + 1


@opcode(bytes(_TEXTS))
def text(machine: Machine, code: int, at: int) -> int:
    """Counted strings."""
    width = _TEXTS[code]
    end = at + width + int.from_bytes(machine.fixed(at, width), "little")
    machine.stack.append((at - 1) << 3 | STRING)
    return _inside(machine, end)


@opcode(bytes(_WIDTHS))
def blob(machine: Machine, code: int, at: int) -> int:
    """Counted bytes: skipped, and remembered where they look like a pickle of their own."""
    width = _WIDTHS[code]
    length = int.from_bytes(machine.fixed(at, width), "little")
    end = _inside(machine, at + width + length)
    machine.stack.append((at - 1) << 3 | BLOB)
    if length > _SHORTEST and machine.fixed(at + width, 1) == b"\x80" and len(machine.trace.inner) < _MOST_INNER:
        head, tail = machine.fixed(at + width, 2), machine.fixed(end - 1, 1)
        if head[1] <= _LATEST and tail == b".":
            machine.trace.inner.append(Inner(at + width, length, loaded=False))
    return end


@opcode(b"\x8a\x8b")
def long(machine: Machine, code: int, at: int) -> int:
    """LONG1 and LONG4."""
    width = 1 if code == 0x8A else 4
    length = int.from_bytes(machine.fixed(at, width), "little", signed=width == 4)
    if length < 0:
        raise Halt("gap-broken-pickle")
    raw = machine.fixed(at + width, length) if length <= 16 else b""
    machine.trace.torch_magic |= raw == TORCH_MAGIC
    value = int.from_bytes(raw, "little", signed=True)
    machine.stack.append(_number(value) if raw else DATA)
    return _inside(machine, at + width + length)


def _inside(machine: Machine, end: int) -> int:
    if end > machine.source.size:
        raise Halt("gap-truncated")
    return end
