"""An advisory as it is stored and matched: what it is called, how bad it is, and which versions of one package it hits.

Ranges are texts that a person can read, `>=1.0,<2.0`: a version is hit when it satisfies every part of one range, or
stands in the list of versions. An advisory without either decides nothing, and says so.
"""

import operator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from jingwei.core.finding import Severity
from jingwei.deploy.advisories.orders import Key, Loose, key

Hit = Literal["affected", "unaffected", "undecided"]
_COMPARE = {">=": operator.ge, "<=": operator.le, "==": operator.eq, ">": operator.gt, "<": operator.lt}


@dataclass(frozen=True)
class Advisory:
    """What one source says of one package."""

    id: str
    ecosystem: str
    package: str
    aliases: tuple[str, ...] = ()
    summary: str = ""
    summary_zh: str = ""
    advice: str = ""
    advice_zh: str = ""
    severity: Severity | None = None
    score: float | None = None
    """CVSS base score, where a vector or a score was given."""
    vector: str = ""
    spans: tuple[str, ...] = ()
    versions: frozenset[str] = frozenset()
    """Versions named one by one that the ranges do not cover."""
    fixed: tuple[str, ...] = ()
    source: str = ""
    modified: str = ""
    published: str = ""
    """The day it was first told, where its source says so."""
    reference: str = ""
    weaknesses: tuple[str, ...] = ()
    withdrawn: bool = False
    exploited: bool = False
    """Named in a list of flaws that are known to be exploited."""
    likelihood: float | None = None
    """EPSS: how likely it is to be exploited within thirty days."""
    covered: bool = False
    """A rule about an AI component whose flaw a package's own advisories know: for the package, those decide."""

    @cached_property
    def ids(self) -> frozenset[str]:
        """Return every id it goes by."""
        return frozenset((self.id, *self.aliases))

    @cached_property
    def bounds(self) -> tuple["Span", ...]:
        """Return its ranges, read once."""
        return tuple(Span.read(text, self.ecosystem) for text in self.spans)

    @cached_property
    def version_keys(self) -> frozenset[Key]:
        """Return the keys of the versions it names one by one."""
        return frozenset(each for one in self.versions if (each := key(self.ecosystem, one)) is not None)

    def hits(self, version: str) -> Hit:
        """Tell whether a version is affected; undecided where neither a range nor a list can tell."""
        if version in self.versions:
            return "affected"
        at = key(self.ecosystem, version)
        if at is not None and self.versions and at in self.version_keys:
            return "affected"
        unsure = not self.spans and not self.versions
        for span in self.bounds:
            said = span.holds(at) if at is not None else None
            if said:
                return "affected"
            unsure = unsure or said is None
        return "undecided" if unsure else "unaffected"


@dataclass(frozen=True, slots=True)
class Span:
    """One range: bounds that all have to hold. `None` among the keys: a bound that is no version."""

    parts: tuple[tuple[str, Key | None], ...] = field(default=())

    @classmethod
    def read(cls, text: str, ecosystem: str) -> "Span":
        """Read `>=1.0,<2.0`; the empty text is every version."""
        parts = []
        for part in filter(None, text.split(",")):
            compared = next(each for each in _COMPARE if part.startswith(each))
            parts.append((compared, key(ecosystem, part[len(compared) :])))
        return cls(tuple(parts))

    def holds(self, at: Key) -> bool | None:
        """Tell whether a version lies within; none where that cannot be told."""
        unsure = False
        for name, bound in self.parts:
            said = None if bound is None else compares(at, name, bound)
            if said is False:
                return False
            unsure = unsure or said is None
        return None if unsure else True


def compares(at: Key, name: str, bound: Key) -> bool | None:
    """Compare two versions; none where they are of different kinds (a build against a release)."""
    if isinstance(at, Loose) and at.kind != bound.kind:
        return None
    return bool(_COMPARE[name](at, bound))


def packed(advisory: Advisory) -> dict[str, Any]:  # Any: JSON
    """Return an advisory as the store keeps it: short, without what is empty."""
    plain: dict[str, Any] = {
        "i": advisory.id, "a": list(advisory.aliases), "s": advisory.summary, "z": advisory.summary_zh,
        "d": advisory.advice, "e": advisory.advice_zh,
        "v": None if advisory.severity is None else advisory.severity.rank,
        "c": advisory.score, "t": advisory.vector, "r": list(advisory.spans), "l": sorted(advisory.versions),
        "f": list(advisory.fixed), "o": advisory.source, "m": advisory.modified, "u": advisory.reference,
        "w": list(advisory.weaknesses), "x": advisory.withdrawn, "k": advisory.exploited, "p": advisory.likelihood,
        "y": advisory.covered, "b": advisory.published,
    }  # fmt: skip
    return {
        name: value
        for name, value in plain.items()
        if value is not None and value is not False and value not in ("", [])
    }


def unpacked(plain: dict[str, Any], ecosystem: str, package: str) -> Advisory:  # Any: JSON
    """Return an advisory as it was before it was packed."""
    rank = plain.get("v")
    return Advisory(
        id=plain["i"], ecosystem=ecosystem, package=package, aliases=tuple(plain.get("a", ())),
        summary=plain.get("s", ""), summary_zh=plain.get("z", ""), advice=plain.get("d", ""),
        advice_zh=plain.get("e", ""), severity=None if rank is None else list(Severity)[rank], score=plain.get("c"),
        vector=plain.get("t", ""), spans=tuple(plain.get("r", ())), versions=frozenset(plain.get("l", ())),
        fixed=tuple(plain.get("f", ())), source=plain.get("o", ""), modified=plain.get("m", ""),
        reference=plain.get("u", ""), weaknesses=tuple(plain.get("w", ())), withdrawn=plain.get("x", False),
        exploited=plain.get("k", False), likelihood=plain.get("p"), covered=plain.get("y", False),
        published=plain.get("b", ""),
    )  # fmt: skip
