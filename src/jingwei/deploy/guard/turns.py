"""Turns: what only several messages of one session together show. Whoever remembers sessions plugs in here."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from jingwei.deploy.guard.passages import Passage
from jingwei.deploy.guard.verdict import Direction
from jingwei.detect import Hit


class Turn(NamedTuple):
    """What a turn means in the light of those before it."""

    risk: float = 0.0
    """How risky the session looks now, 0 to 1; `session_risk` in a policy's conditions."""
    hits: tuple[Hit, ...] = ()
    """Hits of category `session`, in the last text of the turn."""


class Turns(Protocol):
    """The memory of sessions. It must be quick: it is asked in line."""

    def taken(self, session: str, passages: Sequence[Passage], hits: Sequence[Sequence[Hit]],
              direction: Direction) -> Turn:  # fmt: skip
        """Take the next turn of a session in, and tell what it means.

        Args:
            session: which session.
            passages: the texts of the turn.
            hits: what the detectors found in each of them.
            direction: which way they go.
        """
        ...
