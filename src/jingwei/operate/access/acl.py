"""Who may see what: a list of people and groups with a least level, on a document and, narrower, on a paragraph.

A paragraph is seen by whoever both lists let: a paragraph's list can only narrow its document's. Whoever is named
nowhere sees nothing, and a denial wins over everything.

Source: Blue Book 四(四) 访问控制 (need to know, isolation between users of one knowledge base).
"""

from pydantic import BaseModel, ConfigDict, Field

EVERYONE = "*"
"""The group that every asker is in."""
Name = str


class Asker(BaseModel):
    """Somebody who asks: a person, and for an agent the person it acts for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, max_length=200)
    groups: frozenset[str] = frozenset()
    level: int = Field(default=0, ge=0, le=9)
    """Clearance; nothing above it is shown."""


class Acl(BaseModel):
    """Whom a document or a paragraph is for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    people: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    level: int = Field(default=0, ge=0, le=9)
    """The least clearance."""
    denied: frozenset[str] = frozenset()
    """People and groups who may not, whatever else lets them."""

    def lets(self, asker: Asker) -> bool:
        """Tell whether the asker may see what this list guards."""
        own = asker.groups | {EVERYONE}
        if asker.level < self.level or asker.id in self.denied or own & self.denied:
            return False
        return asker.id in self.people or bool(own & self.groups)

    @property
    def open_to_all(self) -> bool:
        """Tell whether everybody may see it."""
        return EVERYONE in self.groups and self.level == 0 and not self.denied
