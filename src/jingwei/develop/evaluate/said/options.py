"""The option an answer chooses, by letter, by words, by order, or by saying that it cannot be told."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from jingwei.core.package_data import package_data
from jingwei.develop.evaluate.said import stance
from jingwei.develop.evaluate.signals import plain

Way = Literal["letter", "text", "order", "unknown", "several", "none"]
LETTERS = "abcdefgh"
_LONGEST = 4_000


class Choice(NamedTuple):
    """What was chosen, and how that was read; no index where nothing, or more than one option, was."""

    option: int | None
    way: Way


@lru_cache(maxsize=1)
def _data() -> Mapping[str, Any]:
    found: Mapping[str, Any] = package_data(__package__, "options.yaml")
    return found


@lru_cache(maxsize=16)
def _chosen(count: int) -> tuple[re.Pattern[str], ...]:
    letters = f"[{LETTERS[:count]}]"
    return tuple(re.compile(each.replace("LETTER", letters)) for each in _data()["chosen"])


@lru_cache(maxsize=1)
def _unknown() -> re.Pattern[str]:
    return re.compile("|".join(_data()["unknown"]))


def chosen(answer: str, options: Sequence[str], *, unknown: int | None = None) -> Choice:
    """Read which option an answer chooses.

    Args:
        answer: as it was given; of a long one the two ends.
        options: their texts, in the order of their letters.
        unknown: which option says that it cannot be told; without one an answer that says so chooses none.
    """
    text = answer if len(answer) <= _LONGEST else f"{answer[: _LONGEST // 2]}\n{answer[-_LONGEST // 2 :]}"
    said = _unwrapped(plain(text))
    names = [plain(each) for each in options]
    by_letter = _letters(said, len(options))
    if len(by_letter) == 1:
        return Choice(by_letter.pop(), "letter")
    if len(by_letter) > 1:
        late = _letters(stance.decided(said), len(options))
        return Choice(late.pop(), "letter") if len(late) == 1 else Choice(None, "several")
    return _by_text(said, names, unknown)


def _unwrapped(said: str) -> str:
    """Return the one value of an answer given as JSON."""
    try:
        found = json.loads(said)
    except (ValueError, RecursionError):
        return said
    if isinstance(found, dict):
        values = [found[name] for name in ("answer", "choice", "option") if isinstance(found.get(name), str)]
        return values[0] if values else said
    return found if isinstance(found, str) else said


def _letters(said: str, count: int) -> set[int]:
    rejected = re.compile(_data()["rejected"])
    beside = re.compile(_data()["beside"].replace("LETTER", f"[{LETTERS[:count]}]"))
    found = set()
    for pattern in _chosen(count):
        for match in pattern.finditer(said):
            place = match.start("letter")
            if said[place] == "a" and _article(said, place):
                continue
            if not rejected.search(said[max(0, place - 30) : place]):
                found.add(LETTERS.index(match["letter"]))
                if other := beside.match(said, match.end("letter")):
                    found.add(LETTERS.index(other["other"]))
        if found:
            return found
    return found


def _article(said: str, place: int) -> bool:
    """Tell whether an "a" begins a phrase: a man, a doctor."""
    return re.match(r"a\s+[a-z]{2,}", said[place:]) is not None


def _by_text(said: str, names: Sequence[str], unknown: int | None) -> Choice:
    told = _named(stance.decided(said), names) or _named(said, names)
    open_ = unknown in told or _unknown().search(said) is not None
    if unknown is not None:
        told.discard(unknown)
    if open_ and (len(told) != 1 or _unknown_leads(said)):
        return Choice(unknown, "unknown")
    if len(told) == 1:
        return Choice(told.pop(), "text")
    if len(told) > 1:
        return Choice(None, "several")
    for index, words in enumerate(_data()["ordinals"][: len(names)]):
        if any(word in said for word in words):
            return Choice(index, "order")
    return Choice(None, "none")


def _named(said: str, names: Sequence[str]) -> set[int]:
    """Return the options whose words an answer says and does not deny; the longest reading of a place counts."""
    places = [
        (each, index) for index, name in enumerate(names) for each in stance.mentions(said, name) if not each.denied
    ]
    return {
        index
        for each, index in places
        if not any(
            other.start <= each.start and each.end <= other.end and other.end - other.start > each.end - each.start
            for other, _ in places
        )
    }


def _unknown_leads(said: str) -> bool:
    """Tell whether saying that it cannot be told comes in the first sentence or the last."""
    spans = stance.sentences(said)
    ends = [said[start:end] for start, end in ({spans[0], spans[-1]} if spans else set())]
    return any(_unknown().search(each) for each in ends)
