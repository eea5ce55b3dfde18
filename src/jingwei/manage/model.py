"""The values that services hand out: never rows, always frozen."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from jingwei.core.finding import Finding
from jingwei.core.text import Both
from jingwei.manage.counterfactuals import Counterfactual
from jingwei.manage.decision import GradeDecision
from jingwei.manage.verdict import GateVerdict

ComponentKind = Literal["model", "dataset", "prompt", "tool", "agent", "service", "library", "vendor"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class System(_Value):
    """A governed AI system."""

    id: str
    name: str
    purpose: str
    domain: str
    owner_id: str
    registered_by: str
    status: str
    upstream_url: str
    upstream_model: str
    upstream_key_env: str
    created_at: datetime


class Component(_Value):
    """One version of something a System is made of."""

    id: str
    system_id: str
    kind: ComponentKind
    name: str
    release: str
    digest: str
    observed: bool
    locator: str
    supplier: str
    licence: str
    created_at: datetime
    retired_at: datetime | None


class ResponsibilityLink(_Value):
    """Who answers for a component, and which component that one rests on."""

    id: str
    component_id: str
    party: str
    duty: str
    contact: str
    document_sha256: str
    rests_on_id: str | None


class Made(_Value):
    """What one System is made of, and who answers for it."""

    components: tuple[Component, ...]
    links: tuple[ResponsibilityLink, ...]
    findings: tuple[Finding, ...]


class Override(_Value):
    """A change of grade by people."""

    id: str
    system_id: str
    grade: int
    reason: str
    requested_by: str
    approvers: tuple[str, ...]
    expires_at: datetime | None
    withdrawn_at: datetime | None
    created_at: datetime


class RecordedGrade(_Value):
    """A recorded grading, with what would change it."""

    id: str
    system_id: str
    at: datetime
    decision: GradeDecision
    counterfactuals: tuple[Counterfactual, ...]
    overruled: tuple[str, ...]
    """Facts whose answers a scan overruled."""
    override: Override | None


class AttachedPolicy(_Value):
    """One version of a System's policy in its history."""

    id: str
    system_id: str
    digest: str
    attached_by: str
    attached_at: datetime
    retired_at: datetime | None
    grade: int


class Vote(_Value):
    """One person's signature on a release request."""

    id: str
    account_id: str
    role: str
    approves: bool
    comment: str
    evidence_digest: str
    at: datetime


class ReleaseRequest(_Value):
    """A request to release, with the votes so far."""

    id: str
    system_id: str
    requested_by: str
    requested_at: datetime
    status: Literal["open", "released", "rejected", "withdrawn", "lapsed"]
    """`lapsed` also where the row still says open but what was asked has changed."""
    grade: int
    configuration_digest: str
    policy_digest: str
    evidence_digest: str
    verdict: GateVerdict
    votes: tuple[Vote, ...]
    roles_wanted: tuple[str, ...]
    """Roles of the lane that have not approved yet."""
    still_needed: int
    """How many more approvals release it."""
    closed_at: datetime | None


class TokenRecord(_Value):
    """A token as issued."""

    id: str
    kind: Literal["release", "assessment"]
    system_id: str
    request_id: str | None
    run_id: str | None
    written: str
    """`<payload>.<key id>.<signature>`."""
    policy_digest: str
    configuration_digest: str
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    revoked_by: str
    reason: str


class Reassessment(_Value):
    """A live System that must be looked at again, and why."""

    system_id: str
    name: str
    code: Literal["evidence", "blocker", "rules-changed", "configuration-changed", "override-ended", "release-ends"]
    says: Both
