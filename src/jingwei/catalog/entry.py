"""What every entry of the catalogue has: a stable id and a title in both languages."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from jingwei.core.text import Both

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$")]
"""Readable and never reused."""
CheckId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
"""The name under which a check registers."""
FactId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Condition = Annotated[str, StringConstraints(min_length=1)]
"""The source of a rule, see `jingwei.core.rules`."""


class Value(BaseModel):
    """A frozen value that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Entry(Value):
    """One numbered thing of the catalogue."""

    id: Id
    title: Both


class Requirement(Entry):
    """An entry that evidence can satisfy."""

    evidence: tuple[Id, ...] = ()
    """Ids of the evidence types that show it."""
