"""How Linux distributions order their packages' versions: dpkg, rpm and apk, each by its own rules."""

import re
from functools import cmp_to_key
from itertools import zip_longest

_APK = re.compile(
    r"(\d+(?:\.\d+)*)([a-z]?)((?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)\d*)*)(?:~[0-9a-f]+)?(?:-r(\d+))?"
)
_APK_WORDS = {"alpha": -4, "beta": -3, "pre": -2, "rc": -1, "cvs": 1, "svn": 2, "git": 3, "hg": 4, "p": 5}
_DEBIAN = re.compile(r"(?:(\d{1,9}):)?([0-9A-Za-z.+~:-]*)")
_DEBIAN_PIECE = re.compile(r"(\D*)(\d*)")
_RPM_PIECE = re.compile(r"\d+|[A-Za-z]+|~|\^")


def debian_key(version: str) -> object | None:
    """Return the key of a dpkg version: epoch, upstream, revision."""
    found = _DEBIAN.fullmatch(version.strip())
    if found is None or not found[2][:1].isdigit():
        return None
    upstream, _, revision = found[2].rpartition("-") if "-" in found[2] else (found[2], "", "")
    return int(found[1] or 0), _pieces(upstream), _pieces(revision or "0")


def _pieces(text: str) -> tuple[object, ...]:
    """Cut into words and numbers; `~` sorts before the end, letters before other characters."""
    pieces: list[object] = []
    for word, number in _DEBIAN_PIECE.findall(text):
        if word or number:
            pieces += [(*(_weight(c) for c in word), 0), int(number or 0)]
    return (*pieces, (0,))


def _weight(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256


def rpm_key(version: str) -> object | None:
    """Return the key of an rpm version `[epoch:]version[-release]`."""
    epoch, colon, rest = version.strip().partition(":")
    if not colon:
        epoch, rest = "0", epoch
    if not epoch.isdigit() or not any(c.isdigit() for c in rest):
        return None
    upstream, _, release = rest.partition("-")
    return int(epoch), _BY_RPM(upstream), _BY_RPM(release)


def _compare_rpm(one: str, two: str) -> int:
    for mine, theirs in zip_longest(_RPM_PIECE.findall(one), _RPM_PIECE.findall(two)):
        if mine != theirs:
            left, right = _rank(mine, beside=theirs), _rank(theirs, beside=mine)
            if left != right:
                return 1 if left > right else -1
    return 0


def _rank(piece: str | None, *, beside: str | None) -> tuple[int, int, str]:
    """Rank a piece: `~` before the end, `^` right behind it, then words, then numbers."""
    if piece == "~":
        return (0, 0, "")
    if piece is None:
        return (1, 0, "")
    if piece == "^":
        return (2, 0, "") if beside is None else (1, 1, "")
    return (4, int(piece), "") if piece.isdigit() else (3, 0, piece)


_BY_RPM = cmp_to_key(_compare_rpm)


def alpine_key(version: str) -> object | None:
    """Return the key of an apk version: numbers, letter, suffixes, revision."""
    found = _APK.fullmatch(version.strip())
    if found is None:
        return None
    numbers = tuple(int(part) for part in found[1].split("."))
    words = re.findall(r"_([a-z]+)(\d*)", found[3])
    suffixes = (*((_APK_WORDS[word], int(number or 0)) for word, number in words), (0, 0))
    return numbers, found[2], suffixes, int(found[4] or 0)
