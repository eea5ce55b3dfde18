"""Which bytes of something were accounted for: stretches, merged as they are added, and the first hole between them."""

from bisect import bisect_left, bisect_right

MOST_RANGES = 1000
"""Stretches that a report lists; one with more claims less than was read, never more."""


class Ranges:
    """Stretches [start, end) of one source, in order, without overlaps."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def __bool__(self) -> bool:
        return bool(self._starts)

    def add(self, start: int, end: int) -> None:
        """Account for a stretch."""
        if end <= start:
            return
        first, last = bisect_left(self._ends, start), bisect_right(self._starts, end)
        if first < last:
            start, end = min(start, self._starts[first]), max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    def shifted_into(self, outer: "Ranges", by: int) -> None:
        """Account for the same stretches in what holds this source."""
        for start, end in zip(self._starts, self._ends, strict=True):
            outer.add(start + by, end + by)

    def hole(self, size: int) -> int | None:
        """Return where the first byte lies that nothing accounted for, or none."""
        if not size or (self._starts and self._starts[0] == 0 and self._ends[0] >= size):
            return None
        return self._ends[0] if self._starts and self._starts[0] == 0 else 0

    def told(self, size: int) -> tuple[tuple[int, int], ...]:
        """Return the stretches as a report lists them."""
        pairs = zip(self._starts[:MOST_RANGES], self._ends[:MOST_RANGES], strict=True)
        return tuple((start, min(end, size)) for start, end in pairs if start < size)
