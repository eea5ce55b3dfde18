"""Identifiers that sort by time and name their kind: `sys_01KB…`."""

import os
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_SHIFTS = range(120, -1, -10)


def new_id(kind: str) -> str:
    """Return a fresh id: the kind, 48 bits of milliseconds and 80 random bits."""
    number = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10))
    return kind + "_" + "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])
