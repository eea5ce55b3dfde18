"""Values: frozen models that work something out about themselves once and remember it."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen model with cached properties.

    pydantic copies what was remembered along with the fields, so a changed copy would show the digest of the original.
    Here a copy remembers nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Any: pydantic's own signature.
    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields changed and nothing remembered."""
        copied = super().model_copy(update=update, deep=deep)
        for name in [name for name in copied.__dict__ if isinstance(getattr(type(self), name, None), cached_property)]:
            del copied.__dict__[name]
        return copied
