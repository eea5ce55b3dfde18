"""Every table of the state database, in one place.

`governed` tables are what the ledger answers for: each insert, update and delete of such a row writes its ledger entry
in the same transaction (see `unit.py`). A column marked `personal` holds a person's data or a secret: it is left out of
the row's digest, so that it can be erased without breaking the ledger, and never enters an entry.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

PERSONAL: dict[str, Any] = {"personal": True}  # Any: SQLAlchemy's own type of a column's info

Number = BigInteger().with_variant(Integer(), "sqlite")
"""A count that may pass two billion; SQLite's INTEGER has 64 bits already."""


class Moment(TypeDecorator[datetime]):
    """An aware UTC time; SQLite would otherwise give it back naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Refuse a naive time on the way in."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Mark it UTC on the way out."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The parent of all rows."""

    metadata = MetaData(naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s", "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s", "pk": "pk_%(table_name)s",
    })  # fmt: skip
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: Moment, dict[str, Any]: JSON, list[str]: JSON}
    governed: ClassVar[bool] = False


class Governed(Base):
    """A row the ledger answers for; `version` counts its changes."""

    __abstract__ = True
    governed = True

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    """Set and counted up by the unit of work; a change made on a version that has passed is refused."""
    created_at: Mapped[datetime]

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:  # Any: SQLAlchemy's own type of mapper arguments
        """Let SQLAlchemy count the version and refuse a lost update."""
        return {"version_id_col": cls.__table__.c.version}


# people ------------------------------------------------------------------------------------------------------------


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


# systems -----------------------------------------------------------------------------------------------------------


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


# proof -------------------------------------------------------------------------------------------------------------


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


# policy, gate, release ---------------------------------------------------------------------------------------------


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


# guard -------------------------------------------------------------------------------------------------------------


class KeyTermsRow(Governed):
    """What a System's API key may use, where that differs from the policy; the newest of a key counts."""

    __tablename__ = "key_terms"
    key_id: Mapped[str] = mapped_column(ForeignKey("api_key.id"), index=True)
    tenant: Mapped[str] = mapped_column(String(80), default="")
    limits: Mapped[dict[str, Any]]
    """`core.policy.Limits`."""


class LexiconChangeRow(Governed):
    """One change of a live lexicon: words added or removed, by whom, from where, and why."""

    __tablename__ = "lexicon_change"
    __table_args__ = (Index("uq_lexicon_change_number", "lexicon", "number", unique=True),)
    lexicon: Mapped[str] = mapped_column(String(64), index=True)
    """`organisation`, or the id of a System."""
    number: Mapped[int] = mapped_column(Integer)
    """1, 2, 3 …: the version that the change made."""
    words_digest: Mapped[str] = mapped_column(String(64))
    """Blob with one line a change: `+` or `-`, word, topic."""
    added: Mapped[int] = mapped_column(Integer, default=0)
    removed: Mapped[int] = mapped_column(Integer, default=0)
    source: Mapped[str] = mapped_column(String(200), default="")
    """Where the words came from, such as a file's name."""
    reason: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[str] = mapped_column(String(64))


class ApprovalRow(Governed):
    """A tool call that waits for a person, and what the person said."""

    __tablename__ = "approval"
    system_id: Mapped[str] = mapped_column(ForeignKey("system.id"), index=True)
    host: Mapped[str] = mapped_column(String(64))
    """The host whose gateway asked."""
    principal: Mapped[str] = mapped_column(String(120))
    session: Mapped[str] = mapped_column(String(64), default="")
    server: Mapped[str] = mapped_column(String(120), default="")
    tool: Mapped[str] = mapped_column(String(120))
    effect: Mapped[str] = mapped_column(String(20))
    why: Mapped[str] = mapped_column(String(80))
    """Rule that held the call, such as `tool.needs-person`."""
    arguments_digest: Mapped[str] = mapped_column(String(64))
    arguments: Mapped[str] = mapped_column(Text, default="", info=PERSONAL)
    """As far as a person may read them: redacted, and cut at a length."""
    policy_digest: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(12), default="waiting", index=True)
    """waiting, approved, refused, used, lapsed."""
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_by: Mapped[str] = mapped_column(String(64), default="")
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="")


class WatchRow(Base):
    """A person who watches an agent, and the last sign of life. Not governed: it is a signal, not a decision."""

    __tablename__ = "watch"
    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    system_id: Mapped[str] = mapped_column(String(64), index=True)
    session: Mapped[str] = mapped_column(String(64), default="")
    account_id: Mapped[str] = mapped_column(String(64))
    seen_at: Mapped[datetime]


class CandidateRow(Governed):
    """A candidate policy: tried in the shadow and on recorded traffic before two people put it in force."""

    __tablename__ = "policy_candidate"
    system_id: Mapped[str] = mapped_column(ForeignKey("system.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    body: Mapped[dict[str, Any]]
    proposed_by: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(12), default="draft")
    """draft, shadow, promoted, withdrawn."""
    false_positive_budget: Mapped[float] = mapped_column(Float)
    """Share of traffic allowed now that it may stop at most."""
    trial: Mapped[dict[str, Any]]
    """Result of the newest replay: counts and the differences by category; empty before the first."""
    decided_at: Mapped[datetime | None]


class CandidateSignatureRow(Governed):
    """One person's yes to a candidate policy, over its digest and the trial's."""

    __tablename__ = "candidate_signature"
    __table_args__ = (Index("uq_candidate_signature_person", "candidate_id", "account_id", unique=True),)
    candidate_id: Mapped[str] = mapped_column(ForeignKey("policy_candidate.id"), index=True)
    account_id: Mapped[str] = mapped_column(String(64))
    covered_digest: Mapped[str] = mapped_column(String(64))


# ledger ------------------------------------------------------------------------------------------------------------


class EntryRow(Base):
    """One state change, written in the change's own transaction (the outbox). Triggers refuse UPDATE and DELETE."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        Index("ix_ledger_entry_subject", "table_name", "row_id", "number"),
        {"sqlite_autoincrement": True},  # a number is never used twice, even after a deletion
    )
    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    table_name: Mapped[str] = mapped_column(String(40))
    """Copied from the body for look-ups; empty for an entry that is not about a row. Verification compares them."""
    row_id: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    """Canonical JSON: at, actor_id, action, table, row_id, row_version, row_digest, changed columns, reason."""


class SealRow(Base):
    """An entry's place in the chain, inserted by the one sealer. Triggers refuse UPDATE and DELETE."""

    __tablename__ = "ledger_seal"
    sequence: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=False)
    entry_number: Mapped[int] = mapped_column(Number, unique=True)
    entry_digest: Mapped[str] = mapped_column(String(64))
    chain_digest: Mapped[str] = mapped_column(String(64))


class CheckpointRow(Base):
    """A signed Merkle root over the first `size` seals."""

    __tablename__ = "ledger_checkpoint"
    size: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=False)
    root: Mapped[str] = mapped_column(String(64))
    frontier: Mapped[list[str]]
    """Roots of the full subtrees: the next checkpoint goes on from here. Not signed; it must fold to the root."""
    chain_digest: Mapped[str] = mapped_column(String(64))
    at: Mapped[str] = mapped_column(String(32))
    key_id: Mapped[str] = mapped_column(String(16))
    signature: Mapped[str] = mapped_column(String(128))


# run-time events: a database of their own on SQLite -----------------------------------------------------------------


class EventBase(DeclarativeBase):
    """The parent of rows in the events database."""

    metadata = MetaData(naming_convention=Base.metadata.naming_convention)
    type_annotation_map: ClassVar[dict[Any, Any]] = Base.type_annotation_map


class EventRow(EventBase):
    """One run-time event, drained from a gateway's spool."""

    __tablename__ = "event"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    system_id: Mapped[str] = mapped_column(String(64), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    decision: Mapped[str] = mapped_column(String(12))
    trial: Mapped[bool] = mapped_column(Boolean, default=False)
    latency_milliseconds: Mapped[float] = mapped_column(Float, default=0.0)
    segment: Mapped[str] = mapped_column(String(120), index=True)
    """Spool segment it came in; the segment's Merkle root is a ledger entry."""
    body: Mapped[dict[str, Any]]
