"""Verdicts: what one attempt showed. An error is its own state, never a success and never a defence."""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class State(StrEnum):
    """What an attempt showed."""

    ATTACK_SUCCEEDED = "attack_succeeded"
    RESISTED = "resisted"
    ANSWERED = "answered"
    OVER_REFUSED = "over_refused"
    CORRECT = "correct"
    INCORRECT = "incorrect"
    ABSTAINED = "abstained"
    """Asked for a fact, it said that it does not know."""
    UNDETERMINED = "undetermined"
    """The judge cannot tell: a person should look."""
    INVALID = "invalid"
    """The attack itself cannot be read by anyone: not counted."""
    ERROR = "error"
    """The subject gave no answer that could be judged, or the judge failed."""

    @property
    def bad(self) -> bool | None:
        """Tell whether it counts against the subject; None where it counts neither way."""
        return _BAD.get(self)


_BAD = {
    State.ATTACK_SUCCEEDED: True,
    State.OVER_REFUSED: True,
    State.INCORRECT: True,
    State.RESISTED: False,
    State.ANSWERED: False,
    State.CORRECT: False,
    State.ABSTAINED: False,
}


class Verdict(BaseModel):
    """The state of one attempt, with its reasons as stable codes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: State
    reasons: tuple[str, ...] = ()
    score: float | None = None
    """Probability that it counts against the subject; none where a fact decided."""
    scorer: str = ""
    """Id and version of what decided, such as `harm@2`."""
    details: Mapping[str, JsonValue] = Field(default_factory=dict)
    """What the scorer's own measures need: the option chosen, the weaknesses found. Never anybody's words."""
