"""Amounts: numbers with their units, however they are written: 1,200 · 1.2 thousand · 一千二百 · 0.12万 · 12 %.

An amount that a key names agrees with one that an answer names when they are the same quantity of the same dimension,
or when the answer's is the key's, rounded to the places the answer gives.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from jingwei.core.package_data import package_data

_LONGEST_NUMERAL = 40
_ROUNDED_PLACES = 2
"""So many significant digits must be left of a key that was rounded."""
_EXACT_PLACES = 3
"""A key of at most so many significant digits is not rounded at all."""
_CONVERTED = 0.015
"""How far two units' values may be apart: people round when they convert."""
_NEAR = 1e-6
"""What arithmetic may be off by."""
_WIDEST_RANGE = 0.03
"""A range this narrow, by its middle, still names its value."""


class Amount(NamedTuple):
    """One amount in a text; `low` and `high` are the same but in a range."""

    start: int
    end: int
    low: float
    high: float
    dimension: str
    """`length`, `ratio`, …; empty where no unit is known."""
    factor: float
    """Of its unit to the dimension's base unit."""
    places: int
    """Significant digits as written, trailing zeros of whole numbers left out."""


class _Number(NamedTuple):
    start: int
    end: int
    value: float
    places: int


@dataclass(frozen=True, slots=True)
class _Language:
    data: Mapping[str, Any]
    numeral: re.Pattern[str]
    unit: re.Pattern[str]
    units: Mapping[str, tuple[str, float, float]]
    between: re.Pattern[str]
    measure: re.Pattern[str]
    tenths: re.Pattern[str]


@lru_cache(maxsize=1)
def _language() -> _Language:
    data = package_data(__package__, "amounts.yaml")
    units: dict[str, tuple[str, float, float]] = {}
    for dimension, named in data["units"].items():
        for unit, factor in named.items():
            pair = factor if isinstance(factor, list) else [factor, 0]
            units[str(unit)] = (dimension, float(pair[0]), float(pair[1]))
    han = "".join([*data["digits"], *data["steps"], *data["groups"]])
    scales, groups = "|".join(data["scales"]), "".join(data["groups"]) + "".join(data["steps"])
    words = "|".join([*data["words"], *data["scales"]])
    longest = sorted(units, key=len, reverse=True)
    return _Language(
        data=data,
        numeral=re.compile(
            r"(?<![\da-z.])(?P<arabic>(?:\d{1,3}(?:[, ]\d{3})+|\d{1,20})(?:\.\d{1,15})?)"
            rf"(?P<scale>\s?(?:{scales})\b|[{groups}]{{1,3}})?"
            rf"|(?!{data['percent_before']})(?P<han>[{han}][{han}{data['point']}]{{0,{_LONGEST_NUMERAL}}})"
            rf"|\b(?P<words>(?:a\s+)?(?:{words})(?:(?:\s+and\s+|[\s-])(?:{words})){{0,10}})\b"
        ),
        unit=re.compile(
            r"\s*-?("
            + "|".join(
                re.escape(each) + (r"(?![a-z])" if each[-1].isascii() and each[-1].isalpha() else "")
                for each in longest
            )
            + ")"
        ),
        units=units,
        between=re.compile(data["between"]),
        measure=re.compile(data["measure_words"]),
        tenths=re.compile(data["tenths"]),
    )


def amounts(text: str) -> list[Amount]:
    """Return the amounts of a folded text, in order; the two ends of a range are one amount."""
    numbers = _numbers(text)
    found: list[Amount] = []
    at = 0
    while at < len(numbers):
        first = numbers[at]
        link = _linked(text, numbers, at)
        last = numbers[at + 1] if link else first
        amount = _amount(text, first, last)
        if found and (joined := _joined(text, found[-1], amount)):
            found[-1] = joined
        else:
            found.append(amount)
        at += 2 if link else 1
    return found


def agrees(key: Amount, said: Amount, *, tolerance: float = 0.0) -> bool:
    """Tell whether an answer's amount is the key's."""
    if key.dimension and said.dimension and key.dimension != said.dimension:
        return False
    if key.dimension == "ratio" and not said.dimension and abs(said.low - key.low * key.factor) <= _NEAR:
        return True
    known = bool(key.dimension and said.dimension)
    scale = key.factor / said.factor if known else 1.0
    low, high = key.low * scale, key.high * scale
    converted = known and not math.isclose(scale, 1.0)
    if key.low != key.high:
        return low * (1 - 1e-9) <= said.low and said.high <= high * (1 + 1e-9)
    if said.low != said.high:
        narrow = said.high - said.low <= _WIDEST_RANGE * abs(said.high + said.low) / 2
        return narrow and said.low <= low <= said.high
    return _same(low, said, places=key.places, tolerance=max(tolerance, _CONVERTED if converted else 0.0))


def vague(key: Amount, said: Amount) -> bool:
    """Tell whether an answer's amount is a range so wide that it only includes the key."""
    same = key.dimension == said.dimension or not (key.dimension and said.dimension)
    scale = key.factor / said.factor if key.dimension and said.dimension else 1.0
    return same and said.low < said.high and said.low <= key.low * scale <= said.high


def _same(wanted: float, said: Amount, *, places: int, tolerance: float) -> bool:
    apart = abs(said.low - wanted)
    if apart <= max(tolerance, _NEAR) * abs(wanted):
        return True
    if places <= _EXACT_PLACES or said.places < _ROUNDED_PLACES or not wanted:
        return False
    step = 10.0 ** (math.floor(math.log10(abs(wanted))) + 1 - said.places)
    return apart <= step / 2 * (1 + 1e-9)


def _amount(text: str, first: _Number, last: _Number) -> Amount:
    language = _language()
    start, end, dimension, factor, shift = first.start, last.end, "", 1.0, 0.0
    sign = language.data["signs"].get(text[start - 1 : start])
    before = text[max(0, start - len(language.data["percent_before"])) : start]
    unit = language.unit.match(text, end)
    if before == language.data["percent_before"]:
        dimension, factor = "ratio", 0.01
    elif unit:
        dimension, factor, shift = language.units[unit[1]]
        end = unit.end()
    elif language.tenths.match(text, end):
        dimension, factor, end = "ratio", 0.1, end + 1
    elif sign:
        dimension = sign
    low, high = sorted((_signed(text, first) + shift, _signed(text, last) + shift))
    if shift or dimension == "temperature":
        low, high, factor = low * factor, high * factor, 1.0
    return Amount(start, end, low, high, dimension, factor, max(first.places, last.places))


def _joined(text: str, amount: Amount, then: Amount) -> Amount | None:
    """Return two neighbours as one amount where they are one: 8 minutes 20 seconds."""
    smaller = (
        amount.dimension in {"time", "length"} and amount.dimension == then.dimension and amount.factor > then.factor
    )
    if not smaller or not re.fullmatch(_language().data["joins"], text[amount.end : then.start]):
        return None
    value = amount.low * amount.factor / then.factor + then.low
    return Amount(amount.start, then.end, value, value, then.dimension, then.factor, max(amount.places, then.places))


def _signed(text: str, number: _Number) -> float:
    before = text[max(0, number.start - 6) : number.start]
    return -number.value if re.search(_language().data["minus"], before) else number.value


def _linked(text: str, numbers: list[_Number], at: int) -> bool:
    """Tell whether a number and the next are the two ends of a range."""
    if at + 1 >= len(numbers):
        return False
    language, first, then = _language(), numbers[at], numbers[at + 1]
    unit = language.unit.match(text, first.end)
    for end in {first.end, unit.end() if unit else first.end}:
        between = text[end : then.start]
        if language.between.fullmatch(between):
            return first.value < then.value
        if re.search(language.data["between_and"], text[: first.start]):
            return re.fullmatch(language.data["between_and_link"], between) is not None
    return False


def _numbers(text: str) -> list[_Number]:
    found: list[_Number] = []
    for match in _language().numeral.finditer(text):
        number = _arabic(match) if match["arabic"] else _han(text, match) if match["han"] else _words(match)
        if number is None:
            continue
        between = text[found[-1].end : number.start] if found else None
        if between == _language().data["fraction"] and found[-1].value:
            found[-1] = _Number(found[-1].start, number.end, number.value / found[-1].value, number.places)
        elif between == "" and number.value < found[-1].value:
            found[-1] = _Number(found[-1].start, number.end, found[-1].value + number.value,
                                found[-1].places + number.places)  # fmt: skip
        else:
            found.append(number)
    return found


def _arabic(match: re.Match[str]) -> _Number:
    data = _language().data
    digits = match["arabic"].replace(",", "").replace(" ", "")
    scale = (match["scale"] or "").strip()
    factor = 1.0
    for each in [scale] if scale in data["scales"] else list(scale):
        factor *= {**data["scales"], **data["groups"], **data["steps"]}[each]
    end = match.end()
    if not scale and match.string[match.start() - 1 : match.start()] in data["signs"]:
        short = re.match(r"([mk])(?![a-z])", match.string[end:])
        factor, end = (data["short"][short[1]], end + 1) if short else (factor, end)
    return _Number(match.start(), end, float(digits) * factor, _places(digits))


def _places(digits: str) -> int:
    bare = digits.replace(".", "").lstrip("0")
    return len(bare if "." in digits else bare.rstrip("0")) or 1


def _han(text: str, match: re.Match[str]) -> _Number | None:
    """Read a Chinese numeral; a lone digit inside a word is none."""
    data, run = _language().data, match["han"]
    if len(run) == 1 and not _counts(text, match):
        return None
    whole, _, part = run.partition(data["point"])
    value = _whole(whole)
    if part:
        value += float("0." + "".join(str(data["digits"].get(each, "")) for each in part) + "0")
    return _Number(match.start(), match.end(), value, _places(f"{value:.15g}"))


def _counts(text: str, match: re.Match[str]) -> bool:
    language = _language()
    alone = text.strip(" .\u3002") == match["han"] or language.data["fraction"] in {
        text[match.end() : match.end() + 2], text[max(0, match.start() - 2) : match.start()]
    }  # fmt: skip
    percent = text[: match.start()].endswith(language.data["percent_before"])
    if match["han"] in language.data["groups"] or match["han"] in language.data["steps"]:
        return alone or percent or match["han"] not in language.data["groups"]
    after = match.end()
    return bool(alone or percent or language.measure.match(text, after) or language.unit.match(text, after)
                or language.tenths.match(text, after))  # fmt: skip


def _whole(run: str) -> float:
    data = _language().data
    if not any(each in data["steps"] or each in data["groups"] for each in run):
        return float("".join(str(data["digits"][each]) for each in run) or 0)
    total = group = 0.0
    digit: float | None = None
    for each in run:
        if each in data["digits"]:
            digit = float(data["digits"][each])
        elif each in data["steps"]:
            group += (1.0 if digit is None else digit) * data["steps"][each]
            digit = None
        else:
            group += digit or 0.0
            unit = data["groups"][each]
            total = (total + group) * unit if 0 < total < unit else total + (group or 1.0) * unit
            group, digit = 0.0, None
    return total + group + (digit or 0.0)


def _words(match: re.Match[str]) -> _Number:
    data = _language().data
    total = current = 0.0
    for word in re.findall(r"[a-z]+", match["words"]):
        if word in data["words"]:
            current += data["words"][word]
        elif word in data["scales"]:
            current = (current or 1.0) * data["scales"][word]
            if data["scales"][word] >= 1000:
                total, current = total + current, 0.0
    value = total + current
    return _Number(match.start("words"), match.end("words"), value, _places(f"{value:.15g}"))
