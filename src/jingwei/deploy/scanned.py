"""What a scan says of one thing it looked at: the same words for model files, packages, services, code and agents.

Four verdicts, in the order in which they win: malicious (a finding of high or critical severity), incomplete (something
could not be looked at, so nothing is promised), suspicious (a finding of medium severity), clean. What is incomplete
never passes a gate, whatever else was found.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.canonical import Json
from jingwei.core.evidence import Outcome
from jingwei.core.finding import Finding, Severity
from jingwei.core.text import Both, Language

_LONGEST = 160


def plain(value: object) -> str:
    """Make something of what is scanned fit to print: one line, no control characters, bounded."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value)[: _LONGEST + 1])
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "\N{HORIZONTAL ELLIPSIS}"


class ScanVerdict(StrEnum):
    """What a scan concluded about one thing; the order of definition is the order of badness."""

    CLEAN = "clean"
    SUSPICIOUS = "suspicious"
    INCOMPLETE = "incomplete"
    MALICIOUS = "malicious"


class Seen(Finding):
    """A finding with what was seen: the call a pickle would make, the line of a file, the answer of a service."""

    evidence: str = ""
    """One printable line, bounded, without secrets and personal data."""

    def finding(self) -> Finding:
        """Return the finding as evidence holds it."""
        return Finding(**{name: getattr(self, name) for name in Finding.model_fields})


class Scanned(BaseModel):
    """One thing that a scan looked at: a file, a package, a service, a tool."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    """Relative to the target, members of archives as `path!name`; an address or a name where it is no file."""
    sha256: str = ""
    size: int = Field(default=0, ge=0)
    format: str = ""
    """What it was recognised as, such as `pickle`, `zip+pickle`, `dockerfile`, `ollama`."""
    coverage: tuple[tuple[int, int], ...] = ()
    """Byte ranges [start, end) that were accounted for, in order, without overlaps; empty where bytes mean nothing."""
    findings: tuple[Seen, ...] = ()
    gaps: tuple[Both, ...] = ()
    """What was not looked at, and why."""
    facts: dict[str, str] = {}
    """What was learnt besides: version, licence, whether a login is asked for."""

    @property
    def verdict(self) -> ScanVerdict:
        """Return what the scan concludes."""
        worst = self.worst
        if worst is not None and worst.rank >= Severity.HIGH.rank:
            return ScanVerdict.MALICIOUS
        if self.gaps:
            return ScanVerdict.INCOMPLETE
        reached = worst is not None and worst.rank >= Severity.MEDIUM.rank
        return ScanVerdict.SUSPICIOUS if reached else ScanVerdict.CLEAN

    @property
    def worst(self) -> Severity | None:
        """Return the severity of the worst finding, or none."""
        return max((one.severity for one in self.findings), key=lambda each: each.rank, default=None)


class Scanner(Protocol):
    """What each kind of scan offers (`scanners.KINDS`): a module with these two names is one."""

    Options: type[BaseModel]
    """What it can be told; every field has a default and a docstring. Shown by `jingwei scan KIND --help`."""

    def scan(self, target: str, options: BaseModel) -> Iterator[Scanned]:
        """Give what was looked at, one thing at a time, as soon as it is known.

        Raises:
            InputError: the target is not there, or not of the kind that this scan reads.
            Unavailable: the target cannot be reached.
        """
        ...


def reaches(one: Scanned, level: Severity) -> bool:
    """Tell whether a thing fails at a level: a finding as bad, or something that could not be looked at."""
    return bool(one.gaps) or (one.worst is not None and one.worst.rank >= level.rank)


def outcome_of(scanned: Iterable[Scanned], level: Severity) -> Outcome:
    """Draw all things together for a piece of evidence."""
    all_of_it = list(scanned)
    if any(one.worst is not None and one.worst.rank >= level.rank for one in all_of_it):
        return Outcome.FAIL
    return Outcome.INCOMPLETE if any(one.gaps for one in all_of_it) else Outcome.PASS


def report(scanned: Sequence[Scanned], language: Language, **about: Json) -> dict[str, Json]:
    """Return the report that `jingwei scan --format json` prints and that evidence keeps.

    Args:
        scanned: what was looked at.
        language: of its messages.
        about: what else the summary says, such as the kind of scan and the date of the advisories.
    """
    severities = Counter(each.severity.value for one in scanned for each in one.findings)
    verdicts = Counter(one.verdict.value for one in scanned)
    worst = max((one.worst for one in scanned if one.worst), key=lambda each: each.rank, default=None)
    return {
        "files": [entry(one, language) for one in scanned],
        "summary": {
            "files": len(scanned),
            "bytes": sum(one.size for one in scanned),
            "verdicts": {each.value: verdicts[each.value] for each in ScanVerdict},
            "findings": {each.value: severities[each.value] for each in Severity},
            "worst": worst.value if worst else None,
            **about,
        },
    }


ARTEFACT = "scan.json"
"""What evidence calls the scan that it keeps."""
MOST_KEPT = 20_000
"""Clean things that are kept one by one; more are counted."""


class Kept(BaseModel):
    """A whole scan in both languages, as evidence keeps it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    """Of the scan, one of `scanners.KINDS`."""
    scanned: tuple[Scanned, ...]
    clean: int = 0
    """Clean things that are not listed."""

    def content(self) -> bytes:
        """Return the artefact's bytes."""
        return self.model_dump_json(exclude_defaults=True).encode()


def kept(kind: str, scanned: Sequence[Scanned]) -> Kept:
    """Put a scan together as evidence keeps it; beyond `MOST_KEPT`, clean things are counted."""
    listed = [one for number, one in enumerate(scanned) if number < MOST_KEPT or one.findings or one.gaps]
    return Kept(kind=kind, scanned=tuple(listed), clean=len(scanned) - len(listed))


def entry(one: Scanned, language: Language) -> dict[str, Json]:
    """Return one thing as the report holds it."""
    return {
        "path": one.path,
        "sha256": one.sha256,
        "size": one.size,
        "format": one.format,
        "verdict": one.verdict.value,
        "coverage": [[start, end] for start, end in one.coverage],
        "findings": [_told(each, language) for each in _ordered(one.findings)],
        "gaps": [gap.of(language) for gap in one.gaps],
        "facts": _facts(one.facts),
    }


def _facts(facts: Mapping[str, str]) -> dict[str, Json]:
    return {name: facts[name] for name in sorted(facts)}


def _ordered(findings: Sequence[Seen]) -> list[Seen]:
    return sorted(findings, key=lambda each: (-each.severity.rank, each.location.path, each.location.start or 0))


def _told(each: Seen, language: Language) -> dict[str, Json]:
    where = each.location.model_dump(exclude_none=True)
    return {
        "rule": each.rule_id,
        "severity": each.severity.value,
        "title": each.title.of(language),
        "message": each.detail.of(language),
        "location": where,
        "evidence": each.evidence,
        "remedy": each.remedy.of(language),
    }
