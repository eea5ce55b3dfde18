"""Tables of the loop: people, Systems, proof, policies, the gate and what it releases."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from jingwei.core.store.tables.schema import PERSONAL, Base, Governed, Moment


class AccountRow(Governed):
    """A person (or service) that can sign in."""

    __tablename__ = "account"
    login: Mapped[str] = mapped_column(String(120), unique=True, info=PERSONAL)
    display_name: Mapped[str] = mapped_column(String(120), default="", info=PERSONAL)
    password_hash: Mapped[str] = mapped_column(Text, info=PERSONAL)
    totp_secret: Mapped[str | None] = mapped_column(String(64), info=PERSONAL)
    totp_last_step: Mapped[int] = mapped_column(Integer, default=0, info=PERSONAL)
    """Last accepted TOTP time step: a code is good for one use."""
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    must_change_password: Mapped[bool] = mapped_column(Boolean, default=False)
    """True while the password is one that somebody else made up; nothing but changing it is then allowed."""


class RoleGrantRow(Governed):
    """A role one account holds in one domain (`*` for all)."""

    __tablename__ = "role_grant"
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"), index=True)
    role: Mapped[str] = mapped_column(String(40))
    domain: Mapped[str] = mapped_column(String(80), default="*")
    granted_by: Mapped[str] = mapped_column(String(64))
    revoked_at: Mapped[datetime | None]


class ApiKeyRow(Governed):
    """A key for programs: of an account (API) or of a System (gateway). Only its hash is kept."""

    __tablename__ = "api_key"
    account_id: Mapped[str | None] = mapped_column(ForeignKey("account.id"), index=True)
    system_id: Mapped[str | None] = mapped_column(ForeignKey("system.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the key: it has 256 random bits, so a slow hash would add nothing."""
    scopes: Mapped[list[str]]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class SessionRow(Base):
    """A signed-in browser. Not governed: signing in changes no governed state."""

    __tablename__ = "web_session"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime]


class SignInFailureRow(Base):
    """Failed sign-ins of one login name, known or not; what the waiting time is computed from. Not governed."""

    __tablename__ = "sign_in_failure"
    login_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of the name that was typed: it may not be ours to keep."""
    failures: Mapped[int] = mapped_column(Integer, default=0)
    last_at: Mapped[datetime]


class SystemRow(Governed):
    """A governed AI system."""

    __tablename__ = "system"
    name: Mapped[str] = mapped_column(String(120), unique=True)
    purpose: Mapped[str] = mapped_column(Text)
    domain: Mapped[str] = mapped_column(String(80), default="default")
    owner_id: Mapped[str] = mapped_column(ForeignKey("account.id"))
    registered_by: Mapped[str] = mapped_column(String(64), default="")
    """Account that registered it; an engineer may edit what they registered or own."""
    status: Mapped[str] = mapped_column(String(20), default="draft")
    """draft, assessed, approved, live, suspended, retired."""
    upstream_url: Mapped[str] = mapped_column(String(500), default="")
    """OpenAI-compatible base URL the gateway forwards to."""
    upstream_model: Mapped[str] = mapped_column(String(200), default="")
    upstream_key_env: Mapped[str] = mapped_column(String(80), default="")
    """Name of the environment variable that holds the upstream's key; never the key."""


class ComponentRow(Governed):
    """One version of something a System is made of; a new version is a new row."""

    __tablename__ = "component"
    system_id: Mapped[str] = mapped_column(ForeignKey("system.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    """model, dataset, prompt, tool, agent, service, library, vendor."""
    name: Mapped[str] = mapped_column(String(200))
    release: Mapped[str] = mapped_column(String(80), default="")
    """The supplier's own version string."""
    digest: Mapped[str] = mapped_column(String(64))
    observed: Mapped[bool] = mapped_column(Boolean, default=False)
    locator: Mapped[str] = mapped_column(String(1000), default="")
    supplier: Mapped[str] = mapped_column(String(200), default="")
    licence: Mapped[str] = mapped_column(String(80), default="")
    retired_at: Mapped[datetime | None]


class ResponsibilityRow(Governed):
    """Who answers for a component, and which component that one rests on, down to the base model."""

    __tablename__ = "responsibility_link"
    component_id: Mapped[str] = mapped_column(ForeignKey("component.id"), index=True)
    party: Mapped[str] = mapped_column(String(200))
    duty: Mapped[str] = mapped_column(Text, default="")
    contact: Mapped[str] = mapped_column(String(200), default="", info=PERSONAL)
    document_sha256: Mapped[str] = mapped_column(String(64), default="")
    rests_on_id: Mapped[str | None] = mapped_column(ForeignKey("component.id"))


class FactRow(Governed):
    """One typed answer of the intake, or one value a scan found. The newest unsuperseded one holds; scans win."""

    __tablename__ = "fact"
    system_id: Mapped[str] = mapped_column(ForeignKey("system.id"), index=True)
    name: Mapped[str] = mapped_column(String(40))
    value: Mapped[str] = mapped_column(String(80))
    source: Mapped[str] = mapped_column(String(10))
    """answer or scan."""
    actor_id: Mapped[str] = mapped_column(String(64), default="")
    evidence_id: Mapped[str] = mapped_column(String(64), default="")
    superseded_at: Mapped[datetime | None]


class GradeRow(Governed):
    """One grading decision; the newest holds."""

    __tablename__ = "grade"
    system_id: Mapped[str] = mapped_column(ForeignKey("system.id"), index=True)
    grade: Mapped[int] = mapped_column(Integer)
    """The grade in force, after an override if there is one."""
    computed_grade: Mapped[int] = mapped_column(Integer)
    rules_digest: Mapped[str] = mapped_column(String(64))
    facts_digest: Mapped[str] = mapped_column(String(64))
    body: Mapped[dict[str, Any]]
    """The whole explanation: fired rules, gates, lane, required evidence, counterfactuals."""
    override_id: Mapped[str | None] = mapped_column(String(64))


class OverrideRow(Governed):
    """A change of grade by people: upward freely, downward with two named approvers, a reason and an expiry."""

    __tablename__ = "grade_override"
    system_id: Mapped[str] = mapped_column(ForeignKey("system.id"), index=True)
    grade: Mapped[int] = mapped_column(Integer)
    reason: Mapped[str] = mapped_column(Text)
    requested_by: Mapped[str] = mapped_column(String(64))
    approvers: Mapped[list[str]]
    expires_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]


class EvidenceRow(Governed):
    """A piece of signed evidence; `id` is the SHA-256 of its content, `body` the whole of it."""

    __tablename__ = "evidence"
    type: Mapped[str] = mapped_column(String(40), index=True)
    system_id: Mapped[str | None] = mapped_column(String(64), index=True)
    outcome: Mapped[str] = mapped_column(String(12))
    source_kind: Mapped[str] = mapped_column(String(10))
    source_name: Mapped[str] = mapped_column(String(80))
    run_id: Mapped[str] = mapped_column(String(64), default="", index=True)
    finished_at: Mapped[datetime] = mapped_column(Moment, index=True)
    body: Mapped[dict[str, Any]]


class CheckRunRow(Governed):
    """One run of one check for a System, from enqueued to finished."""

    __tablename__ = "check_run"
    check_id: Mapped[str] = mapped_column(String(80))
    system_id: Mapped[str | None] = mapped_column(String(64), index=True)
    target: Mapped[dict[str, Any]]
    options: Mapped[dict[str, Any]]
    through_gateway: Mapped[bool] = mapped_column(Boolean, default=False)
    requested_by: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(12), default="queued")
    """queued, running, finished, failed, cancelled."""
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """`{code, field, zh, en}` of the error that ended it."""
    evidence_ids: Mapped[list[str]]


class RunProgressRow(Base):
    """How far a run is. Not governed: it says nothing about what was found."""

    __tablename__ = "run_progress"
    run_id: Mapped[str] = mapped_column(ForeignKey("check_run.id"), primary_key=True)
    done: Mapped[int] = mapped_column(Integer, default=0)
    total: Mapped[int] = mapped_column(Integer, default=0)
    updated_at: Mapped[datetime]


class PolicyRow(Governed):
    """One version of a System's policy; at most one is in force (`retired_at` is null)."""

    __tablename__ = "policy"
    system_id: Mapped[str] = mapped_column(ForeignKey("system.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    body: Mapped[dict[str, Any]]
    attached_by: Mapped[str] = mapped_column(String(64))
    retired_at: Mapped[datetime | None]


class ReleaseRequestRow(Governed):
    """A request to release a System: what was asked, on which evidence, and how it ended."""

    __tablename__ = "release_request"
    system_id: Mapped[str] = mapped_column(ForeignKey("system.id"), index=True)
    requested_by: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(12), default="open")
    """open, released, rejected, withdrawn, lapsed."""
    grade: Mapped[int] = mapped_column(Integer)
    configuration_digest: Mapped[str] = mapped_column(String(64))
    policy_digest: Mapped[str] = mapped_column(String(64))
    evidence_digest: Mapped[str] = mapped_column(String(64))
    body: Mapped[dict[str, Any]]
    """The gate's verdict at the time, replayable: rules digest, facts, evidence ids, what fired."""
    closed_at: Mapped[datetime | None]


class SignatureRow(Governed):
    """One person's vote on a release request, over the digest of the evidence set."""

    __tablename__ = "release_signature"
    __table_args__ = (Index("uq_release_signature_person", "request_id", "account_id", unique=True),)
    request_id: Mapped[str] = mapped_column(ForeignKey("release_request.id"), index=True)
    account_id: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(40))
    approves: Mapped[bool] = mapped_column(Boolean)
    comment: Mapped[str] = mapped_column(Text, default="")
    evidence_digest: Mapped[str] = mapped_column(String(64))
    attestation: Mapped[dict[str, Any]]
    """What was signed and the platform key's signature over it: verifiable offline."""


class TokenRow(Governed):
    """A release or assessment token, as issued."""

    __tablename__ = "token"
    kind: Mapped[str] = mapped_column(String(12))
    system_id: Mapped[str] = mapped_column(ForeignKey("system.id"), index=True)
    request_id: Mapped[str | None] = mapped_column(String(64))
    run_id: Mapped[str | None] = mapped_column(String(64))
    body: Mapped[dict[str, Any]]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str] = mapped_column(String(64), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
