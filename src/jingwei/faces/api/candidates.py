"""Candidate policies: proposed, replayed, judged in the shadow, signed by two, promoted."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.policy import Policy
from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import Confirmed, Given, OfSystem, SystemId, Text, proven
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import given, line, said
from jingwei.manage import Candidate
from jingwei.platform import PolicyChange, Proposed

router = APIRouter(tags=["candidates"], route_class=KeyedRoute, responses=refusals())

CandidateId = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", description=line("faces.api:the-candidate"))
]


class Edits(Given):
    """Fields of the policy in force with their new values; what is not named stays."""

    edits: Mapping[str, Any]  # Any: fields of a policy, whose model checks them


class NewCandidate(Edits):
    """Edits, why, and how much traffic they may cost."""

    reason: Text
    false_positive_budget: float = Field(ge=0, le=1)


class InShadow(Given):
    """Whether live traffic is judged by the candidate too."""

    on: bool


class Comparison(BaseModel):
    """A policy with some edits, beside the one in force."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: Policy
    digest: str
    present_digest: str
    weaker: tuple[str, ...]
    loosened: tuple[str, ...]
    """Parts that protect less than in the policy in force, such as `scope`."""
    changes: tuple[PolicyChange, ...]
    lapses: tuple[str, ...]
    """Ids of evidence that is valid now and would not be then."""

    @classmethod
    def of(cls, found: Proposed) -> "Comparison":
        """Show what the services found."""
        return cls(policy=found.policy, digest=found.policy.digest, present_digest=found.present.digest,
                   weaker=found.weaker, loosened=found.loosened, changes=found.changes,
                   lapses=tuple(each.id for each in found.lapses))  # fmt: skip


@router.post("/systems/{system_id}/policy/edits", **said("faces.api:preview-edits"))
def preview_edits(caller: Asking, system_id: SystemId, wanted: Annotated[Edits, given("preview-edits")]) -> Comparison:
    """Tell what editing the policy in force would come to."""
    with caller.reading() as work:
        return Comparison.of(work.trials.preview(system_id, wanted.edits))


@router.post("/systems/{system_id}/candidates", status_code=HTTPStatus.CREATED, **said("faces.api:propose-candidate"))
def propose_candidate(
    caller: Asking, system_id: SystemId, wanted: Annotated[NewCandidate, given("propose-candidate")]
) -> Candidate:
    """Propose a candidate."""
    with caller.work("policy.propose") as work:
        return work.trials.propose(system_id, wanted.edits, reason=wanted.reason, budget=wanted.false_positive_budget,
                                   actor=caller.actor)  # fmt: skip


@router.get("/candidates", **said("faces.api:list-candidates"))
def list_candidates(caller: Asking, system_id: OfSystem = None) -> list[Candidate]:
    """List candidates, newest first."""
    with caller.reading() as work:
        return work.candidates.candidates(system_id)


@router.get("/candidates/{candidate_id}", **said("faces.api:show-candidate"))
def show_candidate(caller: Asking, candidate_id: CandidateId) -> Candidate:
    """Show one candidate with its trial and signatures."""
    with caller.reading() as work:
        return work.candidates.candidate(candidate_id)


@router.get("/candidates/{candidate_id}/changes", **said("faces.api:compare-candidate"))
def compare_candidate(caller: Asking, candidate_id: CandidateId) -> Comparison:
    """Compare a candidate with the policy in force now."""
    with caller.reading() as work:
        return Comparison.of(work.trials.compare(candidate_id))


@router.post("/candidates/{candidate_id}/replay", **said("faces.api:replay-candidate"))
def replay_candidate(caller: Asking, candidate_id: CandidateId) -> Candidate:
    """Replay a candidate on recorded traffic."""
    return caller.platform.replays.start(candidate_id, actor=caller.actor)


@router.put("/candidates/{candidate_id}/shadow", **said("faces.api:shadow-candidate"))
def shadow_candidate(
    caller: Asking, candidate_id: CandidateId, wanted: Annotated[InShadow, given("shadow-candidate")]
) -> Candidate:
    """Judge live traffic by the candidate too, or stop that."""
    with caller.work("candidate.shadow") as work:
        found = work.candidates.shadow(candidate_id, on=wanted.on, actor=caller.actor)
    caller.publish()
    return found


@router.post("/candidates/{candidate_id}/sign", **said("faces.api:sign-candidate"))
def sign_candidate(
    caller: Asking, candidate_id: CandidateId, confirmed: Annotated[Confirmed, given("sign-candidate")]
) -> Candidate:
    """Say yes to a candidate with its trial, with password and code."""
    proof = proven(caller, confirmed, purpose=candidate_id)
    with caller.work("candidate.sign") as work:
        return work.candidates.sign(candidate_id, actor=caller.actor, proof=proof)


@router.post("/candidates/{candidate_id}/promote", **said("faces.api:promote-candidate"))
def promote_candidate(caller: Asking, candidate_id: CandidateId) -> Candidate:
    """Put a candidate in force."""
    with caller.work("candidate.promote") as work:
        found = work.trials.promote(candidate_id, actor=caller.actor)
    caller.publish()
    return found


@router.post("/candidates/{candidate_id}/withdraw", **said("faces.api:withdraw-candidate"))
def withdraw_candidate(caller: Asking, candidate_id: CandidateId) -> Candidate:
    """Take a candidate back."""
    with caller.work("candidate.withdraw") as work:
        found = work.candidates.withdraw(candidate_id, actor=caller.actor)
    caller.publish()
    return found
