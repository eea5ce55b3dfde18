"""Accepted finds as what they are to a System: open risks, which its gate looks at until somebody mended them."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from jingwei.core.finding import Finding, Location, Severity
from jingwei.core.store.tables import CampaignFindRow
from jingwei.core.text import text
from jingwei.detect.topics import classes
from jingwei.manage.shelf import shelf

RULE = "campaign.find"
_OWN = "tc260:"


def open_risks(session: Session, system_id: str) -> Iterator[Finding]:
    """Return the accepted finds of a System that nobody has mended."""
    kept = shelf(session)
    row = CampaignFindRow
    found = kept.risks.get(system_id, ()) if kept is not None else session.scalars(
        select(row).where(row.system_id == system_id, row.state == "accepted").order_by(row.created_at, row.id)
    )  # fmt: skip
    for each in found:
        named = classes().get(f"keyword.{each.category.removeprefix(_OWN)}") if each.category.startswith(_OWN) else None
        what = named or each.category
        yield Finding(
            rule_id=RULE, severity=Severity(each.severity), title=text("manage:risk-title", what=what),
            detail=text("manage:risk-detail", find=each.id, campaign=each.campaign_id, what=what),
            remedy=text("manage:risk-remedy", find=each.id), location=Location(path=each.id),
        )  # fmt: skip
