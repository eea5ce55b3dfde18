"""Actors: who is doing something, and the roles they hold while doing it."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

EVERYWHERE = "*"


class Role(StrEnum):
    """What a person may be in a domain."""

    SYSTEM_OWNER = "system_owner"
    BUSINESS = "business"
    DATA = "data"
    LEGAL = "legal"
    SECURITY = "security"
    ETHICS_COMMITTEE = "ethics_committee"
    SENIOR_EXECUTIVE = "senior_executive"
    BOARD = "board"
    ENGINEER = "engineer"
    """Registers Systems and runs checks."""
    AUDITOR = "auditor"
    """Reads everything, changes nothing."""
    ADMIN = "admin"
    """Keeps accounts and roles; signs nothing."""


NEVER_SIGNING = frozenset({Role.ENGINEER, Role.AUDITOR, Role.ADMIN})
"""Roles that no lane asks for a signature."""
SIGNING_ROLES = frozenset(Role) - NEVER_SIGNING
"""Our roles that a lane may ask for. No account holds one of these, or one of an organisation's own, beside `admin`."""


class Actor(BaseModel):
    """An account (or the platform itself) at work."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    roles: frozenset[tuple[str, str]] = frozenset()
    """Pairs of role and domain; a domain holds for those below it (`retail` for `retail/credit`), `*` for all."""
    scopes: frozenset[str] = frozenset({EVERYWHERE})
    """What the key in use allows: rights such as `system.edit`, a group of them as `system.*`, or `*`."""

    def holds(self, role: str, domain: str) -> bool:
        """Tell whether the actor holds a role in a domain."""
        return any(held == role and covers(where, domain) for held, where in self.roles)

    def within_scope(self, right: str) -> bool:
        """Tell whether the key in use allows a right."""
        return not self.scopes.isdisjoint({EVERYWHERE, right, right.partition(".")[0] + ".*"})


def covers(granted: str, domain: str) -> bool:
    """Tell whether a grant for one domain holds in another."""
    return granted in {EVERYWHERE, domain} or domain.startswith(granted + "/")


PLATFORM = Actor(id="platform")
"""Jingwei itself, where no person acts: scheduled jobs, the start of a process."""
