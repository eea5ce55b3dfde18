"""What matching found, in words: flaws with range, fix and command; what is undecided, silenced, or out of date."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from jingwei.core.finding import Location, Severity
from jingwei.core.package_data import package_data
from jingwei.core.text import Both, text
from jingwei.deploy.advisories.matching import Flaw, Package
from jingwei.deploy.advisories.vex import Statement
from jingwei.deploy.bom import Component
from jingwei.deploy.scanned import Seen

_LONGEST = 160
_PASTED = re.compile(r"[A-Za-z0-9@][\w.@/+:~^!-]{0,200}")
_MOST_IDS = 20


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:  # Any: rules and commands
    found: dict[str, Any] = package_data(__package__, "rules.yaml")
    return found


def flaw_finding(
    flaw: Flaw, component: Component, package: Package, *, fix: str | None, statement: Statement | None
) -> Seen:
    """Tell of a flaw; one that a VEX statement silences stays visible, as information."""
    if statement is not None and statement.honoured:
        return _silenced(flaw, component, statement)
    advisory = flaw.advisory
    said = _summary(flaw)
    more = list(_signals(flaw))
    if statement is not None:
        more.append(
            text(
                "deploy.advisories:vex-says", status=statement.status.replace("_", " "), author=statement.author or "?"
            )
        )
    detail = text(
        "deploy.advisories:flaw-detail", name=component.name, version=package.version or "?", summary=said,
        ranges=_ranges(flaw), ids=", ".join(flaw.ids[:_MOST_IDS]), sources=", ".join(filter(None, flaw.sources)) or "?",
        score=str(advisory.score) if advisory.score is not None else "-",
    )  # fmt: skip
    return Seen(
        rule_id=f"advisories.{flaw.ids[0]}", severity=flaw.severity,
        title=text("deploy.advisories:flaw", id=flaw.ids[0], name=component.name, summary=said),
        detail=_joined([detail, *more]),
        remedy=_remedy(flaw, _installed(component, package), fix),
        location=Location(path=component.path or component.shown),
        evidence=f"{package.name} {package.version} · {_ranges(flaw)}"[:_LONGEST],
    )  # fmt: skip


def _installed(component: Component, package: Package) -> Package:
    """Return what is installed: a distribution's advisories are about the source, its commands about the package."""
    return package._replace(name=component.name) if component.facts.get("source") else package


def _summary(flaw: Flaw) -> Both:
    english = flaw.advisory.summary.rstrip(". ") or flaw.ids[0]
    return Both(zh=flaw.advisory.summary_zh.rstrip("\N{IDEOGRAPHIC FULL STOP}") or english, en=english)


def _ranges(flaw: Flaw) -> str:
    shown = " || ".join(each or "*" for each in flaw.ranges[:6])
    return shown[:200] if shown else "listed versions"


def _signals(flaw: Flaw) -> Iterator[Both]:
    if flaw.advisory.exploited:
        yield text("deploy.advisories:exploited")
    if flaw.advisory.likelihood is not None:
        yield text("deploy.advisories:likelihood", percent=f"{100 * flaw.advisory.likelihood:.1f}")


def _joined(parts: Sequence[Both]) -> Both:
    return Both(zh="".join(each.zh for each in parts), en=" ".join(each.en for each in parts))


def _remedy(flaw: Flaw, package: Package, fix: str | None) -> Both:
    version = fix or next((each for each in flaw.fixed if package.version), "")
    command = command_for(package, version) if version else ""
    if fix:
        key = "remedy-fix" if command else "remedy-upgrade"
        return text(f"deploy.advisories:{key}", name=package.name, version=fix, command=command)
    if version:
        key = "remedy-partly" if command else "remedy-partly-plain"
        known = ", ".join(flaw.fixed[:5])
        return text(f"deploy.advisories:{key}", name=package.name, versions=known, command=command)
    advice = (
        Both(zh=flaw.advisory.advice_zh or flaw.advisory.advice, en=flaw.advisory.advice)
        if flaw.advisory.advice
        else None
    )
    return advice or text("deploy.advisories:remedy-none", name=package.name)


def command_for(package: Package, version: str) -> str:
    """Return the command that brings a version in; empty where there is no usual one."""
    if not (_PASTED.fullmatch(package.name) and _PASTED.fullmatch(version)):
        return ""  # a name that a shell would read as more than a name
    template = _data()["commands"].get(package.ecosystem.partition(":")[0], "")
    return str(template).format(name=package.name, version=version)


def _silenced(flaw: Flaw, component: Component, statement: Statement) -> Seen:
    reason = statement.justification or statement.detail or statement.status
    return _seen("silenced", component, id=flaw.ids[0], severity=flaw.severity.value, name=component.name,
                 status=statement.status.replace("_", " "), reason=reason, author=statement.author or "?",
                 evidence=f"{flaw.ids[0]}: {statement.status} · {reason}")  # fmt: skip


def undecided_finding(flaws: tuple[Flaw, ...], component: Component) -> Seen:
    """Tell of advisories that say nothing of versions: for a person to look up, never counted as flaws."""
    ids = ", ".join(flaw.ids[0] for flaw in flaws[:_MOST_IDS])
    return _seen("undecided", component, name=component.name, count=len(flaws), ids=ids, evidence=ids)


def stale_finding(days: int, newest: str, where: str) -> Seen:
    """Tell that what is known is old."""
    component = Component(kind="dataset", name=where)
    return _seen("stale", component, days=days, newest=newest, evidence=f"{newest}: {days} d")


def _seen(rule: str, component: Component, *, evidence: str, **values: object) -> Seen:
    return Seen(
        rule_id=f"advisories.{rule}", severity=Severity(_data()["rules"][rule]["severity"]),
        title=text(f"deploy.advisories:{rule}", **values), detail=text(f"deploy.advisories:{rule}-detail", **values),
        remedy=text(f"deploy.advisories:{rule}-remedy", **values),
        location=Location(path=component.path or component.shown), evidence=evidence[:_LONGEST],
    )  # fmt: skip
