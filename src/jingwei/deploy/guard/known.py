"""Texts that the rules have read and found nothing in: a chat brings its whole history with every request.

Only that a text was clean is kept, as a keyed digest in memory, for as long as the very same rules judge; never a text,
never a hit, and nothing of what models or a judge said. So a turn costs what is new in it, however long the chat.
"""

import os
from collections.abc import Sequence
from hashlib import blake2b

from jingwei.deploy.guard.passages import Passage

MOST = 16_384
"""Digests of one generation; the one before it is kept as well."""
_KEY = os.urandom(32)


class Known:
    """The digests of one set of rules."""

    def __init__(self) -> None:
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()

    def fresh(self, marks: Sequence[bytes]) -> list[int]:
        """Return which texts are not known to be clean, by their marks."""
        found = []
        for number, mark in enumerate(marks):
            if mark in self._young:
                continue
            if mark in self._old:
                self.add(mark)
                continue
            found.append(number)
        return found

    def add(self, mark: bytes) -> None:
        """Remember a text that was clean."""
        if len(self._young) >= MOST:
            self._young, self._old = set(), self._young
        self._young.add(mark)


def mark_of(passage: Passage) -> bytes:
    """Return the mark of a text in its role."""
    return blake2b(passage.text.encode("utf-8", "surrogatepass"), digest_size=16, key=_KEY,
                   person=passage.role.encode()).digest()  # fmt: skip
