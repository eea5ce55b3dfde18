r"""Loosened patterns: what Hyperscan is given in the place of a regular expression of ours.

A loosened pattern matches wherever the exact one does, and compiles in a fraction of the time. It reads UTF-8 bytes,
not characters: a Chinese character is a run of high bytes, so whatever counts such characters counts no more. A
look-around at an end of the pattern that forbids a neighbour becomes a neighbour of another kind, which keeps "eleven
digits" from meaning "any digits"; every other look-around is left out. Wide counted gaps lose their upper bound.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_ITEM = re.compile(
    r"(?P<look>\(\?<?[=!])"
    r"|(?P<open>\((?:\?:|\?P<[a-z_]+>|\?[ismx]+:)?)"
    r"|(?P<set>\[(?P<negated>\^?)(?P<inner>\]?(?:\\.|[^\]\\])*)\])"
    r"|(?P<wide>\\[WDS]|\.)"
    r"|(?P<high>[^\x00-\x7f])"
    r"|(?P<mark>[|)^$]|\\[bBAZ])"
    r"|(?P<plain>\\.|.)",
    re.DOTALL,
)
_REPEAT = re.compile(r"(?P<how>[*+?]|\{(?P<least>\d+)(?P<comma>,?)(?P<most>\d*)\})[?+]?")
_FORBIDDEN = re.compile(r"(?P<set>\[(?!\^)(?:\\.|[^\]\\])+\])(?:\|(?:\\.|[^()|\\])+)*")
_ENDLESS = re.compile(r"(?:(?<!^)[*+]|,\})$")
_CLOSING = r"(?:\z|"
_HIGH = r"[\x80-\xff]"
_HAN_BYTES = 3
_FEW = 32
"""A set of more Chinese characters is written as one set for each of their three bytes: more match, at less cost."""
_NARROW = 6
"""Repeats up to this count are cheap to compile."""
_LONG = 6
"""A group that repeats more often is only asked for so many times: the exact pattern counts the rest."""
_SINGLE = 3
"""Repeats up to this count are of single characters, where any repeats of them would do."""


class _Atom(NamedTuple):
    text: str
    counts: bool
    """One of it is one byte, or always the same bytes, so that its repeats may be counted."""
    single: str = ""
    """Another form, of which one is one character: for a few repeats."""


class Loosened(NamedTuple):
    """A pattern for bytes that matches wherever the exact one matches characters."""

    pattern: str
    closed: bool
    """It ends at a neighbour of another kind, or nothing in it repeats without end: each place where the exact one ends
    is told, and few others are."""
    beyond: bool
    """What is told is the place after that neighbour, where there is one."""


def loosened(pattern: str) -> Loosened:
    """Return the loosened form of a pattern."""
    pieces = list(_pieces(pattern))
    beyond = bool(pieces) and pieces[-1].startswith(_CLOSING)
    return Loosened("".join(pieces), beyond or not any(map(_ENDLESS.search, pieces)), beyond)


def _pieces(pattern: str) -> Iterator[str]:
    at = 0
    while at < len(pattern):
        item = _ITEM.match(pattern, at)
        assert item is not None  # noqa: S101 - the last alternative takes any character
        at = item.end()
        if item["look"]:
            at = _closing(pattern, at)
            before = item["look"] == "(?<!" and item.start() == 0
            if before or (item["look"] == "(?!" and at == len(pattern)):
                yield _neighbour(pattern[item.end() : at - 1], edge="^" if before else r"\z")
        elif item["open"] or item["mark"]:
            yield _opened(item["open"]) if item["open"] else item["mark"]
        else:
            atom = _atom(item)
            repeat = _REPEAT.match(pattern, at)
            at = repeat.end() if repeat else at
            if atom.single and _is_few(repeat):
                atom = _Atom(atom.single, counts=True)
            yield atom.text + _repeated(atom, repeat)
            continue
        repeat = _REPEAT.match(pattern, at) if pattern[at - 1] == ")" and not item["look"] else None
        if repeat:
            at = repeat.end()
            yield _group_repeated(repeat)


def _opened(bracket: str) -> str:
    return "(" if bracket.startswith("(?P") else bracket


def _closing(pattern: str, at: int) -> int:
    """Return the place after the bracket that closes the one open here."""
    depth = 1
    while depth:
        item = _ITEM.match(pattern, at)
        if item is None:
            raise re.error("bracket not closed", pattern, at)
        depth += 1 if item["look"] or item["open"] else -1 if item["mark"] == ")" else 0
        at = item.end()
    return at


def _neighbour(inner: str, *, edge: str) -> str:
    r"""Return a neighbour of another kind, or the text's edge, for what `[0-9]` or `[0-9]|\.\d` forbids."""
    simple = _FORBIDDEN.fullmatch(inner)
    if simple is None:
        return ""
    # What else is forbidden, such as a stop with a digit after it, is left to the exact pattern.
    forbidden = re.sub(r"[^\x00-\x7f]", "", simple["set"])[1:-1]
    if not forbidden:
        return ""
    return f"(?:{edge}|[^{forbidden}])"  # begins as _CLOSING says


def _atom(item: re.Match[str]) -> _Atom:
    if item["high"]:
        return _Atom(f"(?:{item['high']})", counts=True)
    if item["wide"]:
        return _Atom(f"(?:{item['wide']})", counts=False)
    if item["set"] is None:
        return _Atom(item["plain"], counts=True)
    return _set(item["set"], item["inner"], negated=bool(item["negated"]))


def _set(whole: str, inner: str, *, negated: bool) -> _Atom:
    near = re.sub(r"[^\x00-\x7f](?:-[^\x00-\x7f])?", "", inner)
    if negated:
        return _Atom(f"[^{near}]" if near else r"[\x00-\xff]", counts=False)
    if near == inner:
        return _Atom(whole, counts=re.search(r"\\[WDS]", inner) is None)
    if re.search(r"[^\x00-\x7f]-[^\x00-\x7f]", inner):
        return _Atom(f"(?:[{near}]|{_HIGH})" if near else _HIGH, counts=False, single=_single(near, inner))
    far = sorted({each for each in inner if not each.isascii()})
    if len(far) > _FEW and all(len(each.encode()) == _HAN_BYTES for each in far):
        far = ["".join(f"[{_listed(codes)}]" for codes in zip(*map(str.encode, far), strict=True))]
    return _Atom(f"(?:{'|'.join([*far, *([f'[{near}]'] if near else [])])})", counts=True)


def _single(near: str, inner: str) -> str:
    """Return one character of a set, where all its far ones are of three bytes and known by the first of them."""
    far = [each.encode() for each in inner if not each.isascii()]
    if any(len(each) != _HAN_BYTES for each in far):
        return ""
    han = f"[{_listed(range(min(far)[0], max(far)[0] + 1))}][\\x80-\\xbf]{{2}}"
    return f"(?:[{near}]|{han})" if near else f"(?:{han})"


def _listed(codes: Iterable[int]) -> str:
    return "".join(f"\\x{code:02x}" for code in sorted(set(codes)))


def _repeated(atom: _Atom, repeat: re.Match[str] | None) -> str:
    if repeat is None:
        return "" if atom.counts else "+"
    least, most = _bounds(repeat)
    if not atom.counts:
        return "*" if least == 0 else "+"
    if most is not None and (most <= _NARROW or most == least):
        return f"{{{least},{most}}}"
    return {0: "*", 1: "+"}.get(least, f"{{{least},}}")


def _is_few(repeat: re.Match[str] | None) -> bool:
    most = _bounds(repeat)[1] if repeat else 1
    return most is not None and most <= _SINGLE


def _group_repeated(repeat: re.Match[str]) -> str:
    if _bounds(repeat)[0] > _LONG:
        return f"{{{_LONG},}}"
    return _repeated(_Atom(")", counts=True), repeat)


def _bounds(repeat: re.Match[str]) -> tuple[int, int | None]:
    match repeat["how"]:
        case "*":
            return 0, None
        case "+":
            return 1, None
        case "?":
            return 0, 1
    least = int(repeat["least"])
    if not repeat["comma"]:
        return least, least
    return least, int(repeat["most"]) if repeat["most"] else None
