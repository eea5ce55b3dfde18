"""The states of a System and the ways between them."""

from typing import Literal

from jingwei.core.errors import Conflict
from jingwei.core.store.tables import SystemRow
from jingwei.core.text import text

Status = Literal["draft", "assessed", "approved", "live", "suspended", "retired"]

TRANSITIONS: dict[str, frozenset[str]] = {
    "draft": frozenset({"assessed", "retired"}),
    "assessed": frozenset({"approved", "retired"}),
    "approved": frozenset({"assessed", "live", "retired"}),
    "live": frozenset({"suspended", "retired"}),
    "suspended": frozenset({"assessed", "approved", "retired"}),
    "retired": frozenset(),
}


def move(row: SystemRow, to: Status) -> None:
    """Bring a System to a state; staying where it is, is fine.

    Raises:
        Conflict: there is no way from its present state to that one.
    """
    if row.status == to:
        return
    if to not in TRANSITIONS[row.status]:
        raise Conflict("manage:no-way", field="status", present=text(f"manage:status-{row.status}"),
                       wanted=text(f"manage:status-{to}"))  # fmt: skip
    row.status = to


def demand_not_retired(row: SystemRow) -> None:
    """Refuse to change what is retired.

    Raises:
        Conflict: it is.
    """
    if row.status == "retired":
        raise Conflict("manage:system-retired", field="system", name=row.name)
