"""What a scan of agents notes down: findings with the words of their rule, bounded, without secrets or repeats."""

from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from jingwei.core.finding import Location, Severity
from jingwei.core.package_data import package_data
from jingwei.core.text import Both, text
from jingwei.deploy.scanned import Seen
from jingwei.detect.pattern_detector import secrets

_LONGEST = 160
_MOST = 60
"""Findings kept for one thing; a thing with more is condemned anyway."""


class Rule(BaseModel):
    """What a rule says by default; its words are `<rule>`, `<rule>-detail` and `remedy-<remedy>` in `text.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    severity: Severity
    remedy: str
    references: tuple[str, ...] = ()
    """What others call it: CWE, OWASP, ATLAS."""


@lru_cache(maxsize=1)
def rules() -> dict[str, Rule]:
    """Return every rule by id, without the prefix `agents.`."""
    return {name: Rule.model_validate(entry) for name, entry in package_data(__package__, "rules.yaml").items()}


def shown(value: str) -> str:
    """Make something that was seen fit to print: one line, bounded, what shows nothing written out, secrets masked."""
    masked = _masked(value[: 4 * _LONGEST])
    line = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in " ".join(masked.split(" "))[:_LONGEST])
    return line[:_LONGEST] + ("…" if len(value) > _LONGEST or len(line) > _LONGEST else "")


def _masked(value: str) -> str:
    for hit in reversed(secrets().scan(value)):
        value = f"{value[: min(hit.start + 4, hit.end)]}****{value[hit.end :]}"
    return value


class Notes:
    """The findings of one thing."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.findings: list[Seen] = []
        self.gaps: list[Both] = []
        self._known: set[tuple[str, str, int | None]] = set()

    def find(self, rule: str, where: str = "", *, seen: str = "", line: int | None = None,
             severity: Severity | None = None, **values: str) -> None:  # fmt: skip
        """Note a finding; the rule's own severity unless one is given."""
        key = (rule, where, line)
        if key in self._known or len(self.findings) >= _MOST:
            return
        self._known.add(key)
        about = rules()[rule]
        evidence = shown(seen)
        filled = {name: shown(value) for name, value in values.items()}
        detail = text(f"deploy.agents:{rule}-detail").format(where=shown(where or self.path), seen=evidence, **filled)
        self.findings.append(
            Seen(rule_id=f"agents.{rule}", severity=severity or about.severity, title=text(f"deploy.agents:{rule}"),
                 detail=detail, remedy=text(f"deploy.agents:remedy-{about.remedy}"),
                 location=Location(path=shown(where or self.path), line=line), evidence=evidence)
        )  # fmt: skip

    def gap(self, reason: str, **values: str) -> None:
        """Note what was not looked at."""
        said = text(f"deploy.agents:{reason}").format(path=shown(self.path), **values)
        if said not in self.gaps:
            self.gaps.append(said)
