"""Plug-ins by entry point: listed without importing, loaded one at a time."""

from importlib.metadata import entry_points

from jingwei.core.check import Check
from jingwei.core.errors import Conflict, NotFound

GROUP = "jingwei.checks"


def check_names() -> list[str]:
    """List the ids of all installed checks, importing none of them."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def load_check(name: str) -> Check:
    """Import one check and return an instance of it.

    Raises:
        NotFound: no installed distribution registers a check of that name.
        Conflict: two distributions claim the name, or what is registered under it calls itself something else.
    """
    claims = {(point.value, point.dist.name if point.dist else ""): point
              for point in entry_points(group=GROUP, name=name)}  # fmt: skip
    if len(claims) > 1:
        claimants = ", ".join(sorted(f"{value} ({owner or '?'})" for value, owner in claims))
        raise Conflict("core:check-claimed-twice", field="check", name=name, claimants=claimants)
    for point in claims.values():
        check: Check = point.load()()
        if check.id != name:
            raise Conflict("core:check-misnamed", field="check", name=name, own=check.id)
        return check
    raise NotFound("core:check-unknown", field="check", name=name, known=", ".join(check_names()))
