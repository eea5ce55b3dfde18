"""Identifiers that sort by time and name their kind: `sys_01KB…`."""

import os
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U


def new_id(kind: str) -> str:
    """Return a fresh id: the kind, 48 bits of milliseconds and 80 random bits."""
    number = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10))
    return kind + "_" + "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
