"""HDF5 walked by its own account: superblock, object headers, groups, attributes, links, where the data lies.

Every structure is followed from the root by file address, each at most once and within limits, so that what a reader
would see is seen, and nothing is taken for metadata that is only data. Formats: superblock 0 to 3, object headers 1
and 2, symbol-table groups, compact and dense links and attributes (fractal heaps), global heaps.
"""

from collections.abc import Iterator
from typing import NamedTuple

from jingwei.deploy.artifacts.hdf5_heap import HeapError, managed
from jingwei.deploy.artifacts.source import Source, Window

MARK = b"\x89HDF\r\n\x1a\n"
PLACES = (0, 512, 1024, 2048, 4096, 8192)
_MOST_OBJECTS = 200_000
_MOST_MESSAGES = 2_000_000
_MOST_NODES = 500_000
_LONGEST_TEXT = 64 * 1024 * 1024
_DEEPEST = 64


class BrokenError(Exception):
    """A structure does not hold."""


class Message(NamedTuple):
    """One message of an object header."""

    kind: int
    start: int
    size: int
    flags: int


class Link(NamedTuple):
    """A name in a group."""

    name: str
    kind: str
    """`hard`, `soft` or `external`."""
    target: str
    address: int = 0


class Object(NamedTuple):
    """A group or data set, and what its header says."""

    path: str
    address: int
    messages: tuple[Message, ...]


class Hdf5:
    """A file, read by address."""

    def __init__(self, source: Source, base: int) -> None:
        self.source, self.window, self.base = source, Window(source), base
        self.steps = 0
        version = self.number(8, 1)
        if version > 3:
            raise BrokenError
        at = 13 if version < 2 else 9
        self.wide, self.long = self.number(at, 1), self.number(at + 1, 1)
        if self.wide not in {4, 8} or self.long not in {4, 8}:
            raise BrokenError
        if version < 2:
            entry = 24 + (4 if version == 1 else 0) + 4 * self.wide
            self.root = self.number(entry + self.wide, self.wide)
            self.end = self.number(24 + (4 if version == 1 else 0) + 2 * self.wide, self.wide)
        else:
            self.end = self.number(12 + 2 * self.wide, self.wide)
            self.root = self.number(12 + 3 * self.wide, self.wide)

    def take(self, at: int, length: int) -> bytes:
        """Return bytes at an address; counts the steps, so that a loop ends."""
        self.steps += 1
        if self.steps > _MOST_MESSAGES * 4 or length > _LONGEST_TEXT:
            raise BrokenError
        return self.window.take(self.base + at, length)

    def number(self, at: int, width: int) -> int:
        """Return an unsigned number at an address."""
        return int.from_bytes(self.take(at, width), "little")

    def text(self, at: int, most: int = 4096) -> str:
        """Return a text that ends with a zero."""
        raw = self.source.read(self.base + at, most)
        return raw.partition(b"\0")[0].decode("utf-8", "replace")

    def walk(self) -> Iterator[tuple[Object, tuple[Link, ...]]]:
        """Give every object once, with its links."""
        waiting, seen = [("/", self.root)], {self.root}
        while waiting:
            path, address = waiting.pop()
            found = Object(path, address, tuple(self.messages(address)))
            links = tuple(self.links(found))
            yield found, links
            for link in links:
                if link.kind == "hard" and link.address not in seen:
                    if len(seen) > _MOST_OBJECTS:
                        raise BrokenError
                    seen.add(link.address)
                    waiting.append((f"{path.rstrip('/')}/{link.name}", link.address))

    def messages(self, address: int) -> Iterator[Message]:
        """Read an object header of either version."""
        if self.take(address, 4) == b"OHDR":
            yield from self._newer(address)
        elif self.number(address, 1) == 1:
            yield from self._older(address)
        else:
            raise BrokenError

    def _older(self, address: int) -> Iterator[Message]:
        count, size = self.number(address + 2, 2), self.number(address + 8, 4)
        blocks, done = [(address + 16, size)], 0
        while blocks and done < count:
            at, left = blocks.pop(0)
            end = at + left
            while at + 8 <= end and done < count:
                kind, length, flags = self.number(at, 2), self.number(at + 2, 2), self.number(at + 4, 1)
                done += 1
                if kind == 0x10:
                    blocks.append((self.number(at + 8, self.wide), self.number(at + 8 + self.wide, self.long)))
                    self._bound(len(blocks))
                elif kind:
                    yield Message(kind, at + 8, length, flags)
                at += 8 + length

    def _newer(self, address: int) -> Iterator[Message]:
        flags = self.number(address + 5, 1)
        at = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        size = self.number(at, width)
        blocks = [(at + width, size)]
        head = 6 if flags & 4 else 4
        done = 0
        while blocks:
            at, left = blocks.pop(0)
            end = at + left
            while at + head <= end:
                kind, length, own = self.number(at, 1), self.number(at + 1, 2), self.number(at + 3, 1)
                done += 1
                self._bound(done // 64)
                if kind == 0x10:
                    start, long = self.number(at + head, self.wide), self.number(at + head + self.wide, self.long)
                    if self.take(start, 4) != b"OCHK":
                        raise BrokenError
                    blocks.append((start + 4, long - 8))
                elif kind:
                    yield Message(kind, at + head, length, own)
                at += head + length

    @staticmethod
    def _bound(count: int) -> None:
        if count > 100_000:
            raise BrokenError

    def links(self, found: Object) -> Iterator[Link]:
        """Read a group's links, however they are kept."""
        for message in found.messages:
            if message.kind == 0x11:
                tree, heap = self.number(message.start, self.wide), self.number(message.start + self.wide, self.wide)
                yield from self._symbols(tree, heap)
            elif message.kind == 0x06:
                yield self.link(message.start)
            elif message.kind == 0x02:
                flags = self.number(message.start + 1, 1)
                at = message.start + 2 + (8 if flags & 1 else 0)
                heap, tree = self.number(at, self.wide), self.number(at + self.wide, self.wide)
                for start, _ in self.dense(heap, tree, record=11, skip=4):
                    yield self.link(start)

    def link(self, at: int) -> Link:
        """Read a link message."""
        flags = self.number(at + 1, 1)
        at += 2
        kind = 0
        if flags & 8:
            kind = self.number(at, 1)
            at += 1
        at += (8 if flags & 4 else 0) + (1 if flags & 16 else 0)
        width = 1 << (flags & 3)
        length = self.number(at, width)
        name = self.take(at + width, min(length, 65536)).decode("utf-8", "replace")
        at += width + length
        if kind == 0:
            return Link(name, "hard", "", self.number(at, self.wide))
        size = self.number(at, 2)
        value = self.take(at + 2, size)
        if kind == 1:
            return Link(name, "soft", value.decode("utf-8", "replace"))
        shown = value[1:].replace(b"\0", b" ").decode("utf-8", "replace").strip()
        return Link(name, "external", shown)

    def _symbols(self, tree: int, heap: int) -> Iterator[Link]:
        """Read a symbol-table group: a B-tree of version 1 over nodes of entries, names in a local heap."""
        if self.take(heap, 4) != b"HEAP":
            raise BrokenError
        names = self.number(heap + 8 + 2 * self.long, self.wide)
        waiting, seen = [(tree, 0)], set[int]()
        while waiting:
            at, depth = waiting.pop()
            if at in seen or depth > _DEEPEST or len(seen) > _MOST_NODES:
                raise BrokenError
            seen.add(at)
            mark = self.take(at, 4)
            if mark == b"SNOD":
                yield from self._entries(at, names)
            elif mark == b"TREE":
                used, first = self.number(at + 6, 2), at + 8 + 2 * self.wide
                children = [
                    self.number(first + self.long + n * (self.long + self.wide), self.wide) for n in range(used)
                ]
                waiting.extend((child, depth + 1) for child in reversed(children))
            else:
                raise BrokenError

    def _entries(self, at: int, names: int) -> Iterator[Link]:
        width = 2 * self.wide + 24
        for number in range(self.number(at + 6, 2)):
            entry = at + 8 + number * width
            name = self.text(names + self.number(entry, self.wide))
            kind = self.number(entry + 2 * self.wide, 4)
            if kind == 2:
                yield Link(name, "soft", self.text(names + self.number(entry + 2 * self.wide + 8, 4)))
            else:
                yield Link(name, "hard", "", self.number(entry + self.wide, self.wide))

    def dense(self, heap: int, tree: int, *, record: int, skip: int) -> Iterator[tuple[int, int]]:
        """Give the places of what a fractal heap holds, in the order of its index."""
        if heap == (1 << (8 * self.wide)) - 1:
            return
        try:
            yield from managed(self, heap, tree, record=record, skip=skip)
        except HeapError as error:
            raise BrokenError from error
