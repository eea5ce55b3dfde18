"""Reassessment: which live Systems must be looked at again, and why."""

from collections.abc import Iterator
from datetime import timedelta

from jingwei.core.errors import JingweiError
from jingwei.core.text import text
from jingwei.manage import rows
from jingwei.manage.desk import Desk
from jingwei.manage.dossier import Dossier, dossier
from jingwei.manage.model import Reassessment, System
from jingwei.manage.registry import Registry
from jingwei.manage.tokens import Tokens

NOTICE = timedelta(days=14)
"""How long before its end a release is called due."""


class Reassess:
    """Finds what is due."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def due(self) -> list[Reassessment]:
        """List the reasons to look at live Systems again, System by System."""
        return [each for system in Registry(self.desk).systems(status="live") for each in self.due_for(system)]

    def due_for(self, system: System) -> list[Reassessment]:
        """List the reasons for one System."""
        try:
            found = dossier(self.desk, system.id)
        except JingweiError as error:
            return [Reassessment(system_id=system.id, name=system.name, code="blocker", says=error.message)]
        return [*self._verdict(system, found), *self._release(system, found)]

    def _verdict(self, system: System, found: Dossier) -> Iterator[Reassessment]:
        for item in found.verdict.open_items:
            says = text("manage:due-evidence", title=item.title, state=text(f"manage:state-{item.state.value}"))
            yield Reassessment(system_id=system.id, name=system.name, code="evidence", says=says)
        graded = found.circumstances.graded_rules
        for blocker in found.verdict.blockers:
            rules = blocker.code == "not-graded" and graded != found.decided.decision.rules_digest
            says = text("manage:due-rules") if rules else blocker.says
            yield Reassessment(system_id=system.id, name=system.name, code="rules-changed" if rules else "blocker",
                               says=says)  # fmt: skip
        recorded = rows.newest_grade(self.desk.session, system.id)
        if recorded is not None and recorded.override_id is not None and found.decided.override is None:
            yield Reassessment(system_id=system.id, name=system.name, code="override-ended",
                               says=text("manage:due-override", grade=found.decided.decision.grade))  # fmt: skip

    def _release(self, system: System, found: Dossier) -> Iterator[Reassessment]:
        now = self.desk.clock()
        live = [each for each in Tokens(self.desk).tokens(system.id)
                if each.kind == "release" and each.revoked_at is None]  # fmt: skip
        present = found.in_use.configuration.digest
        if live and live[0].configuration_digest != present:
            yield Reassessment(system_id=system.id, name=system.name, code="configuration-changed",
                               says=text("manage:due-configuration"))  # fmt: skip
        if live and live[0].expires_at - now <= NOTICE:
            days = max(0, (live[0].expires_at - now).days)
            yield Reassessment(system_id=system.id, name=system.name, code="release-ends",
                               says=text("manage:due-release", days=days))  # fmt: skip
