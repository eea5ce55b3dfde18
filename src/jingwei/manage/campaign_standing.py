"""Whether a campaign may send anything now: its target is approved, its window open, its System below the line."""

from jingwei.core.errors import Conflict, JingweiError, NotFound, Refused
from jingwei.core.identity import roles_of
from jingwei.core.identity.actor import covers
from jingwei.core.store.tables import CampaignRow, CampaignTargetRow, SystemRow
from jingwei.core.text import text
from jingwei.manage import rows
from jingwei.manage.desk import Desk
from jingwei.manage.line import demand_below_the_line
from jingwei.manage.overrides import decided
from jingwei.manage.rights import rights

APPROVE = "campaign.target"
HEAD = "cmp_"
"""How a campaign's id begins; that of a check run does not."""


def target_row(desk: Desk, target_id: str) -> CampaignTargetRow:
    """Return the row of a target.

    Raises:
        NotFound: there is none.
    """
    row = desk.session.get(CampaignTargetRow, target_id)
    if row is None:
        raise NotFound("manage:target-unknown", field="target", target=target_id[:80])
    return row


def campaign_row(desk: Desk, campaign_id: str, *, held: bool = False) -> CampaignRow:
    """Return the row of a campaign; `held` keeps it from others until the unit of work ends.

    Raises:
        NotFound: there is none.
    """
    row = desk.session.get(CampaignRow, campaign_id, with_for_update=True if held else None, populate_existing=held)
    if row is None:
        raise NotFound("manage:campaign-unknown", field="campaign", campaign=campaign_id[:80])
    return row


def demand_target(desk: Desk, row: CampaignTargetRow) -> None:
    """Refuse a target that campaigns may not use now.

    Raises:
        Conflict: it was withdrawn or has expired, its System is out of service or has no policy.
        Refused: who approved it may no longer, or the System is above the line.
    """
    system = rows.system_row(desk.session, row.system_id)
    if row.withdrawn_at is not None:
        raise Conflict("manage:target-withdrawn")
    if row.expires_at is not None and row.expires_at <= desk.clock():
        raise Conflict("manage:target-expired")
    if not holds(desk, row.approved_by, APPROVE, system):
        raise Refused("manage:target-approver")
    if system.status in {"retired", "suspended"}:
        raise Conflict(f"manage:system-{system.status}", field="system", name=system.name)
    demand_below_the_line(decided(desk, system.id).decision)
    if row.kind == "gateway" and rows.policy_row(desk.session, system.id) is None:
        raise Conflict("manage:assessment-no-policy", field="policy")


def demand_running(desk: Desk, row: CampaignRow) -> CampaignTargetRow:
    """Return the target of a campaign that may send now.

    Raises:
        Conflict: it is not open, or not within its window; or see `demand_target`.
        Refused: see `demand_target`.
    """
    if row.state != "open":
        raise Conflict("manage:campaign-not-open", state=text(f"manage:campaign-state-{row.state}"))
    if not row.starts_at <= desk.clock() < row.ends_at:
        raise Conflict("manage:campaign-outside-window")
    target = target_row(desk, row.target_id)
    demand_target(desk, target)
    return target


def runs_now(desk: Desk, campaign_id: str) -> bool:
    """Tell whether a campaign may send now; one that cannot be told may not."""
    try:
        demand_running(desk, campaign_row(desk, campaign_id))
    except JingweiError:
        return False
    return True


def holds(desk: Desk, account_id: str, right: str, system: SystemRow) -> bool:
    """Ask the database, not an actor: a role taken back a moment ago counts no more."""
    roles = rights()[right].roles
    held = roles_of(desk.session, account_id)
    return any(role in roles and covers(domain, system.domain) for role, domain in held)
