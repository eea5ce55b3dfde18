"""Patches of configuration and code: for a rule, what the line it fired on becomes (`patches.yaml`)."""

import re
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from jingwei.core.package_data import package_data
from jingwei.deploy.fixing.queue import Edit

NEAR = 3
"""Lines around the finding's own that are looked at: some rules fire on a block, not on its line."""
_LONGEST = 2_000


class Patch(BaseModel):
    """What a line becomes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    find: str
    """A regular expression for the part that changes."""
    put: str
    """What is put in its place; `\\1` for a group."""


@lru_cache(maxsize=1)
def patches() -> dict[str, tuple[Patch, ...]]:
    """Return the patches by rule id."""
    given = package_data(__package__, "patches.yaml")
    return {rule: tuple(Patch.model_validate(each) for each in listed) for rule, listed in given.items()}


def patched(lines: list[str], rule: str, *, line: int | None) -> Edit | None:
    """Return the change that ends a finding, or none where no patch is known.

    Args:
        lines: of the file, without their ends.
        rule: that fired.
        line: on which it fired, from 1; none where it fired on the file as a whole.
    """
    known = patches().get(rule, ())
    around = sorted(range(1, len(lines) + 1), key=lambda number: abs(number - (line or 1)))
    for number in around[: 2 * NEAR + 1] if line else around:
        before = lines[number - 1]
        if len(before) > _LONGEST:
            continue
        for patch in known:
            after = re.sub(patch.find, patch.put, before, count=1)
            if after != before:
                return Edit(line=number, before=before, after=after)
    return None
