"""OSV records read as they are: untrusted JSON in, advisories out, one for each package a record names.

Events become ranges by the algorithm of the OSV schema: sorted by version, `introduced` opens, `fixed` closes before,
`last_affected` closes after, `limit` ends everything. Ranges of git commits decide nothing about versions.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from packaging.utils import canonicalize_name

from jingwei.core.finding import Severity
from jingwei.deploy.advisories.advisory import Advisory, Span
from jingwei.deploy.advisories.cvss import base_score, severity_of
from jingwei.deploy.advisories.orders import key

_MOST = 20_000
"""Events, versions or packages of one record that are read; a record with more is refused."""
_LONGEST_SUMMARY = 200
_WORDS = {"critical": Severity.CRITICAL, "high": Severity.HIGH, "important": Severity.HIGH,
          "moderate": Severity.MEDIUM, "medium": Severity.MEDIUM, "low": Severity.LOW,
          "negligible": Severity.LOW, "unimportant": Severity.INFO}  # fmt: skip
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}")
_RANK = {"introduced": 0, "last_affected": 1, "fixed": 2, "limit": 3}
_SENTENCE = re.compile(r".{40,}?[.!?](?=\s+[A-Z])")
_VERSION = re.compile(r"[^\s,<>=]{1,200}")


class NotOsv(ValueError):  # noqa: N818 - the word reads better
    """The value is no OSV record."""


def read_osv(record: object, *, source: str) -> tuple[Advisory, ...]:
    """Read one record.

    Raises:
        NotOsv: it has no id or no list of what it affects, or is larger than any honest record.
    """
    if not isinstance(record, dict) or not isinstance(record.get("id"), str) or not _ID.fullmatch(record["id"]):
        raise NotOsv
    affected = record.get("affected")
    if affected is None and record.get("withdrawn"):
        affected = []
    if not isinstance(affected, list) or len(affected) > _MOST:
        raise NotOsv
    shared = _shared(record, source)
    by_package: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in affected:
        package = one.get("package") if isinstance(one, dict) else None
        if isinstance(package, dict) and isinstance(package.get("name"), str):
            ecosystem = str(package.get("ecosystem") or "")
            by_package.setdefault((ecosystem, package_name(ecosystem, package["name"])), []).append(one)
    return tuple(
        Advisory(ecosystem=ecosystem, package=name, **(shared | _scored(ones[0], shared) | _reach(ones, ecosystem)))
        for (ecosystem, name), ones in by_package.items()
    )


def package_name(ecosystem: str, name: str) -> str:
    """Return a package's name as its ecosystem compares names."""
    if ecosystem == "PyPI":
        return str(canonicalize_name(name))
    return name.lower() if ecosystem in {"npm", "Go", "NuGet", "Packagist"} else name


def _shared(record: dict[str, Any], source: str) -> dict[str, Any]:  # Any: JSON
    own = record.get("database_specific")
    own = own if isinstance(own, dict) else {}
    summary = _text(record.get("summary")) or _first_sentence(record.get("details"))
    references = [each for each in _list(record.get("references")) if isinstance(each, dict)]
    addresses = [str(each.get("url")) for each in references if str(each.get("url", "")).startswith("https://")]
    score, vector = _score(record.get("severity"))
    word = own.get("severity")
    severity = severity_of(score) if score is not None else _WORDS.get(word.lower()) if isinstance(word, str) else None
    if record["id"].startswith("MAL-"):
        severity = Severity.CRITICAL
    likelihood = own.get("epss", record.get("epss"))
    likelihood = (likelihood.get("score") or likelihood.get("epss")) if isinstance(likelihood, dict) else likelihood
    return {
        "id": record["id"], "aliases": tuple(a for a in _list(record.get("aliases")) if _is_id(a)),
        "summary": summary, "severity": severity, "score": score, "vector": vector, "source": source,
        "modified": _text(record.get("modified"))[:10], "reference": (addresses or [""])[0][:200],
        "published": _text(record.get("published"))[:10],
        "withdrawn": bool(record.get("withdrawn")), "exploited": bool(own.get("kev", record.get("kev"))),
        "weaknesses": tuple(str(each)[:20] for each in _list(own.get("cwe_ids"))[:5]),
        "likelihood": _probability(likelihood),
    }  # fmt: skip


def _scored(one: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:  # Any: JSON
    """Take the severity that a record gives for one package, or for its ecosystem alone."""
    score, vector = _score(one.get("severity"))
    if score is not None:
        return {"score": score, "vector": vector, "severity": severity_of(score)}
    own = one.get("ecosystem_specific")
    word = (own.get("severity") or own.get("urgency")) if isinstance(own, dict) else None
    if shared["severity"] is None and isinstance(word, str):
        return {"severity": _WORDS.get(word.lower())}
    return {}


def _score(given: object) -> tuple[float | None, str]:
    """Return the score and vector of the newest CVSS that can be read."""
    best: tuple[str, float, str] | None = None
    for each in _list(given)[:20]:
        vector = str(each.get("score", ""))[:200] if isinstance(each, dict) else ""
        score = base_score(vector)
        if score is not None and (best is None or vector[:8] > best[0]):
            best = (vector[:8], score, vector)
    return (best[1], best[2]) if best else (None, "")


def _reach(ones: Sequence[dict[str, Any]], ecosystem: str) -> dict[str, Any]:  # Any: JSON
    spans: list[str] = []
    fixed: set[str] = set()
    listed: set[str] = set()
    for one in ones:
        listed.update(v for v in _list(one.get("versions")) if isinstance(v, str) and _VERSION.fullmatch(v))
        for each in _list(one.get("ranges")):
            if not isinstance(each, dict) or each.get("type") not in ("ECOSYSTEM", "SEMVER"):
                continue
            events = _events(each)
            fixed.update(version for kind, version in events if kind == "fixed")
            spans += [span for span in spans_of(events, ecosystem) if span not in spans]
    if len(spans) > _MOST or len(listed) > _MOST:
        raise NotOsv
    read = [Span.read(span, ecosystem) for span in spans]
    keyed = ((version, key(ecosystem, version)) for version in listed)
    beyond = frozenset(v for v, at in keyed if at is None or not any(span.holds(at) for span in read))
    ordered = sorted((at, version) for version in fixed if (at := key(ecosystem, version)) is not None)
    return {"spans": tuple(spans), "versions": beyond, "fixed": tuple(version for _, version in ordered)}


def _events(each: dict[str, Any]) -> list[tuple[str, str]]:  # Any: JSON
    events = _list(each.get("events"))
    if len(events) > _MOST:
        raise NotOsv
    return [
        (kind, version)
        for event in events
        if isinstance(event, dict)
        for kind, version in event.items()
        if kind in _RANK and isinstance(version, str) and (_VERSION.fullmatch(version) or version == "*")
    ]


def spans_of(events: Sequence[tuple[str, str]], ecosystem: str) -> list[str]:
    """Turn the events of one range into ranges a person can read; a version without a key ends up as it stands."""
    limits = [version for kind, version in events if kind == "limit" and version != "*"]
    marks = [(kind, version) for kind, version in events if kind != "limit"]
    keyed = [(key(ecosystem, version), kind, version) for kind, version in marks if version != "0"]
    if any(at is None for at, _, _ in keyed):
        ordered = [(kind, version) for kind, version in marks if version != "0"]  # as they stand
    else:
        keyed.sort(key=lambda each: (each[0], _RANK[each[1]]))
        ordered = [(kind, version) for _, kind, version in keyed]
    if ("introduced", "0") in marks:
        ordered.insert(0, ("introduced", "0"))
    spans, opened = [], None
    for (kind, version), (following, _) in pairwise([*ordered, ("end", "")]):
        if kind == "introduced":
            opened = version if opened is None else opened
        elif opened is not None and not (kind == "last_affected" and following == "last_affected"):
            spans.append(_span(opened, "<" if kind == "fixed" else "<=", version))
            opened = None
    if opened is not None:
        spans += [_span(opened, "<", limit) for limit in limits] or [_span(opened, "", "")]
    return spans


def _span(opened: str, operator: str, version: str) -> str:
    parts = ([] if opened == "0" else [f">={opened}"]) + ([f"{operator}{version}"] if operator else [])
    return ",".join(parts)


def _text(value: object, longest: int = _LONGEST_SUMMARY) -> str:
    line = " ".join(value[:2000].split()) if isinstance(value, str) else ""
    line = "".join(c for c in line if c.isprintable())
    return line if len(line) <= longest else line[: longest - 1].rsplit(" ", 1)[0] + "…"


def _first_sentence(value: object) -> str:
    line = _text(value, 2000)
    found = _SENTENCE.match(line)
    return _text(found[0] if found else line)


def _list(value: object) -> list[Any]:  # Any: JSON
    return value if isinstance(value, list) else []


def _is_id(value: object) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _probability(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]  # whatever it is: the next lines tell
    except (TypeError, ValueError):
        return None
    return number if 0 <= number <= 1 else None


def read_osv_many(value: object, *, source: str) -> Iterator[Advisory]:
    """Read one record, or a list of them.

    Raises:
        NotOsv: one of them is none.
    """
    for record in value if isinstance(value, list) else [value]:
        yield from read_osv(record, source=source)
