"""A short run of counts as one quiet line."""

from collections.abc import Sequence

from markupsafe import Markup

from jingwei.faces.console.charts.svg import element, picture, title

_WIDTH, _HEIGHT = 132, 32


def sparkline(values: Sequence[float], *, label: str) -> Markup:
    """Draw the line and the area under it; fewer than two values draw nothing but the frame."""
    top = max(values, default=0) or 1
    step = (_WIDTH - 4) / max(len(values) - 1, 1)
    points = [(2 + index * step, _HEIGHT - 3 - (_HEIGHT - 6) * value / top) for index, value in enumerate(values)]
    if len(points) < 2:
        return picture(title(label), width=_WIDTH, height=_HEIGHT, label=label, class_="chart spark")
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return picture(
        element("path", class_="area", d=f"{line}V{_HEIGHT}H2Z"),
        element("path", title(label), class_="line", d=line),
        width=_WIDTH, height=_HEIGHT, label=label, class_="chart spark",
    )  # fmt: skip
