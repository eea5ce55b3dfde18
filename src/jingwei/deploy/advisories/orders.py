"""The order of versions in each ecosystem: a version becomes a key that compares as its own tools compare it.

A text that is no version of its ecosystem has no key (`None`): whoever asks then says "version unknown" instead of
guessing. Keys of one ecosystem compare with one another only.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from packaging.version import InvalidVersion, Version

from jingwei.deploy.advisories.distribution_orders import alpine_key, debian_key, rpm_key

Key = Any
"""Whatever compares: each ecosystem has its own."""
_LONGEST = 200
_SEMVER = re.compile(
    r"[vV=\s]*(\d{1,20})(?:\.(\d{1,20}))?(?:\.(\d{1,20}))?((?:\.\d{1,20}){0,4})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.+-]*)?"
)
_LOOSE_TAIL = re.compile(r"[-_.](?:stable|lts|release|final|ga|hotfix)$", re.IGNORECASE)
_LOOSE_HEAD = re.compile(r"^(?:release|version|ver|stable)?[-_/. ]*[vV]?(?=\d)", re.IGNORECASE)
_BUILD = re.compile(r"b(\d{2,9})")
_DATED = re.compile(r"(\d{8})(?:v(\d{1,4}))?([a-z]{0,12})")
_CANARY = re.compile(r"(\d+(?:\.\d+)*)[-.+](?:[a-zA-Z][\w-]*)(?:[.-](\d{1,12}))?")
_PIECE = re.compile(r"\d+|[a-z]+")
_QUALIFIERS = {"alpha": -5, "a": -5, "beta": -4, "b": -4, "milestone": -3, "m": -3, "rc": -2, "cr": -2, "snapshot": -1,
               "": 0, "final": 0, "ga": 0, "release": 0, "sp": 1}  # fmt: skip


def python_key(version: str) -> Key | None:
    """Return the key of a PEP 440 version; what one builder added to it (`2.5.0+cu121`) is the same release."""
    try:
        found = Version(version)
    except InvalidVersion:
        return None
    return Version(found.public) if found.local else found


def semver_key(version: str) -> Key | None:
    """Return the key of a semantic version; missing numbers are zeros, build metadata says nothing."""
    found = _SEMVER.fullmatch(version)
    if found is None:
        return None
    numbers = [int(part or 0) for part in found.groups()[:3]]
    more = tuple(int(part) for part in (found[4] or "").split(".") if part)
    if found[5] is None:
        return (*numbers, more, 1, ())
    pieces = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in found[5].split("."))
    return (*numbers, more, 0, pieces)


def maven_key(version: str) -> Key | None:
    """Return the key of a Maven version: numbers above words, known words in their order."""
    lowered = version.strip().lower()
    pieces = _PIECE.findall(lowered)
    if not pieces or not lowered[0].isdigit():
        return None
    key = [
        (2, int(p), "") if p.isdigit() else (1, _QUALIFIERS.get(p, 2), "" if p in _QUALIFIERS else p) for p in pieces
    ]
    while key and key[-1] in {(2, 0, ""), (1, 0, "")}:
        key.pop()
    before_number = [_trimmed(key, place) for place in range(len(key))]
    return (*(part for part, kept in zip(key, before_number, strict=True) if kept), (1, 0, ""))


def _trimmed(key: list[tuple[int, int, str]], place: int) -> bool:
    """Tell whether a part counts: zeros right before a word are as good as absent."""
    if key[place] != (2, 0, ""):
        return True
    following = next((part for part in key[place:] if part != (2, 0, "")), None)
    return following is not None and following[0] == 2


def loose_key(version: str) -> Key | None:
    """Return the key of an AI component's version: PEP 440 where it can be read so, builds (`b2740`), dates.

    Kinds do not compare with one another: a build number says nothing against a release.
    """
    bare = _LOOSE_TAIL.sub("", _LOOSE_HEAD.sub("", version.strip(), count=1))
    build = _BUILD.fullmatch(version.strip())
    if build:
        return Loose("build", int(build[1]))
    dated = _DATED.fullmatch(bare)
    if dated:
        return Loose("date", (int(dated[1]), int(dated[2] or 0), dated[3]))
    read = python_key(bare)
    if read is None and (canary := _CANARY.fullmatch(bare)):
        read = python_key(f"{canary[1]}.dev{canary[2] or 0}")
    return None if read is None else Loose("release", read)


class Loose:
    """A version of one kind; of another kind, neither lower nor higher."""

    __slots__ = ("kind", "value")

    def __init__(self, kind: str, value: Any) -> None:  # Any: numbers, tuples or versions, alike within a kind
        self.kind, self.value = kind, value

    def __lt__(self, other: "Loose") -> bool:
        return self.kind == other.kind and bool(self.value < other.value)

    def __le__(self, other: "Loose") -> bool:
        return self.kind == other.kind and bool(self.value <= other.value)

    def __gt__(self, other: "Loose") -> bool:
        return other < self

    def __ge__(self, other: "Loose") -> bool:
        return other <= self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loose) and (self.kind, self.value) == (other.kind, other.value)

    def __hash__(self) -> int:
        return hash((self.kind, self.value))


_ORDERS: dict[str, Callable[[str], Key | None]] = {
    "PyPI": python_key, "npm": semver_key, "Go": semver_key, "crates.io": semver_key, "Hex": semver_key,
    "Pub": semver_key, "SwiftURL": semver_key, "NuGet": semver_key, "RubyGems": maven_key, "Packagist": semver_key,
    "Maven": maven_key, "Debian": debian_key, "Ubuntu": debian_key, "Alpine": alpine_key, "Wolfi": alpine_key,
    "Chainguard": alpine_key, "Red Hat": rpm_key, "Rocky Linux": rpm_key, "AlmaLinux": rpm_key, "SUSE": rpm_key,
    "openSUSE": rpm_key, "openEuler": rpm_key, "Mageia": rpm_key, "AI": loose_key,
}  # fmt: skip


def known(ecosystem: str) -> bool:
    """Tell whether versions of an ecosystem can be ordered here (`Debian:12` counts as `Debian`)."""
    return ecosystem.partition(":")[0] in _ORDERS


@lru_cache(maxsize=200_000)
def key(ecosystem: str, version: str) -> Key | None:
    """Return the key of a version in its ecosystem; none where it is no version, or the ecosystem is not known."""
    order = _ORDERS.get(ecosystem.partition(":")[0])
    if order is None or not version or len(version) > _LONGEST:
        return None
    return order(version)
