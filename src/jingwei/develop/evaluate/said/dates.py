"""Dates: a day, a month, a year, a decade or a century, however it is written in Chinese or English."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from jingwei.core.package_data import package_data


class When(NamedTuple):
    """A date in a text; 0 is not said. Years before the common era are negative."""

    start: int
    end: int
    first: int
    """Year, or the first year of a span."""
    last: int
    month: int
    day: int
    swapped: bool = False
    """Month and day may stand the other way round: 3/4/2020."""


@lru_cache(maxsize=1)
def _data() -> Mapping[str, Any]:
    found: Mapping[str, Any] = package_data(__package__, "dates.yaml")
    return found


@lru_cache(maxsize=1)
def _patterns() -> tuple[re.Pattern[str], ...]:
    names = "|".join(sorted((rf"\b{name}\b" for names in _data()["months"] for name in names), key=len, reverse=True))
    return tuple(re.compile(each.replace("MONTH", names)) for each in _data()["patterns"])


@lru_cache(maxsize=1)
def _months() -> Mapping[str, int]:
    return {name: number for number, names in enumerate(_data()["months"], start=1) for name in names}


def dates(text: str) -> list[When]:
    """Return the dates of a folded text in order; the fullest reading of a place counts.

    Offsets are those of `spelled(text)`.
    """
    taken: list[When] = []
    said = spelled(text)
    for pattern in _patterns():
        for match in pattern.finditer(said):
            if all(match.end() <= each.start or match.start() >= each.end for each in taken):
                taken += _read(match)
    return sorted(taken)


def spelled(text: str) -> str:
    """Return a text whose Chinese numerals before a unit of the calendar are digits."""
    return re.sub(_data()["numeral"], lambda match: _digits(match[0]), text)


def agree(key: When, said: When) -> bool:
    """Tell whether an answer's date is the key's: as exact as the key or more."""
    year = key.first == 0 or (said.first and key.first <= said.first and said.last <= key.last)
    straight = key.month in {0, said.month} and key.day in {0, said.day}
    crossed = said.swapped and key.month == said.day and key.day == said.month
    return bool(year and (straight or crossed))


def coarser(key: When, said: When) -> bool:
    """Tell whether an answer's date includes the key's but says less."""
    year = said.first == 0 or (said.first <= key.first and key.last <= said.last)
    return year and said.month in {0, key.month} and said.day in {0, key.day} and not agree(key, said)


def _digits(run: str) -> str:
    data = _data()
    figures = {each: str(number) for number, each in enumerate(data["digits"][1:])} | {
        data["digits"][0]: "0",
        data["zero"]: "0",
    }
    if data["ten"] in run or data["twenty"] in run:
        tens, _, ones = run.replace(data["twenty"], figures_two(data)).partition(data["ten"])
        head = figures.get(tens, "1") if len(tens) < 2 else "".join(figures[each] for each in tens)
        return f"{head}{figures.get(ones, '0')}"
    return "".join(figures[each] for each in run)


def figures_two(data: Mapping[str, Any]) -> str:
    """Return twenty as two tens."""
    return f"{data['digits'][3]}{data['ten']}"


def _read(match: re.Match[str]) -> Iterator[When]:
    parts = {name: value for name, value in match.groupdict().items() if value}
    start, end = match.span()
    if "century" in parts:
        first = (int(parts["century"]) - 1) * 100
        if "decade" in parts:
            yield When(start, end, first + int(parts["decade"]), first + int(parts["decade"]) + 9, 0, 0)
        else:
            yield When(start, end, first + 1, first + 100, 0, 0)
        return
    if "decade4" in parts:
        yield When(start, end, int(parts["decade4"]), int(parts["decade4"]) + 9, 0, 0)
        return
    year = int(parts.get("y", 0)) * (-1 if "bc" in parts else 1)
    month, day = int(parts.get("m", 0)), int(parts.get("d", 0))
    if "month" in parts:
        month = _months()[parts["month"]]
    if "either" in parts:
        one, other = (int(each) for each in re.split(r"[/.-]", parts["either"]))
        month, day = (one, other) if one <= 12 else (other, one)
        yield When(start, end, year, year, month, day, swapped=one <= 12 and other <= 12)
        return
    if month <= 12 and day <= 31:
        yield When(start, end, year, year, month, day)
