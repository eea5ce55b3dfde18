"""Rules as data: what one entry of a detector's YAML file says."""

import re
from functools import lru_cache
from importlib.resources import files
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from jingwei.core.finding import Severity
from jingwei.core.text import Both


class Rule(BaseModel):
    """One rule: an id, a name in both languages, and the patterns that fire it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[a-z]+\.[a-z0-9-]+$")]
    title: Both
    severity: Severity = Severity.MEDIUM
    score: float = Field(default=0.9, gt=0, le=1)
    """How much one firing says: certainty for a pattern, weight for a sign of an attack."""
    patterns: tuple[str, ...] = ()
    check: str = ""
    """Name of the validator that a match must pass, such as `luhn`."""
    unless: tuple[str, ...] = ()
    """Patterns that, around a match, make it harmless."""
    pairs: tuple[tuple[str, str], ...] = ()
    """Names of two term groups that fire the rule when they stand close together, in this order."""


class RuleFile(BaseModel):
    """A whole file: its rules, and the term groups that patterns name in braces as `{group}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    terms: dict[str, tuple[str, ...]] = {}
    rules: tuple[Rule, ...]

    def spelled(self, pattern: str) -> str:
        """Put a term group in the place of each `{name}`."""
        return re.sub(r"\{([a-z_]+)\}", lambda match: f"(?:{'|'.join(self.terms[match[1]])})", pattern)


_adapter = TypeAdapter(RuleFile)


@lru_cache
def rule_file(name: str) -> RuleFile:
    """Read a detector's rules from the YAML file beside this module."""
    source = files("jingwei.detect").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    return _adapter.validate_python(yaml.safe_load(source))
