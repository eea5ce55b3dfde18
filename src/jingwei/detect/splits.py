"""Split characters (拆字): 贝长 for 账. Finds parts that stand side by side and may be meant as one character."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from jingwei.detect.matcher import Matcher, matcher
from jingwei.detect.reading import syllables


class Meant(NamedTuple):
    """A character that parts may stand for."""

    letter: str
    sound: str
    weak: bool
    """Ordinary text has the parts side by side: alone they mean nothing."""


@dataclass(frozen=True, slots=True)
class Splits:
    """What parts make which characters."""

    matcher: Matcher
    common: tuple[Meant, ...]
    """By the matcher's number: the commonest character that the parts make."""
    rare: tuple[Meant, ...]
    """The rarest; mostly the same."""
    several: frozenset[int]
    """Numbers of parts that make more than one."""
    strong: frozenset[int]
    """Numbers of parts that ordinary text does not have side by side."""
    natural: Mapping[str, tuple[str, ...]]
    """Of characters: the parts that make them, and that ordinary text has side by side."""
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
    beginnings = frozenset(parts[:length] for parts in wholes for length in range(1, len(parts)))
    known = syllables().known
    common, rare = (
        tuple(Meant(letter := choose(each, key=_rank), known.get(letter, letter), parts in natural)
              for parts, each in wholes.items())
        for choose in (min, max)
    )  # fmt: skip
    several = frozenset(number for number, (one, other) in enumerate(zip(common, rare, strict=True)) if one != other)
    strong = frozenset(number for number, parts in enumerate(wholes) if parts not in natural)
    weak: dict[str, tuple[str, ...]] = {}
    for parts in sorted(natural):
        for character in wholes[parts]:
            weak[character] = (*weak.get(character, ()), parts)
    return Splits(matcher(list(wholes)), common, rare, several, strong, weak, beginnings)


def _rank(character: str) -> bytes:
    """Order as GB 2312 does: its first level holds the common characters."""
    return character.encode("gb2312")
