"""Rules as data: what one entry of a detector's YAML file says."""

import re
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from jingwei.core.finding import Severity
from jingwei.core.text import Both, text

Sensitivity = Literal["general", "sensitive", "minor"]
"""How PIPL (articles 28 and 31) and GB/T 35273 grade personal information: general, sensitive, of a child under 14."""

GAP = "[^.!?\u3002\\n]{0,32}"
"""What may stand between the two halves of a pair: part of one sentence. Folded text has ASCII `!` and `?`."""


class Rule(BaseModel):
    """One rule: an id, a name in both languages, and the patterns that fire it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[a-z]+\.[a-z0-9-]+$")]
    title: Both
    label: Both | None = None
    """What stands in for a hit in a placeholder, such as 手机号 or PHONE."""
    sensitivity: Sensitivity | None = None
    """How PIPL and GB/T 35273 grade this personal information; None for what is not personal information."""
    severity: Severity = Severity.MEDIUM
    score: float = Field(default=0.9, gt=0, le=1)
    """How much one firing says: certainty for a pattern, weight for a sign of an attack."""
    patterns: tuple[str, ...] = ()
    check: str = ""
    """Name of the validator that a match must pass, such as `luhn`."""
    unless: tuple[str, ...] = ()
    """Patterns that make a match harmless: around a sign of an attack, before a number."""
    pairs: tuple[tuple[str, str], ...] = ()
    """Names of two term groups that fire the rule when they stand close together, in this order."""

    @property
    def shown(self) -> Both:
        """Return the title, with how sensitive the personal information is where it is more than general."""
        if self.sensitivity in {None, "general"}:
            return self.title
        return text(f"detect:title-{self.sensitivity}", title=self.title)


class RuleFile(BaseModel):
    """A whole file: its rules, and the term groups that patterns name in braces as `{group}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    terms: dict[str, tuple[str, ...]] = {}
    tails: tuple[str, ...] = ()
    """What the end of a stream looks like while a hit may still be coming; a group named `hold` narrows what waits."""
    rules: tuple[Rule, ...]

    def expressions(self, rule: Rule) -> tuple[str, ...]:
        """Return a rule's patterns, spelled out, and one for each of its pairs."""
        pairs = (f"{{{first}}}{GAP}{{{second}}}" for first, second in rule.pairs)
        return tuple(self.spelled(each) for each in (*rule.patterns, *pairs))

    def spelled(self, pattern: str) -> str:
        """Put a term group in the place of each `{name}`."""
        return re.sub(r"\{([a-z_]+)\}", lambda match: f"(?:{'|'.join(self.terms[match[1]])})", pattern)


_adapter = TypeAdapter(RuleFile)


@lru_cache
def rule_file(name: str) -> RuleFile:
    """Read a detector's rules from the YAML file beside this module."""
    source = files("jingwei.detect").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    return _adapter.validate_python(yaml.safe_load(source))
