"""Our rules as data, and a finding with its texts put on."""

from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from jingwei.core.finding import Location, Severity
from jingwei.core.package_data import package_data
from jingwei.core.text import Both, text
from jingwei.deploy.code.python.place import Report
from jingwei.deploy.scanned import Seen, plain

_PACKAGE = "deploy.code"


class Rule(BaseModel):
    """One rule of `rules.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    severity: Severity | dict[str, Severity]
    references: tuple[str, ...] = ()
    """Ids in CWE, the OWASP Top 10 for LLM applications, ATLAS or CVE."""
    bad: str
    good: str


@lru_cache(maxsize=1)
def rules() -> dict[str, Rule]:
    """Return every rule by id."""
    return {name: Rule.model_validate(entry) for name, entry in package_data(__package__, "rules.yaml").items()}


def severity_of(report: Report) -> Severity | None:
    """Return how bad a report is; none where the rule does not count from there."""
    severity = rules()[report.rule].severity
    if isinstance(severity, Severity):
        return severity
    if report.taint is not None:
        return severity.get(report.taint.origin.value)
    return severity.get(report.note or "default") or severity.get("default")


def seen(report: Report, evidence: str) -> Seen | None:
    """Put the texts on a report; none where it does not count."""
    severity = severity_of(report)
    if severity is None:
        return None
    origin = f"from-{report.taint.origin.value}" if report.taint is not None else "from-nowhere"
    name = plain(report.taint.name) if report.taint is not None else ""
    source = text(f"{_PACKAGE}:{origin}").format(name=name)
    call = plain(report.call.replace("?.", "").replace("()", ""))
    return found(report.rule, severity, path=report.place.path, line=report.place.line, evidence=evidence, call=call,
                 source=source, name=name)  # fmt: skip


def found(rule: str, severity: Severity, *, path: str, line: int, evidence: str, **values: str | Both) -> Seen:
    """Return a finding of a rule with its texts."""
    key = rule.replace(".", "-")
    return Seen(
        rule_id=rule,
        severity=severity,
        title=text(f"{_PACKAGE}:{key}").format(**values),
        detail=text(f"{_PACKAGE}:{key}-detail").format(**values),
        remedy=text(f"{_PACKAGE}:{key}-remedy"),
        location=Location(path=path, line=line or None),
        evidence=plain(evidence),
    )
