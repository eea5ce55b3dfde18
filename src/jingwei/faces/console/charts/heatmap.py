"""A grid of counts, each cell banded by how grave its place is."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from jingwei.faces.console.charts.svg import element, picture, shortened, title

_CELL, _GAP, _LEFT, _FOOT = 52, 4, 76, 28


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One cell: how many, and how grave (0 calm to 3 grave)."""

    count: int
    band: int


def heatmap(cells: Sequence[Sequence[HeatCell]], *, rows: Sequence[str], columns: Sequence[str], label: str) -> Markup:
    """Draw the grid; row and column names stand at its left and foot."""
    step = _CELL + _GAP
    marks: list[Markup] = []
    for y, (row, name) in enumerate(zip(cells, rows, strict=True)):
        top = y * step
        marks.append(element("text", shortened(name, width=_LEFT - 12, size=12), class_="note", x=_LEFT - 10,
                             y=top + _CELL / 2 + 4, text_anchor="end"))  # fmt: skip
        marks.extend(
            _cell(cell, _LEFT + x * step, top, f"{name} · {column}: {cell.count}")
            for x, (cell, column) in enumerate(zip(row, columns, strict=True))
        )
    foot = len(rows) * step + 16
    marks.extend(
        element("text", shortened(name, width=_CELL, size=12), class_="note", x=_LEFT + x * step + _CELL / 2, y=foot,
                text_anchor="middle")
        for x, name in enumerate(columns)
    )  # fmt: skip
    width, height = _LEFT + len(columns) * step, len(rows) * step + _FOOT
    return picture(*marks, width=width, height=height, label=label, class_="chart heatmap")


def _cell(cell: HeatCell, x: float, y: float, name: str) -> Markup:
    figure = str(cell.count) if cell.count else ""
    return element(
        "g", title(name),
        element("rect", class_=f"cell band-{cell.band}", x=x, y=y, width=_CELL, height=_CELL, rx=6),
        element("text", figure, class_="value", x=x + _CELL / 2, y=y + _CELL / 2 + 5, text_anchor="middle"),
    )  # fmt: skip
