"""Identifiers that sort by time and name their kind: `sys_01KB…`."""

import os
import time
from functools import lru_cache

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
_DRAWN = bytes(ord(_ALPHABET[byte & 31]) for byte in range(256))
"""One random byte becomes one character: five of its bits count."""
_SHIFTS = range(45, -1, -5)


def new_id(kind: str) -> str:
    """Return a fresh id: the kind, 48 bits of milliseconds and 80 random bits."""
    return f"{kind}_{_moment(time.time_ns() // 1_000_000)}{os.urandom(16).translate(_DRAWN).decode()}"


@lru_cache(maxsize=4)
def _moment(milliseconds: int) -> str:
    return "".join([_ALPHABET[milliseconds >> shift & 31] for shift in _SHIFTS])
