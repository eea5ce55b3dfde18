"""The code in an answer: in fences, with the wrong tag, in several pieces, or with no fence at all."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from jingwei.core.package_data import package_data

_LONGEST, _MOST, _LONGEST_BLOCK = 120_000, 24, 20_000
"""Characters of an answer, blocks, and characters of a block that are read."""
_FENCE = re.compile(r"^[ \t>]{0,12}(`{3,}|~{3,})[ \t]*([^\n`]{0,80})\n", re.MULTILINE)
_BEFORE = 160
"""Characters before a block that may call it an example of what not to do."""
_ENOUGH = 0.5
"""Share of lines that must look like code where there is no fence."""


class Block(NamedTuple):
    """One piece of code."""

    code: str
    language: str
    """One of `LANGUAGES`, `output` for what a console printed, or empty where it is another one."""
    bad_example: bool = False
    """The words before it say that it is the code as it was, or as it must not be."""


@lru_cache(maxsize=1)
def _data() -> Mapping[str, Any]:
    found: Mapping[str, Any] = package_data(__package__, "languages.yaml")
    return found


LANGUAGES: tuple[str, ...] = ("bash", "c", "go", "html", "java", "javascript", "php", "python", "sql")
"""The nine languages of the grid; `c` is C and C++."""


@lru_cache(maxsize=1)
def _aliases() -> Mapping[str, str]:
    return {alias: name for name, aliases in _data()["aliases"].items() for alias in (name, *aliases)}


@lru_cache(maxsize=1)
def _signs() -> Mapping[str, tuple[re.Pattern[str], ...]]:
    return {name: tuple(re.compile(each, re.MULTILINE) for each in signs) for name, signs in _data()["signs"].items()}


@lru_cache
def _shape(name: str) -> re.Pattern[str]:
    return re.compile(_data()[name], re.IGNORECASE | re.MULTILINE)


def blocks(answer: str, *, language: str) -> tuple[Block, ...]:
    """Take the code out of an answer.

    Args:
        answer: what came back.
        language: the one that was asked for; it decides where neither tag nor code tells.
    """
    said = answer[:_LONGEST].replace("\r\n", "\n")
    found = tuple(_fenced(said, language))
    if found or not _bare(said):
        return found
    return (Block(said[:_LONGEST_BLOCK], language_of(said, tag="", asked=language)),)


def language_of(code: str, *, tag: str, asked: str) -> str:
    """Tell the language of a piece of code: what its tag says, unless the code itself says clearly otherwise."""
    named = _aliases().get(tag.strip().lower().strip("{.}").split(" ")[0].split(":")[0].split(",")[0])
    if named is None and tag.strip():
        return ""
    told = named or asked
    scores = {name: sum(sign.search(code) is not None for sign in signs) for name, signs in _signs().items()}
    best = max(scores, key=lambda name: (scores[name], name == told))
    if told == "output":
        return told
    return best if scores[best] >= scores.get(told, 0) + 2 else told


def same(one: str, other: str) -> bool:
    """Tell whether two pieces of code differ in white space alone."""
    return "".join(one.split()) == "".join(other.split())


def kept(found: Sequence[Block], given: Sequence[Block]) -> list[Block]:
    """Return the blocks an answer stands by: quotes of what it was given and bad examples count only where all are."""
    pieces = [each for each in found if each.language != "output"]
    own = [each for each in pieces if not each.bad_example and not any(same(each.code, one.code) for one in given)]
    return own or pieces


def _fenced(said: str, language: str) -> Iterator[Block]:
    place, count, after = 0, 0, 0
    while count < _MOST and (begin := _FENCE.search(said, place)):
        mark = begin[1]
        close = re.compile(rf"^[ \t>]{{0,12}}{re.escape(mark[0])}{{{len(mark)},}}[ \t]*$", re.MULTILINE)
        end = close.search(said, begin.end())
        code = said[begin.end() : end.start() if end else len(said)][:_LONGEST_BLOCK]
        before = said[max(after, begin.start() - _BEFORE) : begin.start()]
        place = after = end.end() if end else len(said)
        if code.strip():
            count += 1
            yield Block(code, language_of(code, tag=begin[2], asked=language), _calls_bad(before))


def _calls_bad(before: str) -> bool:
    last = [line for line in before.splitlines() if line.strip()][-1:]
    return bool(last) and bool(_shape("bad_example").search(last[0])) and not _shape("good_example").search(last[0])


def _bare(said: str) -> bool:
    lines = [line for line in said.splitlines() if line.strip()][:400]
    like = sum(_shape("code_line").search(line) is not None for line in lines)
    return bool(lines) and like >= max(1, _ENOUGH * len(lines))
