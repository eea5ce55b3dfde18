"""Principals: by what name an agent's calls are known, to policies, in events and to whoever approves them."""

from jingwei.core.snapshot import Served

RUN_PREFIX = "run:"
"""A principal `run:<id>` is a check run; every other is a System's key."""
_KEY_PREFIX = "key:"


def principal_of_run(run_id: str) -> str:
    """Return the principal of a check run."""
    return RUN_PREFIX + run_id


def principal_of_key(served: Served, hashed: str) -> tuple[str, str]:
    """Return the principal and the tenant of a System's key.

    A key that has no name, or one that reads like another kind of principal, goes by the head of its hash.
    """
    known = next((each for each in served.keys if each.hash == hashed), None)
    name = known.name if known is not None else ""
    if not name or name.startswith((RUN_PREFIX, _KEY_PREFIX)):
        name = _KEY_PREFIX + hashed[:16]
    return name[:120], known.tenant if known is not None else ""


def may_be_key(principal: str, *, name: str, hashed: str) -> bool:
    """Tell whether a principal can be a key of this name and hash; what another key is called makes no difference."""
    if principal.startswith(_KEY_PREFIX):
        return hashed.startswith(principal.removeprefix(_KEY_PREFIX)[:16])
    return name[:120] == principal
