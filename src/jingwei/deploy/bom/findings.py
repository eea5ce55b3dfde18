"""What is worth saying of a component by itself, and of a change: one place for the check and the scan."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from packaging.utils import canonicalize_name
from pydantic import BaseModel, ConfigDict

from jingwei.core.finding import Location, Severity
from jingwei.core.package_data import package_data
from jingwei.core.text import text
from jingwei.deploy.bom.component import Component
from jingwei.deploy.bom.difference import Change
from jingwei.deploy.scanned import Seen

_COPYLEFT = re.compile(r"(?<![A-Za-z])A?GPL|GNU (Affero )?General Public|(?<!Lesser )General Public License")
_NON_COMMERCIAL = re.compile(r"(?i)CC-BY-NC|non-?commercial|research-only")
_LONGEST = 160


class Rule(BaseModel):
    """What a rule says by default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    severity: Severity
    references: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def rules() -> dict[str, Rule]:
    """Return every rule by its name."""
    return {name: Rule.model_validate(entry) for name, entry in package_data(__package__, "rules.yaml").items()}


def findings_of(one: Component) -> Iterator[Seen]:
    """Give what one component's own facts say."""
    if (
        one.kind in {"library", "model"}
        and not one.licence
        and not one.gap
        and "named-by" not in one.facts
        and _states_licences(one)
    ):
        yield seen("no-licence", one)
    if one.kind in {"library", "tool"} and not one.version and not one.gap and "command" not in one.facts:
        yield seen("no-version", one, asked=one.facts.get("asked") or "-")
    if one.kind == "tool" and one.facts.get("package") and not one.version:
        yield seen("floating-tool", one, package=one.facts["package"])
    if _COPYLEFT.search(one.licence) and "Lesser" not in one.licence:
        yield seen("copyleft", one, licence=one.licence)
    if one.kind in {"model", "dataset"} and _NON_COMMERCIAL.search(one.licence):
        yield seen("non-commercial", one, licence=one.licence)
    if "named-by" in one.facts:
        yield seen("only-named", one, by=one.facts["named-by"])
    if one.facts.get("remote-code"):
        yield seen("remote-code", one)
    if one.changed:
        yield seen("changed", one, count=len(one.changed), files=", ".join(one.changed[:5]))


def _states_licences(one: Component) -> bool:
    """Tell whether where a component was found says licences at all: lock files do not."""
    return one.kind == "model" or not one.path or ".dist-info" in one.path or "node_modules" in one.path


def duplicates(components: Sequence[Component]) -> Iterator[tuple[Component, Seen]]:
    """Give the Python packages that one folder holds more than once."""
    installed = [one for one in components if one.kind == "library" and (not one.path or ".dist-info" in one.path)]
    counted = Counter((_folder(one), canonicalize_name(one.name)) for one in installed)
    for one in installed:
        if counted.pop((_folder(one), canonicalize_name(one.name)), 1) > 1:
            yield one, seen("duplicate", one)


def _folder(one: Component) -> str:
    return one.path.rpartition("/")[0]


def change_finding(change: Change) -> Seen:
    """Put a change into words."""
    return seen(f"change-{change.what}", change.component, before=change.before or "-", after=change.after or "-",
                evidence=f"{change.before or '-'} → {change.after or '-'}")  # fmt: skip


def seen(rule: str, one: Component, *, evidence: str = "", **values: object) -> Seen:
    """Put a rule's finding into words."""
    shown = evidence or one.licence or one.facts.get("asked", "") or one.shown
    return Seen(
        rule_id=f"bom.{rule}",
        severity=rules()[rule].severity,
        title=text(f"deploy.bom:{rule}"),
        detail=text(f"deploy.bom:{rule}-detail", name=one.name, **values),
        remedy=text(f"deploy.bom:{rule}-remedy"),
        location=Location(path=one.path or one.name),
        evidence=shown[:_LONGEST],
    )
