"""The evidence wheel: how much of what is required stands, as a ring of shares with the count in its middle."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from jingwei.faces.console.charts.svg import element, picture, title

_SIZE = 168
_RADIUS = 66
_GAP_DEGREES = 2.4


@dataclass(frozen=True, slots=True)
class Slice:
    """One share of the ring."""

    name: str
    count: int
    tone: str
    """Colour class: good, warn, bad, info or quiet."""


def wheel(slices: Sequence[Slice], *, label: str, middle: str, below: str) -> Markup:
    """Draw the ring; `middle` and `below` are the two texts inside it."""
    shown = [piece for piece in slices if piece.count]
    total = sum(piece.count for piece in shown)
    parts: list[Markup] = []
    start = 0.0
    for piece in shown:
        sweep = 360 * piece.count / total
        gap = _GAP_DEGREES if len(shown) > 1 else 0.0
        parts.append(_share(piece, start + gap / 2, max(sweep - gap, 0.8)))
        start += sweep
    if not shown:
        parts.append(element("circle", class_="ring quiet", cx=_SIZE / 2, cy=_SIZE / 2, r=_RADIUS))
    centre = _SIZE / 2
    return picture(
        *parts,
        element("text", middle, class_="figure", x=centre, y=centre + 4, text_anchor="middle"),
        element("text", below, class_="note", x=centre, y=centre + 24, text_anchor="middle"),
        width=_SIZE, height=_SIZE, label=label, class_="chart wheel",
    )  # fmt: skip


def _share(piece: Slice, start: float, sweep: float) -> Markup:
    name = title(f"{piece.name}: {piece.count}")
    if sweep >= 359.9:
        return element("circle", name, class_=f"ring {piece.tone}", cx=_SIZE / 2, cy=_SIZE / 2, r=_RADIUS)
    (x1, y1), (x2, y2) = _point(start), _point(start + sweep)
    path = f"M{x1:.2f} {y1:.2f}A{_RADIUS} {_RADIUS} 0 {int(sweep > 180)} 1 {x2:.2f} {y2:.2f}"
    return element("path", name, class_=f"ring {piece.tone}", d=path)


def _point(degrees: float) -> tuple[float, float]:
    turn = math.radians(degrees - 90)
    return _SIZE / 2 + _RADIUS * math.cos(turn), _SIZE / 2 + _RADIUS * math.sin(turn)
