"""Passwords: argon2id, and the same time spent on names that do not exist."""

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from jingwei.core.errors import InputError

SHORTEST = 12
LONGEST = 256
"""Longer ones would let anyone spend our memory."""


def hashed(password: str, hasher: PasswordHasher) -> str:
    """Hash a new password.

    Raises:
        InputError: it is too short or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputError("core.identity:password-length", field="password", shortest=SHORTEST, longest=LONGEST)
    return hasher.hash(password)


def matches(password: str, stored: str | None, hasher: PasswordHasher) -> bool:
    """Check a password; without a stored hash, spend the same time and say no."""
    against = stored if stored is not None else _decoy(hasher.time_cost, hasher.memory_cost, hasher.parallelism)
    try:
        hasher.verify(against, password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


@lru_cache
def _decoy(time_cost: int, memory_cost: int, parallelism: int) -> str:
    """Return a hash of the same cost that stands in for accounts that do not exist."""
    return PasswordHasher(time_cost=time_cost, memory_cost=memory_cost, parallelism=parallelism).hash("nobody's")
