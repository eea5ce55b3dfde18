"""What Systems are made of: versioned components, and who answers for each."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from jingwei.core.errors import InputError, NotFound
from jingwei.core.identity import Actor
from jingwei.core.ids import new_id
from jingwei.core.store.tables import ComponentRow, ResponsibilityRow
from jingwei.manage import rows
from jingwei.manage.desk import Desk
from jingwei.manage.lifecycle import demand_not_retired
from jingwei.manage.model import Component, ComponentKind, Made, ResponsibilityLink
from jingwei.manage.responsibility import responsibility_findings
from jingwei.manage.rights import demand_over


class Parts:
    """Adds, renews and retires components, and names who answers for them."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session = desk.session

    def add(self, system_id: str, kind: ComponentKind, name: str, *, digest: str, actor: Actor,
                      release: str = "", observed: bool = False, locator: str = "", supplier: str = "",
                      licence: str = "") -> Component:  # fmt: skip
        """Add a component, or a new version of one: the version before is retired, its responsibility link kept on."""
        row = rows.system_row(self.session, system_id)
        demand_over(actor, "system.edit", row)
        demand_not_retired(row)
        before = self._live_version(system_id, kind, name)
        described = {"digest": digest, "release": release, "observed": observed, "locator": locator,
                     "supplier": supplier, "licence": licence}  # fmt: skip
        if before is not None and all(getattr(before, column) == value for column, value in described.items()):
            return rows.component(before)
        now = self.desk.clock()
        after = ComponentRow(id=new_id("cmp"), created_at=now, system_id=system_id, kind=kind, name=name, **described)
        self.session.add(after)
        self.session.flush()
        if before is not None:
            self._succeed(before, after, now=now)
        return rows.component(after)

    def retire(self, component_id: str, *, actor: Actor) -> Component:
        """Take a component out of use."""
        row = self.session.get(ComponentRow, component_id)
        if row is None:
            raise NotFound("manage:component-unknown", field="component", component=component_id)
        demand_over(actor, "system.edit", rows.system_row(self.session, row.system_id))
        row.retired_at = row.retired_at or self.desk.clock()
        self.session.flush()
        return rows.component(row)

    def answer_for(self, component_id: str, party: str, *, actor: Actor, duty: str = "", contact: str = "",
                   document_sha256: str = "", rests_on_id: str | None = None) -> ResponsibilityLink:  # fmt: skip
        """Name who answers for a component and what that one rests on; the link named last counts.

        Raises:
            InputError: it would rest on a component of another System.
        """
        row = self.session.get(ComponentRow, component_id)
        if row is None:
            raise NotFound("manage:component-unknown", field="component", component=component_id)
        demand_over(actor, "system.edit", rows.system_row(self.session, row.system_id))
        if not party.strip():
            raise InputError("manage:party-empty", field="party", name=row.name)
        if rests_on_id is not None:
            other = self.session.get(ComponentRow, rests_on_id)
            if other is None or other.system_id != row.system_id:
                raise InputError("manage:rests-on-other", field="rests_on", component=rests_on_id)
        values = {"party": party, "duty": duty, "contact": contact, "document_sha256": document_sha256,
                  "rests_on_id": rests_on_id}  # fmt: skip
        last = rows.newest_link(self.session, component_id)
        if last is not None and all(getattr(last, column) == value for column, value in values.items()):
            return rows.link(last)
        link = ResponsibilityRow(id=new_id("rsp"), created_at=self.desk.clock(), component_id=component_id, **values)
        self.session.add(link)
        self.session.flush()
        return rows.link(link)

    def of(self, system_id: str) -> Made:
        """Return a System's components (retired versions too), who answers for them, and what is wrong with that."""
        components, links = rows.parts(self.session, system_id)
        return Made(components=components, links=links, findings=tuple(responsibility_findings(components, links)))

    def _live_version(self, system_id: str, kind: str, name: str) -> ComponentRow | None:
        return self.session.scalar(
            select(ComponentRow)
            .where(ComponentRow.system_id == system_id, ComponentRow.kind == kind, ComponentRow.name == name,
                   ComponentRow.retired_at.is_(None))
        )  # fmt: skip

    def _succeed(self, before: ComponentRow, after: ComponentRow, *, now: datetime) -> None:
        """Retire a version; what answered for it and what rested on it go on to the new one."""
        before.retired_at = now
        old = rows.newest_link(self.session, before.id)
        resting: Sequence[ResponsibilityRow] = [
            link for link in self.session.scalars(
                select(ResponsibilityRow).where(ResponsibilityRow.rests_on_id == before.id))
            if rows.is_newest(self.session, link)
        ]  # fmt: skip
        if old is not None and before.supplier == after.supplier:
            resting = [*resting, old]
        for link in resting:
            moved = link is old
            self.session.add(ResponsibilityRow(
                id=new_id("rsp"), created_at=now, component_id=after.id if moved else link.component_id,
                party=link.party, duty=link.duty, contact=link.contact, document_sha256=link.document_sha256,
                rests_on_id=link.rests_on_id if moved else after.id,
            ))  # fmt: skip
        self.session.flush()
