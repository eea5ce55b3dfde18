"""Split characters (拆字): 贝长 for 账. Finds parts that stand side by side and may be meant as one character."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from jingwei.detect.matcher import Matcher, matcher


@dataclass(frozen=True, slots=True)
class Splits:
    """What parts make which characters."""

    matcher: Matcher
    wholes: tuple[str, ...]
    """By the matcher's number: the characters that the parts make, the commonest first."""
    natural: frozenset[int]
    """Numbers of parts that ordinary text has side by side: alone they mean nothing."""
    beginnings: frozenset[str]
    """All proper beginnings of parts."""


@lru_cache(maxsize=1)
def splits() -> Splits:
    """Load the table."""
    source = files("jingwei.detect").joinpath("readings", "splits.txt").read_text(encoding="utf-8")
    wholes: dict[str, list[str]] = {}
    natural: set[str] = set()
    for line in source.splitlines():
        whole, ways = line.split("\t")
        for way in ways.split():
            parts = way.removesuffix("~")
            wholes.setdefault(parts, []).append(whole)
            if parts != way:
                natural.add(parts)
    listed = list(wholes)
    ranked = tuple("".join(sorted(wholes[parts], key=_rank)) for parts in listed)
    numbers: Mapping[str, int] = {parts: number for number, parts in enumerate(listed)}
    beginnings = frozenset(parts[:length] for parts in listed for length in range(1, len(parts)))
    return Splits(matcher(listed), ranked, frozenset(numbers[parts] for parts in natural), beginnings)


def _rank(character: str) -> bytes:
    """Order as GB 2312 does: its first level holds the common characters."""
    return character.encode("gb2312")
