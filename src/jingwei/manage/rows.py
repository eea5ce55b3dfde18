"""Reads rows and turns them into values; the only place where the two meet."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from jingwei.core.errors import NotFound
from jingwei.core.policy import Policy
from jingwei.core.store.tables import (
    ComponentRow,
    FactRow,
    GradeRow,
    OverrideRow,
    PolicyRow,
    ResponsibilityRow,
    SystemRow,
    TokenRow,
)
from jingwei.manage.facts import HeldFact, Statement, held
from jingwei.manage.model import AttachedPolicy, Component, Override, ResponsibilityLink, System, TokenRecord
from jingwei.manage.shelf import shelf


def system_row(session: Session, system_id: str) -> SystemRow:
    """Return a System's row.

    Raises:
        NotFound: there is none.
    """
    kept = shelf(session)
    row = kept.systems.get(system_id) if kept is not None else session.get(SystemRow, system_id)
    if row is None:
        raise NotFound("manage:system-unknown", field="system", system=system_id)
    return row


def system(row: SystemRow) -> System:
    """Turn a row into a System."""
    return System(id=row.id, name=row.name, purpose=row.purpose, domain=row.domain, owner_id=row.owner_id,
                  registered_by=row.registered_by, status=row.status, upstream_url=row.upstream_url,
                  upstream_model=row.upstream_model, upstream_key_env=row.upstream_key_env,
                  created_at=row.created_at)  # fmt: skip


def component(row: ComponentRow) -> Component:
    """Turn a row into a Component."""
    names = [name for name in Component.model_fields if name != "kind"]
    return Component.model_validate({"kind": row.kind, **{name: getattr(row, name) for name in names}})


def link(row: ResponsibilityRow) -> ResponsibilityLink:
    """Turn a row into a ResponsibilityLink."""
    return ResponsibilityLink(id=row.id, component_id=row.component_id, party=row.party, duty=row.duty,
                              contact=row.contact, document_sha256=row.document_sha256,
                              rests_on_id=row.rests_on_id)  # fmt: skip


def parts(session: Session, system_id: str) -> tuple[tuple[Component, ...], tuple[ResponsibilityLink, ...]]:
    """Return all components of a System and, for each, the link named last."""
    kept = shelf(session)
    if kept is not None:
        newest = {row.component_id: row for row in kept.links.get(system_id, ())}
        made = tuple(component(row) for row in kept.components.get(system_id, ()))
        return made, tuple(link(row) for row in newest.values())
    components = session.scalars(
        select(ComponentRow)
        .where(ComponentRow.system_id == system_id)
        .order_by(ComponentRow.created_at, ComponentRow.id)
    ).all()
    links = session.scalars(
        select(ResponsibilityRow)
        .join(ComponentRow, ComponentRow.id == ResponsibilityRow.component_id)
        .where(ComponentRow.system_id == system_id)
        .order_by(ResponsibilityRow.created_at, ResponsibilityRow.id)
    )
    newest = {row.component_id: row for row in links}
    return tuple(component(row) for row in components), tuple(link(row) for row in newest.values())


def newest_link(session: Session, component_id: str) -> ResponsibilityRow | None:
    """Return the link of a component that was named last."""
    return session.scalars(
        select(ResponsibilityRow)
        .where(ResponsibilityRow.component_id == component_id)
        .order_by(ResponsibilityRow.created_at.desc(), ResponsibilityRow.id.desc())
    ).first()


def is_newest(session: Session, row: ResponsibilityRow) -> bool:
    """Tell whether a link is the one that counts for its component."""
    return newest_link(session, row.component_id) is row


def facts(session: Session, system_id: str) -> tuple[HeldFact, ...]:
    """Return the facts of a System that count now."""
    kept = shelf(session)
    found = kept.facts.get(system_id, ()) if kept is not None else session.scalars(
        select(FactRow)
        .where(FactRow.system_id == system_id, FactRow.superseded_at.is_(None))
        .order_by(FactRow.created_at, FactRow.id)
    )  # fmt: skip
    return held([
        Statement(row.name, row.value, "scan" if row.source == "scan" else "answer", row.evidence_id) for row in found
    ])  # fmt: skip


def policy_row(session: Session, system_id: str) -> PolicyRow | None:
    """Return the policy in force."""
    kept = shelf(session)
    if kept is not None:
        return next(iter(kept.policies.get(system_id, ())), None)
    return session.scalar(select(PolicyRow).where(PolicyRow.system_id == system_id, PolicyRow.retired_at.is_(None)))


def policy(row: PolicyRow) -> Policy:
    """Turn a row into the policy it holds."""
    return Policy.model_validate(row.body)


def attached(row: PolicyRow) -> AttachedPolicy:
    """Turn a row into a line of a policy's history."""
    return AttachedPolicy(id=row.id, system_id=row.system_id, digest=row.digest, attached_by=row.attached_by,
                          attached_at=row.created_at, retired_at=row.retired_at, grade=policy(row).grade)  # fmt: skip


def override(row: OverrideRow) -> Override:
    """Turn a row into an Override."""
    return Override(id=row.id, system_id=row.system_id, grade=row.grade, reason=row.reason,
                    requested_by=row.requested_by, approvers=tuple(row.approvers), expires_at=row.expires_at,
                    withdrawn_at=row.withdrawn_at, created_at=row.created_at)  # fmt: skip


def overrides(session: Session, system_id: str) -> list[OverrideRow]:
    """Return all overrides of a System, newest first."""
    kept = shelf(session)
    if kept is not None:
        return list(kept.overrides.get(system_id, ()))
    return list(session.scalars(
        select(OverrideRow).where(OverrideRow.system_id == system_id)
        .order_by(OverrideRow.created_at.desc(), OverrideRow.id.desc())
    ))  # fmt: skip


def newest_grade(session: Session, system_id: str) -> GradeRow | None:
    """Return the newest recorded grading."""
    kept = shelf(session)
    if kept is not None:
        return next(iter(kept.grades.get(system_id, ())), None)
    return session.scalars(
        select(GradeRow).where(GradeRow.system_id == system_id).order_by(GradeRow.created_at.desc(), GradeRow.id.desc())
    ).first()


def token(row: TokenRow) -> TokenRecord:
    """Turn a row into a token's record."""
    body = row.body["token"]
    return TokenRecord(id=row.id, kind="release" if row.kind == "release" else "assessment", system_id=row.system_id,
                       request_id=row.request_id, run_id=row.run_id, written=row.body["written"],
                       policy_digest=body["policy_digest"], configuration_digest=body.get("configuration_digest", ""),
                       issued_at=body["issued_at"], expires_at=row.expires_at, revoked_at=row.revoked_at,
                       revoked_by=row.revoked_by, reason=row.reason)  # fmt: skip
