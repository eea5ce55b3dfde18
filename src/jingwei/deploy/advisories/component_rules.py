"""Rules about AI components that are no packages, as A.I.G writes them: one YAML file a flaw, a rule over its version.

Names are mended by `naming`, severities brought to one set of words, expressions read with their proper precedence. A
rule that only says "reachable from outside" is no flaw of a version and is left to the exposure scan.
"""

import re
from collections.abc import Mapping
from typing import Any

from jingwei.core.finding import Severity
from jingwei.deploy.advisories.advisory import Advisory
from jingwei.deploy.advisories.cvss import base_score, severity_of
from jingwei.deploy.advisories.expressions import NotARule, commit, ranges_of
from jingwei.deploy.advisories.naming import component_name, naming
from jingwei.deploy.advisories.orders import key

_ID = re.compile(r"(?:CVE-\d{4}-\d{4,9}|GHSA(?:-[0-9a-z]{4}){3}|[A-Z][A-Z0-9]*-\d{4}-[A-Z0-9-]{1,40})", re.IGNORECASE)
_WEAKNESS = re.compile(r"CWE-\d{1,5}")
_LONGEST, _LONGEST_ADVICE = 200, 300
_REACH = re.compile(r"\s*is_internal\s*==?\s*\"[^\"]*\"\s*")


def is_component_rule(value: object) -> bool:
    """Tell whether a YAML value looks like one of these rules."""
    return isinstance(value, dict) and isinstance(value.get("info"), dict) and "rule" in value


def read_component_rule(value: Mapping[str, Any], *, source: str, modified: str,
                        chinese: Mapping[str, Any] | None = None) -> Advisory | None:  # fmt: skip
    """Read one rule; none where it says nothing of a version or has no id.

    Args:
        value: the rule.
        source: who wrote it.
        modified: the day its collection is of.
        chinese: the same rule with Chinese texts, where there is one.
    """
    info = value["info"]
    rule = str(value.get("rule") or "")
    name = str(info.get("name") or "")
    ids = _ids(info)
    if not name or not ids or _REACH.fullmatch(rule):
        return None
    try:
        spans = ranges_of(rule)
    except NotARule:
        spans = ()  # undecided, and told as such
    if set(spans) & {">=0", ">0", ">=0.0.0"}:
        spans = ()  # every version that was and will be: that says nothing of versions
    commits = frozenset(commit(span[2:]) for span in spans if span.startswith("==") and commit(span[2:]))
    score, vector = _score(info)
    said = (chinese or {}).get("info") or {}
    return Advisory(
        id=ids[0], ecosystem="AI", package=component_name(name), aliases=tuple(ids[1:]),
        summary=_line(info.get("summary"), _LONGEST), summary_zh=_line(said.get("summary"), _LONGEST),
        advice=_line(info.get("security_advise"), _LONGEST_ADVICE),
        advice_zh=_line(said.get("security_advise"), _LONGEST_ADVICE),
        severity=severity_of(score) if score is not None else _severity(info.get("severity")), score=score,
        vector=vector, spans=spans, versions=commits, fixed=_fixed(spans), source=source, modified=modified,
        reference=_reference(info), weaknesses=tuple(dict.fromkeys(_WEAKNESS.findall(str(info.get("cwe") or ""))))[:5],
    )  # fmt: skip


def _ids(info: Mapping[str, Any]) -> list[str]:
    stated = str(info.get("cve") or "").strip()
    return [_cased(each) for each in dict.fromkeys(_ID.findall(stated))]


def _cased(found: str) -> str:
    return found[:4].upper() + found[4:].lower() if found[:4].upper() == "GHSA" else found.upper()


def _score(info: Mapping[str, Any]) -> tuple[float | None, str]:
    vector = str(info.get("cvss") or info.get("cvss_vector") or "").strip().strip("()")
    score = base_score(vector)
    return (score, vector) if score is not None else (None, "")


def _severity(word: object) -> Severity | None:
    spelt = str(word or "").strip().lower()
    spelt = naming().severities.get(spelt, spelt)
    return Severity(spelt) if spelt in set(Severity) else None


def _fixed(spans: tuple[str, ...]) -> tuple[str, ...]:
    ends = {part[1:] for span in spans for part in span.split(",") if re.fullmatch(r"<[^=].*", part)}
    known = [end for end in ends if key("AI", end) is not None]
    releases = [end for end in known if getattr(key("AI", end), "kind", "") == "release"]
    return tuple(sorted(releases, key=lambda end: key("AI", end).value)) or tuple(sorted(known))  # type: ignore[union-attr]


def _reference(info: Mapping[str, Any]) -> str:
    given = info.get("references")
    first = str(given[0]) if isinstance(given, list) and given else ""
    return first[:200] if first.startswith("https://") else ""


def _line(value: object, longest: int) -> str:
    line = "".join(c for c in " ".join(str(value or "")[:2000].split()) if c.isprintable())
    return line if len(line) <= longest else line[: longest - 1] + "…"
