"""A share from run to run: points with their 95 % intervals over time, a line for each series."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from jingwei.faces.console.charts.svg import element, picture, title

_WIDTH, _LEFT, _RIGHT, _TOP, _TALL, _FOOT = 440, 44, 20, 12, 120, 26


@dataclass(frozen=True, slots=True)
class Measured:
    """One run's share."""

    at: datetime
    value: float
    low: float
    high: float
    whole: str
    """The run, the value and its interval in words: the mark's title."""


@dataclass(frozen=True, slots=True)
class Series:
    """The runs of one kind, the earliest first."""

    tone: str
    points: tuple[Measured, ...]


def course(series: Sequence[Series], *, ticks: Sequence[tuple[datetime, str]], label: str) -> Markup:
    """Draw the series over one time axis; `ticks` are the moments to write below it, with their words."""
    moments = [point.at for each in series for point in each.points]
    first, last = min(moments), max(moments)

    def x(at: datetime) -> float:
        if first == last:
            return (_LEFT + _WIDTH - _RIGHT) / 2
        return _LEFT + 14 + (_WIDTH - _LEFT - _RIGHT - 28) * ((at - first) / (last - first))

    marks = _grid()
    for each in series:
        spots = [(x(point.at), point) for point in each.points]
        if len(spots) > 1:
            line = "M" + "L".join(f"{left:.1f} {_y(point.value):.1f}" for left, point in spots)
            marks.append(element("path", class_=f"course-line {each.tone}", d=line))
        for left, point in spots:
            low, high = _y(point.low), _y(point.high)
            marks.append(element("path", class_="whisker", d=f"M{left - 4:.1f} {low:.1f}h8M{left:.1f} {low:.1f}"
                                 f"V{high:.1f}M{left - 4:.1f} {high:.1f}h8"))  # fmt: skip
            marks.append(element("circle", title(point.whole), class_=f"dot {each.tone}", cx=left, cy=_y(point.value),
                                 r=5))  # fmt: skip
    marks.extend(
        element("text", written, class_="note", x=x(at), y=_TOP + _TALL + 20, text_anchor="middle")
        for at, written in ticks
    )
    return picture(*marks, width=_WIDTH, height=_TOP + _TALL + _FOOT, label=label, class_="chart course")


def _y(share: float) -> float:
    return _TOP + _TALL * (1 - min(max(share, 0.0), 1.0))


def _grid() -> list[Markup]:
    marks = []
    for quarter in range(0, 5, 2):
        y = _y(quarter / 4)
        marks.append(element("line", class_="grid", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y))
        marks.append(element("text", f"{quarter * 25}%", class_="note", x=_LEFT - 8, y=y + 4, text_anchor="end"))
    return marks
