"""Plug-ins by entry point: listed without importing, loaded one at a time."""

from importlib.metadata import entry_points

from jingwei.core.check import Check
from jingwei.core.errors import NotFound

GROUP = "jingwei.checks"


def check_names() -> list[str]:
    """List the ids of all installed checks, importing none of them."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def load_check(name: str) -> Check:
    """Import one check and return an instance of it.

    Raises:
        NotFound: no installed distribution registers a check of that name.
    """
    for point in entry_points(group=GROUP, name=name):
        check: Check = point.load()()
        return check
    raise NotFound("core:check-unknown", field="check", name=name, known=", ".join(check_names()))
