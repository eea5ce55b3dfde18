"""Shares with their 95 % intervals, one under another: attack success before and after a change."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from jingwei.faces.console.charts.svg import element, picture, shortened, title

_WIDTH, _LEFT, _RIGHT = 520, 132, 64
_ROW, _TOP, _FOOT = 46, 10, 26


@dataclass(frozen=True, slots=True)
class Interval:
    """One measured share between 0 and 1."""

    name: str
    value: float
    low: float
    high: float
    tone: str
    written: str
    """The value as the page's language writes it."""
    whole: str
    """The value, its interval and its sample in words: the mark's title."""


def intervals(rows: Sequence[Interval], *, label: str) -> Markup:
    """Draw a bar for each share, whiskers for its interval, and its value at the right."""
    height = _TOP + _ROW * len(rows) + _FOOT
    return picture(
        *_grid(height - _FOOT),
        *(_row(row, _TOP + _ROW * number) for number, row in enumerate(rows)),
        width=_WIDTH, height=height, label=label, class_="chart intervals",
    )  # fmt: skip


def _x(share: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(max(share, 0.0), 1.0)


def _grid(bottom: float) -> list[Markup]:
    marks = []
    for quarter in range(5):
        x = _x(quarter / 4)
        marks.append(element("line", class_="grid", x1=x, x2=x, y1=_TOP, y2=bottom))
        marks.append(element("text", f"{quarter * 25}%", class_="note", x=x, y=bottom + 18, text_anchor="middle"))
    return marks


def _row(row: Interval, top: float) -> Markup:
    middle = top + _ROW / 2
    low, high = _x(row.low), _x(row.high)
    return element(
        "g",
        title(f"{row.name}: {row.whole}"),
        element("text", shortened(row.name, width=_LEFT - 14, size=13), class_="name", x=_LEFT - 12, y=middle + 4.5,
                text_anchor="end"),
        element("rect", class_=f"bar {row.tone}", x=_LEFT, y=middle - 9, width=max(_x(row.value) - _LEFT, 1.5),
                height=18, rx=3),
        element("path", class_="whisker", d=f"M{low:.1f} {middle - 5}v10M{low:.1f} {middle}H{high:.1f}"
                f"M{high:.1f} {middle - 5}v10"),
        element("text", row.written, class_="value", x=_WIDTH - 6, y=middle + 4.5, text_anchor="end"),
    )  # fmt: skip
