"""A pickle machine that runs nothing: it follows every opcode and notes what would be imported, called and changed.

It is as lenient as CPython's C unpickler, so that nothing that unpickler would run is missed, and it goes on where
checkers usually give up. It reads forward through a small window, skips over payloads, and remembers eight bytes a
memo place, so memory does not grow with the file.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from jingwei.deploy.artifacts import memo as values
from jingwei.deploy.artifacts.globals import Use as How
from jingwei.deploy.artifacts.memo import BLOB, DATA, ENCODED, NUMBER, STRING, Memo, OutOfRoom, Store
from jingwei.deploy.artifacts.source import PIECE, Source
from jingwei.deploy.artifacts.words import called as in_words

MOST_OPERATIONS = 400_000_000
_LONGEST_STEP = 10
_MOST_STACK = 4_000_000
_LONGEST_LINE = 65536
_LONGEST_NAME = 4096
TORCH_MAGIC = 0x1950A86A20F9469CFC6C.to_bytes(10, "little")


class Halt(Exception):  # noqa: N818 - the normal end of a machine
    """The machine stops here; the reason is a gap key, or empty after STOP."""


class Use(NamedTuple):
    """One global, as a pickle uses it at its worst."""

    offset: int
    how: How
    words: str = ""
    """The call in words."""
    via: str = ""
    """The call through which it was reached, where it was not named itself."""


class Oddity(NamedTuple):
    """Something besides the names that is worth a finding."""

    rule: str
    offset: int
    name: str
    words: str = ""


class Inner(NamedTuple):
    """Bytes inside a pickle that are a pickle or a model themselves."""

    start: int
    size: int
    """0 where the bytes are written as text, whose opcode lies at the start."""
    loaded: bool
    """True where the pickle itself has them loaded, with a loader whose formats are known."""


@dataclass(slots=True)
class Trace:
    """What following one stream found."""

    uses: dict[tuple[str, str], Use] = field(default_factory=dict)
    oddities: list[Oddity] = field(default_factory=list)
    inner: list[Inner] = field(default_factory=list)
    end: int = 0
    stopped: bool = False
    """True when STOP was reached."""
    reason: str = ""
    torch_magic: bool = False
    """True when the stream holds the number that opens torch's older format."""


def _table(fixed: dict[bytes, int]) -> list[int]:
    table = [-1] * 256
    for codes, width in fixed.items():
        for code in codes:
            table[code] = width
    return table


_PLAIN = _table({b"N\x88\x89)]}\x8f": 1, b"G": 9})
"""Opcodes that push plain data, with their whole length."""
_BLOBS = {0x43: 1, 0x42: 4, 0x8E: 8, 0x96: 8, 0x55: 1, 0x54: 4}
_STRINGS = {0x8C: 1, 0x58: 4, 0x8D: 8, 0x55: 1, 0x54: 4}


class Machine:
    """Follows one pickle stream."""

    def __init__(self, source: Source, start: int, *, most_operations: int = MOST_OPERATIONS) -> None:
        self.source = source
        self.at = start
        self.stack: list[int] = []
        self.marks: list[int] = []
        self.memo = Memo()
        self.store = Store()
        self.trace = Trace()
        self.array: dict[str, int] = {}
        """The latest attributes set on a joblib array wrapper."""
        self.codes: list[int] | None = None
        """Once a graph's code may follow: the values set under `_code`; 0 for one that cannot be told."""
        self.weights: dict[int, int] = {}
        """How many times over each tuple holds one thing twice."""
        self._most = most_operations
        self._base = start
        self._window = b""

    def run(self) -> Trace:
        """Follow the stream to its STOP, its end, its most operations, or what no unpickler could go past.

        Run again, it goes on where it was: the reason `gap-operations` says that there is more.
        """
        trace = self.trace
        try:
            self._follow()
        except Halt as halt:
            trace.reason = str(halt)
            trace.stopped = not trace.reason
        except OutOfRoom:
            trace.reason = "gap-memory"
        except LookupError:
            near_end = self.at + 9 >= self.source.size
            trace.reason = "gap-truncated" if near_end else "gap-broken-pickle"
        except (struct.error, ValueError, OverflowError):
            trace.reason = "gap-broken-pickle"
        trace.end = self.at
        return trace

    def _follow(self) -> None:  # noqa: C901 - a branch an opcode, and a call for each would double the time
        """Follow the stream; the commonest opcodes are followed here, where each step is dear."""
        base, window, here = self._base, self._window, self.at - self._base
        stack, marks, memo, handlers, plain = self.stack, self.marks, self.memo, HANDLERS, _PLAIN
        places, push, last = memo.places, stack.append, len(window) - _LONGEST_STEP
        for _ in range(self._most):
            if here > last:
                base, window = self._refill(base + here)
                here, last = 0, len(window) - _LONGEST_STEP
            code = window[here]
            width = plain[code]
            if width > 0:
                push(DATA)
                here += width
            elif code == 0x94 and memo.count == len(places) < values.MOST_PLACES:  # MEMOIZE at the next place
                places.append(stack[-1])
                memo.count += 1
                here += 1
            elif code == 0x68 and window[here + 1] < len(places) and places[window[here + 1]] >= 0:  # BINGET
                push(places[window[here + 1]])
                here += 2
            elif code == 0x4A:  # BININT
                push(int.from_bytes(window[here + 1 : here + 5], "little", signed=True) << 3 | NUMBER)
                here += 5
            elif code == 0x8C:  # SHORT_BINUNICODE
                push((base + here) << 3 | STRING)
                here += 2 + window[here + 1]
            elif code == 0x4B:  # BININT1
                push(window[here + 1] << 3 | NUMBER)
                here += 2
            elif code == 0x28:  # MARK
                marks.append(len(stack))
                here += 1
            else:
                self.at = base + here
                handler = handlers[code]
                if handler is None:
                    raise Halt("gap-opcode")
                here = handler(self, code, self.at + 1) - base
        self.at = base + here
        raise Halt("gap-operations")

    def _refill(self, at: int) -> tuple[int, bytes]:
        """Read on from a position, and return it with what was read."""
        self.at = at
        if at >= self.source.size:
            raise Halt("gap-truncated")
        if len(self.stack) > _MOST_STACK:
            raise OutOfRoom
        self._base, self._window = at, self.source.read(at, PIECE)
        return at, self._window

    def fixed(self, at: int, length: int) -> bytes:
        """Return exactly so many bytes.

        Raises:
            LookupError: the stream ends before.
        """
        here = at - self._base
        piece = self._window[here : here + length] if here >= 0 else b""
        if len(piece) < length:
            piece = self.source.read(at, length)
        if len(piece) < length:
            raise LookupError(at)
        return piece

    def line(self, at: int) -> bytes:
        """Return the line that begins here, without its end."""
        for length in (128, _LONGEST_LINE):
            piece = self.source.read(at, length)
            end = piece.find(b"\n")
            if end >= 0:
                return piece[:end]
        raise Halt("gap-truncated" if at + _LONGEST_LINE > self.source.size else "gap-broken-pickle")

    def string(self, value: int, *, longest: int = _LONGEST_NAME) -> str | None:
        """Return the string that a value stands for, if it is one and short enough, by default to be a name."""
        thing = self.store.thing_of(value)
        if thing is not None and thing.kind == "text":
            return thing.name
        if value & 7 != STRING:
            return None
        at = value >> 3
        code = self.fixed(at, 1)[0]
        if code in _STRINGS:
            width = _STRINGS[code]
            length = int.from_bytes(self.fixed(at + 1, width), "little")
            raw = self.fixed(at + 1 + width, length) if length <= longest else b""
            return raw.decode("utf-8", "surrogatepass") if raw or not length else None
        raw = self.line(at + 1)
        if code == 0x56:
            return raw.decode("raw-unicode-escape")
        return raw.strip()[1:-1].decode("unicode-escape")

    def pop_mark(self) -> list[int]:
        """Take everything above the latest mark."""
        mark = self.marks.pop()
        items = self.stack[mark:]
        del self.stack[mark:]
        return items

    def extent(self, value: int) -> tuple[int, int]:
        """Return where the bytes of a blob or of counted text begin, and how many they are; none of anything else."""
        code = self.fixed(value >> 3, 1)[0] if value & 7 in {BLOB, ENCODED, STRING} else 0
        width = _BLOBS.get(code) or _STRINGS.get(code, 0)
        return (value >> 3) + 1 + width, int.from_bytes(self.fixed((value >> 3) + 1, width), "little") if width else 0

    def name(self, module: str, name: str, *, via: str = "") -> int:
        """Note that a global is imported, and return its value."""
        if (module, name) not in self.trace.uses:
            if module == "torch.fx.graph_module" and self.codes is None:
                self.codes = []
            self.trace.uses[module, name] = Use(self.at, How.NAMED, via=via)
            if len(self.trace.uses) > values.MOST_THINGS:
                raise OutOfRoom
        return self.store.thing("global", module, name)

    def use(self, module: str, name: str, how: How, given: tuple[int, ...] | None, *, via: str = "") -> None:
        """Note that a global is called or built; the worst use of each is kept."""
        before = self.trace.uses.get((module, name))
        if before is None or how > before.how:
            via = via or (before.via if before else "")
            self.trace.uses[module, name] = Use(self.at, how, in_words(self, f"{module}.{name}", given), via)

    def odd(self, rule: str, name: str = "", words: str = "") -> None:
        """Note something that is a finding by itself."""
        if len(self.trace.oddities) < 100:
            self.trace.oddities.append(Oddity(rule, self.at, name, words))

    def write(self, target: int) -> None:
        """Note a change of something imported, such as `sys.modules`."""
        thing = self.store.thing_of(target)
        if thing is not None and thing.kind in {"global", "module"}:
            self.odd("pickle.writes-import", f"{thing.module}.{thing.name}".strip("."))


Handler = Callable[[Machine, int, int], int]
HANDLERS: list[Handler | None] = [None] * 256
"""What to do at each opcode; filled by `operations`."""


def opcode(*codes: bytes) -> Callable[[Handler], Handler]:
    """Register what to do at some opcodes."""

    def register(handler: Handler) -> Handler:
        for code in b"".join(codes):
            HANDLERS[code] = handler
        return handler

    return register
