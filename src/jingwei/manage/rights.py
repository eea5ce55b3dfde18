"""Rights: who may do what, as a small table in `rights.yaml`."""

from functools import lru_cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, TypeAdapter

from jingwei.catalog import read_yaml
from jingwei.core.errors import Refused
from jingwei.core.identity import Actor
from jingwei.core.store.tables import SystemRow


class Right(BaseModel):
    """The roles that have one right."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    roles: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    """Roles that have it over Systems they registered or own."""


@lru_cache
def rights() -> dict[str, Right]:
    """Return the table."""
    source = files("jingwei.manage").joinpath("rights.yaml").read_bytes()
    return TypeAdapter(dict[str, Right]).validate_python(read_yaml(source, name="rights.yaml").data)


def demand(actor: Actor, right: str, *, domain: str, owns: bool = False) -> None:
    """Refuse an actor who does not have a right in a domain.

    Args:
        actor: who wants to.
        right: a key of the table.
        domain: where.
        owns: the System is one that the actor registered or owns.

    Raises:
        Refused: names the roles that may.
    """
    demand_scope(actor, right)
    if not may(actor, right, domain=domain, owns=owns):
        entry = rights()[right]
        raise Refused("manage:not-allowed", right=right, domain=domain, roles=", ".join((*entry.roles, *entry.own)))


def demand_scope(actor: Actor, right: str) -> None:
    """Refuse a key that does not allow an act which no role of the table gives, such as signing in one's own role.

    Raises:
        Refused: the key in use is for other things.
    """
    if not actor.within_scope(right):
        raise Refused("manage:outside-scope", right=right)


def demand_over(actor: Actor, right: str, system: SystemRow) -> None:
    """Refuse an actor who does not have a right over a System."""
    demand(actor, right, domain=system.domain, owns=actor.id in {system.owner_id, system.registered_by})


def may(actor: Actor, right: str, *, domain: str, owns: bool = False) -> bool:
    """Tell whether an actor has a right; a face shows or hides a button by it."""
    entry = rights()[right]
    allowed = entry.roles + (entry.own if owns else ())
    return actor.within_scope(right) and any(actor.holds(role, domain) for role in allowed)
