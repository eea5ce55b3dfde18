"""What an examination notes down: findings with their place, gaps that it could not look into, and what it learnt.

The texts are put on when the examination is over. Each rule's severity and remedy lie in `rules.yaml`.
"""

from dataclasses import dataclass, field
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from jingwei.core.finding import Location, Severity
from jingwei.core.package_data import package_data
from jingwei.core.text import Both, text
from jingwei.deploy.scanned import Seen, plain

MOST_FINDINGS = 200
"""Findings kept for one file; the rest are counted."""
MOST_GAPS = 50
"""Gaps kept for one file; the rest are counted."""


class Rule(BaseModel):
    """What a rule says by default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    severity: Severity
    remedy: str


@dataclass(frozen=True, slots=True)
class Note:
    """One finding before its texts are put on."""

    rule: str
    severity: Severity
    path: str
    start: int | None = None
    evidence: str = ""
    values: dict[str, str] = field(default_factory=dict)

    def seen(self) -> Seen:
        """Put the texts on."""
        name = self.rule.replace(".", "-")
        return Seen(
            rule_id=self.rule,
            severity=self.severity,
            title=text(f"deploy.artifacts:{name}"),
            detail=text(f"deploy.artifacts:{name}-detail").format(**self.values),
            remedy=text(f"deploy.artifacts:remedy-{rules()[self.rule].remedy}"),
            location=Location(path=self.path, start=self.start),
            evidence=self.evidence or plain(" ".join(self.values.values())),
        )


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that was not looked at, and why."""

    reason: str
    path: str
    values: tuple[tuple[str, str], ...] = ()

    def text(self) -> Both:
        """Put the texts on."""
        return text(f"deploy.artifacts:{self.reason}").format(path=self.path, **dict(self.values))


@lru_cache(maxsize=1)
def rules() -> dict[str, Rule]:
    """Return every rule by id."""
    return {name: Rule.model_validate(entry) for name, entry in package_data(__package__, "rules.yaml").items()}


@dataclass(slots=True)
class Notes:
    """The findings and gaps of one file, in the order they were seen, bounded and without repeats."""

    findings: list[Note] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    """What was learnt besides, such as the calls that a pickle would make."""
    omitted: int = 0
    told_gaps: int = 0
    """How many gaps were told, those that are not kept too."""
    _seen: set[tuple[str, str, int | None, str]] = field(default_factory=set)

    def find(self, rule: str, path: str, start: int | None = None, *, severity: Severity | None = None,
             evidence: str = "", **values: object) -> None:  # fmt: skip
        """Note a finding; the rule's own severity unless one is given. Of too many, the worst are kept."""
        shown = {name: plain(value) for name, value in values.items()}
        key = (rule, path, start, str(shown))
        if key in self._seen:
            return
        note = Note(rule, severity or rules()[rule].severity, plain(path), start, plain(evidence), shown)
        if len(self.findings) >= MOST_FINDINGS:
            self.omitted += 1
            mildest = min(range(len(self.findings)), key=lambda at: self.findings[at].severity.rank)
            if note.severity.rank > self.findings[mildest].severity.rank:
                self.findings[mildest] = note
            return
        self._seen.add(key)
        self.findings.append(note)

    def gap(self, reason: str, path: str, **values: object) -> None:
        """Note something that was not looked at."""
        self.told_gaps += 1
        note = Gap(reason, plain(path), tuple((name, plain(value)) for name, value in values.items()))
        if note not in self.gaps and len(self.gaps) < MOST_GAPS:
            self.gaps.append(note)

    def format(self, name: str) -> None:
        """Note a format that was recognised."""
        if name not in self.formats:
            self.formats.append(name)
