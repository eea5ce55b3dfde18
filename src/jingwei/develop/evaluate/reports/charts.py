"""Drawings: a share with its interval and its limit on one line. Everything that is drawn stands beside it in words."""

from datetime import UTC, datetime
from typing import Literal

from jingwei.core.interval import Rate
from jingwei.core.text import Both
from jingwei.develop.evaluate.measures import Kind
from jingwei.develop.evaluate.reports.markup import Html, heading, join, say, tag

Tone = Literal["good", "warn", "bad", "quiet"]
_MARKS: dict[Tone, str] = {"good": "✓", "warn": "~", "bad": "✕", "quiet": "·"}


def tone_of(rate: Rate, limit: float | None) -> Tone:
    """Tell how a share of bad ends stands to its limit: surely above, not shown to be below, surely below."""
    if limit is None or not rate.samples:
        return "quiet"
    if rate.low > limit:
        return "bad"
    return "warn" if rate.high > limit else "good"


def strip(rate: Rate, *, limit: float | None = None, tone: Tone | None = None, words: str = "") -> Html:
    """Draw a share between 0 and 100 %: a dot, its 95 % interval as a band, its limit as a tick."""
    if not rate.samples:
        return tag("span", say("not-measured"), class_="faint")
    low, high = min(rate.low, rate.value), max(rate.high, rate.value)
    shown = words or interval(rate)
    return tag(
        "svg",
        tag("title", shown),
        tag("rect", class_="track", x="0", y="9", width="100%", height="6", rx="3"),
        tag("rect", class_="band", x=_percent(low), y="5", width=_percent(max(high - low, 0.006)), height="14", rx="4"),
        None if limit is None else tag("line", class_="limit", x1=_percent(limit), x2=_percent(limit), y1="0", y2="24"),
        tag("circle", class_="dot", cx=_percent(rate.value), cy="12", r="5"),
        class_=f"strip {tone or tone_of(rate, limit)}", width="100%", height="24", role="img", aria_label=shown,
    )  # fmt: skip


def row(name: Both | Html, rate: Rate, *, limit: float | None = None, code: str = "") -> Html:
    """Write one line of a table of shares: name, drawing, value, interval, sample."""
    tone = tone_of(rate, limit)
    first = join(mark(tone), " ", name, tag("code", code, class_="id") if code else None)
    return tag(
        "tr",
        tag("th", first, scope="row"),
        tag("td", strip(rate, limit=limit), class_="drawn"),
        tag("td", percent(rate.value) if rate.samples else "–", class_="right strong"),
        tag("td", interval(rate) if rate.samples else "–", class_="right soft span"),
        tag("td", f"{rate.hits} / {rate.samples}", class_="right faint"),
    )


def rows(caption: Both, body: list[Html], *, first: Both) -> Html:
    """Write a table of shares."""
    heads = [tag("th", first, scope="col"), tag("th", tag("span", say("column-drawn"), class_="hidden"), scope="col"),
             *(tag("th", say(f"column-{each}"), scope="col", class_=f"right {each}")
               for each in ("share", "interval", "count"))]  # fmt: skip
    return tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *body),
        class_="shares",
    )


def mark(tone: Tone) -> Html:
    """Return the sign that says the same as the colour."""
    words = say(f"tone-{tone}")
    return tag("span", _MARKS[tone], class_=f"mark {tone}", role="img", aria_label=heading(words), title=heading(words))


def kind_name(kind: Kind) -> Both:
    """Return what a bad end of a kind is called."""
    return say(f"kind-{kind}")


def percent(value: float) -> str:
    """Write a share: one decimal below ten per cent, so that 0.4 % is not nothing."""
    shown = 100 * value
    return f"{shown:.0f}%" if abs(shown) >= 10 or shown == 0 else f"{shown:.1f}%"


def interval(rate: Rate) -> str:
    """Write a 95 % interval."""
    return f"{percent(rate.low)} – {percent(rate.high)}"


def number(value: float) -> str:
    """Write a number with blanks between thousands, or few decimals where it is small."""
    return f"{value:,.0f}".replace(",", " ") if value == int(value) or abs(value) >= 100 else f"{value:.2f}"


def moment(at: datetime) -> str:
    """Write a point in time to the minute."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _percent(value: float) -> str:
    return f"{100 * min(max(value, 0.0), 1.0):.2f}%"
