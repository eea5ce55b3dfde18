"""One share with its 95 % interval, small enough for a table's row."""

from markupsafe import Markup

from jingwei.faces.console.charts.svg import element, picture, title

_WIDTH, _HEIGHT = 160, 20


def whisker(value: float, low: float, high: float, *, label: str, tone: str = "info") -> Markup:
    """Draw a bar from 0 to the share, on a line that ends at 100 %, and whiskers for its interval."""
    middle = _HEIGHT / 2
    left, right = _x(low), _x(high)
    return picture(
        element("line", class_="grid", x1=2, x2=_WIDTH - 2, y1=middle, y2=middle),
        element("rect", title(label), class_=f"bar {tone}", x=2, y=middle - 5, width=max(_x(value) - 2, 1.5), height=10,
                rx=2),
        element("path", class_="whisker", d=f"M{left:.1f} {middle - 4}v8M{left:.1f} {middle}H{right:.1f}"
                f"M{right:.1f} {middle - 4}v8"),
        width=_WIDTH, height=_HEIGHT, label=label, class_="chart intervals in-row",
    )  # fmt: skip


def _x(share: float) -> float:
    return 2 + (_WIDTH - 4) * min(max(share, 0.0), 1.0)
