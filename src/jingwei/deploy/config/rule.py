"""Our rules for configuration as data, and a finding with its texts put on."""

from collections.abc import Iterable
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from jingwei.core.finding import Location, Severity
from jingwei.core.package_data import package_data
from jingwei.core.text import text
from jingwei.deploy.config.launch import servers, switches
from jingwei.deploy.config.secrets import masked
from jingwei.deploy.config.workload import Note
from jingwei.deploy.scanned import Seen, plain

_PACKAGE = "deploy.config"


class Rule(BaseModel):
    """One rule of `rules.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    severity: Severity
    references: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def rules() -> dict[str, Rule]:
    """Return every rule by id: the general ones, one for each server, one for each switch."""
    told = {name: Rule.model_validate(entry) for name, entry in package_data(__package__, "rules.yaml").items()}
    told |= {f"config.open-{name}": Rule(severity=Severity.HIGH, references=("CWE-306",)) for name in servers()}
    return told | {name: Rule(severity=each.severity, references=("CWE-1188",)) for name, each in switches().items()}


def seen(note: Note, *, path: str, lines: list[str], hidden: Iterable[str] = ()) -> Seen:
    """Put the texts on a note; none of the hidden values is shown."""
    key = note.group or note.rule.removeprefix("config.")
    values = {"what": masked(plain(note.what)), "server": note.server}
    shown = lines[note.line - 1].strip() if 0 < note.line <= len(lines) else note.what
    for secret in hidden:
        shown = shown.replace(secret, "***")
    return Seen(
        rule_id=note.rule,
        severity=Severity(note.severity) if note.severity else rules()[note.rule].severity,
        title=text(f"{_PACKAGE}:{key}").format(**values),
        detail=text(f"{_PACKAGE}:{key}-detail").format(**values),
        remedy=text(f"{_PACKAGE}:{key}-remedy"),
        location=Location(path=path, line=note.line or None),
        evidence=plain(masked(shown[:2000])),
    )
