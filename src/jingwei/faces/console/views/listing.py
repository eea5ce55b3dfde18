"""A long list, one page of it: rows, how they are sorted, and where one stands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

R = TypeVar("R")
PAGE_SIZE = 25
MOST_PAGES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What the address asks of a list."""

    q: str = ""
    sort: str = ""
    """Column, with `-` in front for descending."""
    page: int = 1
    filters: dict[str, str] = field(default_factory=dict)

    def filter(self, name: str) -> str:
        """Return one filter's value, empty where none is set."""
        return self.filters.get(name, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[R]):
    """One page of a list."""

    rows: tuple[R, ...]
    total: int
    query: Query

    @property
    def pages(self) -> int:
        """Return how many pages there are; an empty list has one."""
        return max(1, -(-self.total // PAGE_SIZE))

    @property
    def first(self) -> int:
        """Return the number of the first row shown, counted from one."""
        return min((self.query.page - 1) * PAGE_SIZE + 1, self.total)

    @property
    def last(self) -> int:
        """Return the number of the last row shown."""
        return min(self.first + len(self.rows) - 1, self.total) if self.rows else 0


def listed(rows: Sequence[R], query: Query, *, order: dict[str, Callable[[R], object]]) -> Listing[R]:
    """Sort rows that are already filtered, and cut out the page asked for.

    Args:
        rows: every row.
        query: what was asked; an unknown column leaves the order as it is.
        order: what each column sorts by.
    """
    key = order.get(query.sort.removeprefix("-"))
    if key:
        # Any order a column gives is one that its own values have.
        rows = sorted(rows, key=key, reverse=query.sort.startswith("-"))  # type: ignore[arg-type]
    pages = max(1, -(-len(rows) // PAGE_SIZE))
    page = min(max(query.page, 1), pages)
    start = (page - 1) * PAGE_SIZE
    shown = Query(q=query.q, sort=query.sort, page=page, filters=query.filters)
    return Listing(rows=tuple(rows[start : start + PAGE_SIZE]), total=len(rows), query=shown)
