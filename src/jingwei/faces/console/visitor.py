"""Who looks at a page."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """A signed-in person, or nobody yet."""

    account_id: str = ""
    name: str = ""
    roles: frozenset[str] = frozenset()
    """Role names held in any domain; what a page offers, never what a service allows."""
    csrf: str = ""
    """Secret that every form of this visitor's session carries."""

    @property
    def known(self) -> bool:
        """Tell whether somebody is signed in."""
        return bool(self.account_id)
