"""A square code of dark and light modules, for a phone's camera."""

from collections.abc import Sequence

from markupsafe import Markup

from jingwei.faces.console.charts.svg import element, picture

_QUIET = 4


def code_square(rows: Sequence[Sequence[int]], *, label: str) -> Markup:
    """Draw the modules, with the quiet border that cameras need."""
    side = len(rows) + 2 * _QUIET
    path = "".join(
        f"M{x + _QUIET} {y + _QUIET}h1v1h-1z" for y, row in enumerate(rows) for x, module in enumerate(row) if module
    )
    return picture(element("path", d=path), width=side, height=side, label=label, class_="chart qr")
