"""Time: always aware, always UTC, always handed in."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the present moment; the one clock of a running process."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """Write a moment as RFC 3339 in UTC with microseconds: the one form that is hashed and signed."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
