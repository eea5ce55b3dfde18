"""What happened to a System, lane by lane, from left to right."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from jingwei.faces.console.charts.svg import element, picture, shortened, title

_WIDTH, _LEFT, _RIGHT, _ROW, _FOOT = 760, 96, 24, 40, 28
_NEAR_EDGE = 52


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened."""

    at: datetime
    name: str
    tone: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One line of moments."""

    name: str
    moments: tuple[Moment, ...]


def timeline(lanes: Sequence[Lane], *, ticks: Sequence[tuple[datetime, str]], label: str) -> Markup:
    """Draw the lanes over one time axis; `ticks` are the moments to write below it, with their words."""
    moments = [moment.at for lane in lanes for moment in lane.moments] + [at for at, _ in ticks]
    first, last = (min(moments), max(moments)) if moments else (None, None)

    def x(at: datetime) -> float:
        if first is None or last is None or first == last:
            return (_LEFT + _WIDTH - _RIGHT) / 2
        return _LEFT + 10 + (_WIDTH - _LEFT - _RIGHT - 20) * ((at - first) / (last - first))

    height = _ROW * len(lanes) + _FOOT
    marks: list[Markup] = []
    for number, lane in enumerate(lanes):
        y = number * _ROW + _ROW / 2
        marks.append(element("text", shortened(lane.name, width=_LEFT - 14, size=13), class_="name", x=0, y=y + 4.5))
        marks.append(element("line", class_="grid", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y))
        marks.extend(
            element("circle", title(moment.name), class_=f"dot {moment.tone}", cx=x(moment.at), cy=y, r=6)
            for moment in lane.moments
        )
    marks.extend(
        element("text", written, class_="note", x=x(at), y=height - 8, text_anchor=_anchor(x(at)))
        for at, written in ticks
    )
    return picture(*marks, width=_WIDTH, height=height, label=label, class_="chart timeline")


def _anchor(x: float) -> str:
    """Keep a word that stands near the edge inside the picture."""
    return "end" if x > _WIDTH - _NEAR_EDGE else "middle"
