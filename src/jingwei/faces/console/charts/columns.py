"""Counts over time: one column a bucket, its parts one on another."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from jingwei.faces.console.charts.svg import element, picture, title

_WIDTH, _HEIGHT, _LEFT, _TOP, _FOOT = 940, 200, 48, 12, 26
_TICKS = 6


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a column."""

    value: int
    tone: str


@dataclass(frozen=True, slots=True)
class Column:
    """One bucket of time."""

    written: str
    """What stands below it, where there is room."""
    whole: str
    """The column in words: the mark's title."""
    parts: tuple[Part, ...]


def columns(rows: Sequence[Column], *, label: str) -> Markup:
    """Draw the columns over a scale of three lines; the lowest part is given first."""
    most = max((sum(part.value for part in row.parts) for row in rows), default=0)
    scale = _rounded(most)
    step = (_WIDTH - _LEFT) / max(len(rows), 1)
    every = -(-len(rows) // _TICKS)
    return picture(
        *_grid(scale),
        *(_column(row, _LEFT + step * number, step, scale) for number, row in enumerate(rows)),
        *(element("text", row.written, class_="note", x=_LEFT + step * (number + 0.5), y=_HEIGHT - 6,
                  text_anchor="middle")
          for number, row in enumerate(rows) if number % every == every // 2),
        width=_WIDTH, height=_HEIGHT, label=label, class_="chart columns-chart",
    )  # fmt: skip


def _rounded(most: int) -> int:
    """Return a round number at or above the largest column."""
    scale = 2
    while scale < most:
        scale = scale * 5 // 2 if str(scale).startswith("2") else scale * 2
    return scale


def _y(value: float, scale: int) -> float:
    return _HEIGHT - _FOOT - (_HEIGHT - _FOOT - _TOP) * value / scale


def _grid(scale: int) -> list[Markup]:
    marks = []
    for value in (0, scale // 2, scale):
        y = _y(value, scale)
        marks.append(element("line", class_="grid", x1=_LEFT, x2=_WIDTH, y1=y, y2=y))
        marks.append(element("text", f"{value:,}", class_="note", x=_LEFT - 8, y=y + 4, text_anchor="end"))
    return marks


def _column(row: Column, left: float, step: float, scale: int) -> Markup:
    marks, below = [title(row.whole)], 0
    wide = min(max(step * 0.72, 1.0), 36.0)
    # The whole height takes the pointer, so that a small column can be asked too.
    marks.append(element("rect", class_="ask", x=left, y=_TOP, width=step, height=_HEIGHT - _FOOT - _TOP))
    for part in row.parts:
        top, foot = _y(below + part.value, scale), _y(below, scale)
        if part.value:
            marks.append(element("rect", class_=f"bar {part.tone}", x=left + (step - wide) / 2, y=top, width=wide,
                                 height=max(foot - top, 1.0)))  # fmt: skip
        below += part.value
    return element("g", *marks)
