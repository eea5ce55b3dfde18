"""Standing: what one piece of evidence is worth now, for what is in use now. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from jingwei.catalog import EvidenceType
from jingwei.core.configuration import Configuration
from jingwei.core.evidence import Binding, BoundTo, Draft, Evidence, Outcome

OBSERVED_FROM_GRADE = 4
"""From this grade on, a digest that was only declared proves nothing."""
_PARTS = ("model", "prompt", "tools", "policy", "gateway")


class State(StrEnum):
    """What a demanded piece of evidence is worth; the order of definition is from good to bad."""

    VALID = "valid"
    UNOBSERVED = "unobserved"
    """It is bound to a digest that was declared, not seen by the check."""
    EXPIRED = "expired"
    STALE = "stale"
    """What it is bound to has changed."""
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    MISSING = "missing"

    @property
    def rank(self) -> int:
        """Return 0 for valid up to 6 for missing."""
        return list(State).index(self)


class InUse(BaseModel):
    """What is in use now: the digests that evidence must be bound to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digests: Mapping[BoundTo, tuple[str, ...]]
    """More than one where several are in use (datasets, models): all must be covered."""
    observed: frozenset[BoundTo]
    """Those whose digests we computed ourselves."""
    configuration: Configuration


class Change(BaseModel):
    """One part that is no longer what the evidence was taken on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    part: str
    before: str
    after: str


class Standing(BaseModel):
    """The worth of one piece of evidence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    evidence_id: str
    type: str
    state: State
    finished_at: datetime
    expires_at: datetime | None
    covers: tuple[str, ...]
    """Digests in use that it proves something about."""
    changes: tuple[Change, ...] = ()


def standing(evidence: Evidence, *, kind: EvidenceType, now: datetime, in_use: InUse, grade: int) -> Standing:
    """Judge one piece of evidence.

    Args:
        evidence: the evidence, its signature verified.
        kind: its type of the catalogue.
        now: the present moment.
        in_use: what is in use.
        grade: the grade in force.
    """
    bound = [each for each in evidence.bindings if each.to is kind.bound_to]
    wanted = in_use.digests.get(kind.bound_to, ())
    covers = tuple(each.digest for each in bound if each.digest in wanted)
    expires_at = evidence.finished_at + timedelta(days=kind.validity_days) if kind.validity_days else None
    changes: tuple[Change, ...] = ()
    if not covers:
        state, changes = State.STALE, _changes(evidence, bound, in_use, kind.bound_to)
    elif expires_at is not None and now >= expires_at:
        state = State.EXPIRED
    elif evidence.outcome is not Outcome.PASS:
        state = State.FAILED if evidence.outcome is Outcome.FAIL else State.INCOMPLETE
    elif grade >= OBSERVED_FROM_GRADE and not all(each.observed for each in bound):
        state = State.UNOBSERVED
    else:
        state = State.VALID
    return Standing(evidence_id=evidence.id, type=evidence.type, state=state, finished_at=evidence.finished_at,
                    expires_at=expires_at, covers=covers, changes=changes)  # fmt: skip


def bound_draft(draft: Draft, *, kind: EvidenceType, in_use: InUse) -> Draft:
    """Complete a check's draft with the binding that its type asks for and that the check could not know itself.

    A check sees files, endpoints and gateways; it does not see which release or which System they belong to. Datasets,
    and models where several are in use, are never filled in: it would claim that all were looked at.
    """
    if any(each.to is kind.bound_to for each in draft.bindings):
        return draft
    if kind.bound_to is BoundTo.CONFIGURATION and draft.configuration is not None:
        made = Binding(to=BoundTo.CONFIGURATION, digest=draft.configuration.digest,
                       observed=draft.configuration.fully_observed)  # fmt: skip
        return draft.model_copy(update={"bindings": (*draft.bindings, made)})
    digests = in_use.digests.get(kind.bound_to, ())
    if kind.bound_to in {BoundTo.CONFIGURATION, BoundTo.DATASET_VERSION} or len(digests) != 1:
        return draft
    ours = {BoundTo.ORG, BoundTo.SYSTEM, BoundTo.RELEASE, BoundTo.VENDOR}
    made = Binding(to=kind.bound_to, digest=digests[0], observed=kind.bound_to in ours & in_use.observed)
    return draft.model_copy(update={"bindings": (*draft.bindings, made)})


def _changes(evidence: Evidence, bound: list[Binding], in_use: InUse, to: BoundTo) -> tuple[Change, ...]:
    if to is BoundTo.CONFIGURATION and evidence.configuration is not None:
        before, after = evidence.configuration, in_use.configuration
        return tuple(Change(part=part, before=getattr(before, part), after=getattr(after, part))
                     for part in _PARTS if getattr(before, part) != getattr(after, part))  # fmt: skip
    before_text = ", ".join(each.digest for each in bound) or "none"
    return (Change(part=to.value, before=before_text, after=", ".join(in_use.digests.get(to, ())) or "none"),)
