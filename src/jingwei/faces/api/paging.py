"""Lists that grow are read page by page."""

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, ConfigDict

from jingwei.faces.api.words import line

Item = TypeVar("Item")
Offset = Annotated[int, Query(ge=0, le=100_000, description=line("faces.api:offset"))]
Limit = Annotated[int, Query(ge=1, le=200, description=line("faces.api:limit"))]
PAGE = 100


class Page(BaseModel, Generic[Item]):
    """Some items of a list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    items: tuple[Item, ...]
    next_offset: int | None
    """Where the next page begins; none on the last."""


def page(items: Sequence[Item], *, offset: int, limit: int) -> Page[Item]:
    """Cut a page out of a list."""
    end = offset + limit
    return Page(items=tuple(items[offset:end]), next_offset=end if len(items) > end else None)
