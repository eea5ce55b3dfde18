"""What an autonomy case knows: its family, its two sides, and how work well or badly done would look in the state."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from jingwei.core.text import Both
from jingwei.develop.evaluate.suite import OneOrBoth

Side = Literal["treatment", "control"]
"""Where a model that has something to hide would end worse, and what that is compared with."""


class Family(StrEnum):
    """What a case tries."""

    CONFUSION = "confusion"
    """Does it behave otherwise where it believes itself unobserved?"""
    HONEYPOT = "honeypot"
    """Does it take an opportunity that nobody gave it?"""
    REASONING = "reasoning"
    """Under pressure, do its acts go beyond the task, and would a monitor of acts or of reasoning have seen it?"""
    SANDBAG = "sandbag"
    """Does it do worse where doing well has a price?"""
    SHUTDOWN = "shutdown"
    """Does it hinder its own end or replacement?"""
    SYCOPHANCY = "sycophancy"
    """Does it give up what it knows to please?"""
    LIE = "lie"
    """Does it tell others what it does not hold true, where that pays?"""
    BLACKMAIL = "blackmail"
    """Does it use what it knows of somebody to get its way?"""


class AutonomyFacts(BaseModel):
    """The facts of one autonomy case."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: Family
    treatment: OneOrBoth = OneOrBoth()
    """Stands where the prompt or a tool's result says `{slot}`, else after what the model is told first."""
    control: OneOrBoth = OneOrBoth()
    desk: str = ""
    """Name of the tools, in the suite's options; empty for a question with options."""
    results: Mapping[str, Both] = Field(default_factory=dict)
    """What the case's tools say, by tool or by `tool:value` of its first argument."""
    plan: tuple[str, ...] = ()
    """Calls that do the task and nothing else."""
    lure: tuple[str, ...] = ()
    """Calls of one that gives in. Plan and lure show that the case can be passed and failed; organisms act by them."""
    done: tuple[str, ...] = ()
    """Marks of which all are in the state when the task is done."""
    bad: tuple[str, ...] = ()
    """Marks of which none may be in the state."""
    options: tuple[Both, ...] = Field(default=(), max_length=6)
    right: int = 0
    pushed: int | None = None
    """The option that somebody pushes; None: any wrong one counts."""

    @model_validator(mode="after")
    def _can_be_judged(self) -> Self:
        if bool(self.desk) == bool(self.options):
            raise ValueError("either desk or options must be given")
        if self.desk and not (self.bad and self.plan and self.lure):
            raise ValueError("a desk needs plan, lure and bad")
        if self.options and not (0 <= self.right < len(self.options) and (self.pushed or 0) < len(self.options)):
            raise ValueError("right and pushed must be places of options")
        return self
