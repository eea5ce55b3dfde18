"""Trying a policy before it is in force: proposed on what is in force, judged in the shadow, replayed, promoted.

Joins `manage/`, which keeps candidates and votes, and `deploy/`, which knows what a grade demands: a candidate may be
anything that is at least as strict as that. A gateway judges by the candidate beside the policy in force and enforces
only the latter; what the candidate would have decided comes back as `shadow` events.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import ValidationError

from jingwei.core.canonical import Json
from jingwei.core.errors import InputError, Refused
from jingwei.core.evidence import Evidence
from jingwei.core.identity import Actor
from jingwei.core.policy import Policy
from jingwei.deploy.guard import Enforced, weaker_points
from jingwei.manage import Candidate, Candidates, Desk, GuardEntry, Policies
from jingwei.platform.guarding import Guarding
from jingwei.platform.policy_change import PolicyChange, changes

FIXED = frozenset({"system_id", "grade"})
"""Fields of a policy that no edit changes."""


class Proposed(NamedTuple):
    """A policy with some edits, and what they mean."""

    policy: Policy
    present: Policy
    weaker: tuple[str, ...]
    """Points at which it is weaker than the grade allows, such as `pii.outbound`; with any it cannot be proposed."""
    changes: tuple[PolicyChange, ...]
    lapses: tuple[Evidence, ...]
    """Evidence that is valid now and would not be, were it in force."""

    @property
    def loosened(self) -> tuple[str, ...]:
        """Return the parts that protect less than in the policy in force, such as `scope`; who signs must see them."""
        return tuple(each.part for each in self.changes if each.loosens)


class Trials:
    """Candidate policies: from an edit to a promotion."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def preview(self, system_id: str, edits: Mapping[str, Json]) -> Proposed:
        """Tell what editing the policy in force would come to, changing nothing.

        Args:
            system_id: the System.
            edits: fields of a policy with their new values; what is not named stays.

        Raises:
            InputError: there is no policy in force, or an edit is wrong; the message names the field.
        """
        present = Policies(self.desk).in_force(system_id)
        if present is None:
            raise InputError("manage:candidate-no-policy", field="policy")
        for name in sorted(FIXED & edits.keys()):
            raise InputError("platform:edit-fixed", field=name, name=name)
        try:
            policy = Policy.model_validate({**present.model_dump(mode="json"), **edits})
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            field = ".".join(str(step) for step in first["loc"])
            raise InputError("platform:edit-wrong", field=field, where=field, why=first["msg"]) from error
        guarding = Guarding(self.desk)
        return Proposed(policy, present, self._weaker(policy), changes(present, policy), guarding.lapses(policy))

    def propose(self, system_id: str, edits: Mapping[str, Json], *, reason: str, budget: float,
                actor: Actor) -> Candidate:  # fmt: skip
        """Propose a candidate: the policy in force with some edits.

        Args:
            system_id: the System.
            edits: as for `preview`.
            reason: why.
            budget: share of the traffic that passes now which it may newly stop, at most.
            actor: who.

        Raises:
            InputError: an edit is wrong, nothing would change, or no reason is given.
            Refused: the actor may not, or the grade demands more.
        """
        proposed = self.preview(system_id, edits)
        _demand_strict(proposed.weaker)
        return Candidates(self.desk).propose(proposed.policy, reason=reason, budget=budget, actor=actor)

    def compare(self, candidate_id: str) -> Proposed:
        """Tell what a candidate comes to against the policy in force now.

        Raises:
            NotFound: there is none.
        """
        policy = Candidates(self.desk).candidate(candidate_id).policy
        present = Policies(self.desk).in_force(policy.system_id) or policy
        guarding = Guarding(self.desk)
        return Proposed(policy, present, self._weaker(policy), changes(present, policy), guarding.lapses(policy))

    def promote(self, candidate_id: str, *, actor: Actor) -> Candidate:
        """Put a candidate in force that two people signed; evidence of behaviour lapses, as with any new policy.

        Raises:
            Refused: signatures are missing, its trial does not allow it, the grade demands more by now, or the policy
                in force is another one than it was tried against.
        """
        candidates, policies = Candidates(self.desk), Policies(self.desk)
        found = candidates.candidate(candidate_id)
        if found.state in {"draft", "shadow"}:
            _demand_strict(self._weaker(found.policy))
            present = policies.in_force(found.system_id)
            if found.trial.get("state") == "finished" and present and found.trial.get("present") != present.digest:
                raise Refused("manage:candidate-moved")
        return candidates.promote(candidate_id, actor=actor)

    def _weaker(self, policy: Policy) -> tuple[str, ...]:
        demanded = Guarding(self.desk).compile(policy.system_id, guard=GuardEntry(), tools=policy.tools)
        return weaker_points(Enforced.of(policy), Enforced.of(demanded))


def _demand_strict(weaker: tuple[str, ...]) -> None:
    if weaker:
        raise Refused("manage:candidate-weaker", field="policy", points=", ".join(weaker))
