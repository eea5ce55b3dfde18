"""What a symbolic pickle machine remembers, in eight bytes a place.

A value is one integer. The low three bits say what it is; the rest is a small number, the position of a string's or
blob's opcode in the file (the bytes are read again when they are asked for), or the number of a thing or tuple.
"""

from array import array
from typing import NamedTuple

DATA = 0
"""Anything that cannot name, call or size: a float, a list of numbers."""
NUMBER, STRING, THING, TUPLE, BLOB, ENCODED = 2, 3, 4, 5, 6, 7
_UNSET = -1
_RING = 4096
MOST_PLACES = 32_000_000
MOST_THINGS = 100_000
_NEAR = 1_000_000


class OutOfRoom(Exception):  # noqa: N818 - not an error of the user's
    """A pickle wants more memory than an examination has."""


class Thing(NamedTuple):
    """Something a pickle imported or made."""

    kind: str
    """`global`, `module`, `instance`, `method`, `partial`, `caller`, `getter`, `computed`, `text`, `dtype`."""
    module: str
    name: str
    parts: tuple[int, ...] = ()
    """Of something bound: the values that it was made of."""


class Memo:
    """The unpickler's memo: counted as CPython counts it, so that MEMOIZE hits the place that it really would."""

    def __init__(self) -> None:
        self.places = array("q")
        self.count = 0
        self._far: dict[int, int] = {}

    def put(self, place: int, value: int) -> None:
        """Set a place."""
        places = self.places
        if place > len(places) + _NEAR:
            if len(self._far) >= _NEAR:
                raise OutOfRoom
            self.count += place not in self._far
            self._far[place] = value
            return
        if place >= len(places):
            if place >= MOST_PLACES:
                raise OutOfRoom
            places.extend([_UNSET] * (place + 1 - len(places)))
        self.count += places[place] == _UNSET
        places[place] = value

    def get(self, place: int) -> int:
        """Return what is there.

        Raises:
            LookupError: nothing is.
        """
        value = self._far.get(place, _UNSET) if place >= len(self.places) else self.places[place]
        if value == _UNSET:
            raise LookupError(place)
        return value


class Store:
    """Things, kept once each, and the latest tuples."""

    def __init__(self) -> None:
        self._things: list[Thing] = []
        self._numbers: dict[Thing, int] = {}
        self._ring: list[tuple[int, ...]] = [()] * _RING
        self._tuples = 0

    def thing(self, kind: str, module: str, name: str, parts: tuple[int, ...] = ()) -> int:
        """Return the value of a thing; once there are many, what they were made of is no longer told apart."""
        thing = Thing(kind, module, name, parts if len(self._things) < MOST_THINGS // 2 else ())
        number = self._numbers.get(thing)
        if number is None:
            if len(self._things) >= MOST_THINGS:
                raise OutOfRoom
            number = self._numbers[thing] = len(self._things)
            self._things.append(thing)
        return number << 3 | THING

    def thing_of(self, value: int) -> Thing | None:
        """Return the thing a value stands for, if it does."""
        return self._things[value >> 3] if value & 7 == THING else None

    def bundle(self, items: list[int]) -> int:
        """Return the value of a tuple; one without anything of interest is plain data."""
        if len(items) > 64 or not any(items):
            return DATA
        self._ring[self._tuples % _RING] = tuple(items)
        self._tuples += 1
        return (self._tuples - 1) << 3 | TUPLE

    def pair(self, value: int) -> int:
        """Return the value of a tuple that holds one thing twice."""
        self._ring[self._tuples % _RING] = (value, value)
        self._tuples += 1
        return (self._tuples - 1) << 3 | TUPLE

    def tuple_of(self, value: int) -> tuple[int, ...]:
        """Return a tuple's items, where they are still known."""
        number = value >> 3
        known = value & 7 == TUPLE and self._tuples - number <= _RING
        return self._ring[number % _RING] if known else ()

    def given(self, value: int) -> tuple[int, ...] | None:
        """Return the arguments that a value stands for; nothing where they are not known (no arguments are known)."""
        if value == DATA:
            return ()
        return self.tuple_of(value) or None
