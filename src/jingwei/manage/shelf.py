"""The shelf: what every System's verdict is made of, read at once, for pages that look at all Systems.

A page that judges two hundred Systems one by one would ask the database two thousand times. On a shelf each table is
read once, and `rows` and `dossier` look there first. A shelf belongs to one reading session, whose view of the data
never changes; units of work that write have none.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, cast, select
from sqlalchemy.orm import Session

from jingwei.core.store.tables import (
    CampaignFindRow,
    ComponentRow,
    EvidenceRow,
    FactRow,
    GradeRow,
    OverrideRow,
    PolicyRow,
    ResponsibilityRow,
    SystemRow,
)

if TYPE_CHECKING:
    from jingwei.manage.dossier import Dossier
    from jingwei.manage.overrides import Decided
    from jingwei.manage.standing import InUse

_KEY = "jingwei-shelf"
Grouped = Mapping[str | None, list[Any]]  # Any: rows of whole tables, read without their identity


@dataclass
class Shelf:
    """Rows by System, each table read when it is first asked for, in the order that its reader in `rows` asks for."""

    session: Session
    dossiers: "dict[str, Dossier]" = field(default_factory=dict)
    """Those already put together: on one view of the data, at one moment, a System has one; so below."""
    used: "dict[str, InUse]" = field(default_factory=dict)
    decided: "dict[str, Decided]" = field(default_factory=dict)

    @cached_property
    def systems(self) -> Mapping[str, SystemRow]:
        """Every System by its id."""
        return {row.id: row for row in self.session.scalars(select(SystemRow))}

    @cached_property
    def facts(self) -> Grouped:
        """Facts that count now, oldest first."""
        row = FactRow
        columns = (row.system_id, row.name, row.value, row.source, row.evidence_id)
        return self._read(select(*columns).where(row.superseded_at.is_(None)).order_by(row.created_at, row.id))

    @cached_property
    def components(self) -> Grouped:
        """Components, oldest first."""
        table = ComponentRow.__table__
        return self._read(select(table).order_by(table.c.created_at, table.c.id))

    @cached_property
    def links(self) -> Grouped:
        """Responsibility links, oldest first."""
        table, of = ResponsibilityRow.__table__, ComponentRow.__table__
        query = select(table, of.c.system_id).join(of, of.c.id == table.c.component_id)
        return self._read(query.order_by(table.c.created_at, table.c.id))

    @cached_property
    def policies(self) -> Grouped:
        """Policies in force."""
        table = PolicyRow.__table__
        return self._read(select(table).where(table.c.retired_at.is_(None)))

    @cached_property
    def overrides(self) -> Grouped:
        """Overrides, newest first."""
        table = OverrideRow.__table__
        return self._read(select(table).order_by(table.c.created_at.desc(), table.c.id.desc()))

    @cached_property
    def grades(self) -> Grouped:
        """Recorded gradings, newest first."""
        table = GradeRow.__table__
        return self._read(select(table).order_by(table.c.created_at.desc(), table.c.id.desc()))

    @cached_property
    def evidence(self) -> Grouped:
        """Ids and bodies of evidence as stored, newest first; those of the organisation lie under None."""
        row = EvidenceRow
        query = select(row.system_id, row.id, cast(row.body, Text).label("body"))
        return self._read(query.order_by(row.finished_at.desc(), row.id))

    @cached_property
    def risks(self) -> Grouped:
        """Accepted finds of campaigns that nobody has mended, oldest first."""
        table = CampaignFindRow.__table__
        return self._read(select(table).where(table.c.state == "accepted").order_by(table.c.created_at, table.c.id))

    def _read(self, query: Any) -> Grouped:  # Any: selects of different shapes
        found: defaultdict[str | None, list[Any]] = defaultdict(list)
        for row in self.session.execute(query):
            found[row.system_id].append(row)
        return dict(found)


def shelve(session: Session) -> None:
    """Give a reading session a shelf, unless it has one; a session that writes gets none."""
    if session.connection().get_execution_options().get("jingwei_reading"):
        session.info.setdefault(_KEY, Shelf(session))


def shelf(session: Session) -> Shelf | None:
    """Return the session's shelf, where it has one."""
    found: Shelf | None = session.info.get(_KEY)
    return found
