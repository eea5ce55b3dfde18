"""Where an answer stands to a name: says it, denies it, tells it as another's error, keeps it open; or does not know.

Patterns are data (`stance.yaml`); all of it reads folded text (`jingwei.develop.evaluate.signals.plain`).
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from jingwei.core.package_data import package_data

_CLAUSE = re.compile(r"[,;:\u3001\u3002!?\n]|\.(?=\s|$)")
_SENTENCE = re.compile(r"[^;\u3002!?\n]*?(?:[;\u3002!?\n]|\.(?=\s|$)|$)")
_QUOTES = "\"'“”‘’《》〈〉「」『』()[]{}.,;:!?\u3001\u3002* `_"
_HAN = re.compile(r"[\u3400-\u9fff]")
_REACH = 60


class _Stance(BaseModel):
    """The file of patterns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    abstains: tuple[str, ...]
    guesses: tuple[str, ...]
    denies_before: tuple[str, ...]
    mistaken_before: tuple[str, ...]
    denies_after: tuple[str, ...]
    either: str
    either_before: str
    joins: str
    finally_: str
    rebuts: tuple[str, ...]
    begins_yes: str
    copula: str
    begins_no: str


class Mention(NamedTuple):
    """A place where an answer names something."""

    start: int
    end: int
    denied: bool


@lru_cache(maxsize=1)
def _patterns() -> dict[str, re.Pattern[str]]:
    data = package_data(__package__, "stance.yaml")
    read = _Stance.model_validate({("finally_" if name == "finally" else name): value for name, value in data.items()})
    return {
        name: re.compile(value if isinstance(value, str) else "|".join(value))
        for name, value in read.model_dump().items()
    }


def clean(text: str) -> str:
    """Return a folded name without quotes, brackets, full stops and a leading article."""
    return re.sub(r"^(?:the|an?) (?=\w)", "", text.strip(_QUOTES))


def mentions(text: str, name: str) -> Iterator[Mention]:
    """Give the places where a folded text names something; `name` is folded too."""
    bare = clean(name)
    if not bare:
        return
    for match in _named(bare).finditer(text):
        if len(bare) == 1 and not _alone(text, match):
            continue
        yield Mention(match.start(), match.end(), denied(text, match.start(), match.end()))


@lru_cache(maxsize=4096)
def _named(bare: str) -> re.Pattern[str]:
    body = r"[\s-]*".join(re.escape(each) for each in re.split(r"[\s-]+", bare))
    before = r"(?<![a-z0-9])" if bare[0].isascii() and bare[0].isalnum() else ""
    after = r"(?:'s|(?<!s)s)?(?![a-z0-9])" if bare[-1].isascii() and bare[-1].isalnum() else ""
    return re.compile(f"{before}{body}{after}")


def _alone(text: str, match: re.Match[str]) -> bool:
    """Tell whether a name of one character stands for itself, not as part of a word."""
    after = text[match.end() : match.end() + 1]
    before = text[match.start() - 1 : match.start()]
    closed = not after or not _HAN.match(after)
    return closed and (
        not before or not _HAN.match(before) or bool(_patterns()["copula"].search(text[: match.start()]))
    )


def denied(text: str, start: int, end: int) -> bool:
    """Tell whether what stands at a place is denied, or told as another's error."""
    patterns = _patterns()
    before = _CLAUSE.split(text[max(0, start - _REACH) : start])[-1]
    after = _CLAUSE.split(text[end : end + _REACH])[0]
    if patterns["denies_before"].search(before) or patterns["mistaken_before"].search(before):
        return True
    return patterns["denies_after"].search(after) is not None


def sentences(text: str) -> list[tuple[int, int]]:
    """Return where the sentences of a folded text lie."""
    return [match.span() for match in _SENTENCE.finditer(text) if match[0].strip(_QUOTES)]


def abstains(text: str) -> bool:
    """Tell whether a folded text says that its author does not know."""
    return _patterns()["abstains"].search(text) is not None


def guesses(text: str) -> bool:
    """Tell whether a folded text offers a guess."""
    return _patterns()["guesses"].search(text) is not None


def rebuts(text: str) -> bool:
    """Tell whether a folded text denies something."""
    return _patterns()["rebuts"].search(text) is not None


def leads(text: str) -> int:
    """Return 1 where a folded text begins with a yes, -1 where with a no, else 0."""
    patterns = _patterns()
    return 1 if patterns["begins_yes"].search(text) else -1 if patterns["begins_no"].search(text) else 0


def left_open(text: str, mention: Mention, others: Sequence[tuple[int, int]] = ()) -> bool:
    """Tell whether a mention is one of several that the text leaves open: `either A or B`.

    Args:
        text: folded.
        mention: the place.
        others: places that name the same thing in other words; they leave nothing open.
    """
    patterns = _patterns()
    before = _CLAUSE.split(text[max(0, mention.start - _REACH) : mention.start])[-1]
    if patterns["either_before"].search(before):
        return True
    after = _CLAUSE.split(text[mention.end : mention.end + _REACH])[0]
    link = re.match(rf"[\s\"”)》]*{patterns['either'].pattern}\s*", after)
    if link:
        at = mention.end + link.end()
        return not any(start <= at + 4 and at <= end for start, end in others)
    link = re.search(rf"(\w+)[\s\"”)》]*{patterns['either'].pattern}\s*[\"“《(]?(?:the |an? |in )?$", before)
    return bool(link) and not any(end > mention.start - len(before) and start < mention.start for start, end in others)


def decided(text: str) -> str:
    """Return the part of a folded text from its last word of conclusion on, or all of it."""
    ends = [match.end() for match in _patterns()["finally_"].finditer(text)]
    return text[ends[-1] :] if ends and text[ends[-1] :].strip(_QUOTES) else text


def joined(text: str, one: Mention, other: Mention) -> bool:
    """Tell whether two mentions are only named together: `between A and B`."""
    first, then = sorted((one, other))
    between = text[first.end : then.start]
    return len(between) < 12 and _patterns()["joins"].search(between) is not None
