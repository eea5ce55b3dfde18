"""Which bytes of a file were accounted for: one bar from its first byte to its last."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from jingwei.faces.console.charts.svg import element, picture, title

_WIDTH, _HIGH = 760, 22


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes [start, end) of a tone; `start` is also where a mark without width stands."""

    start: int
    end: int
    tone: str
    name: str


def stretches(parts: Sequence[Stretch], *, size: int, label: str) -> Markup:
    """Draw parts of a file over its whole length; each is at least a hair wide, so that none is lost."""
    whole = max(size, 1)

    def x(at: int) -> float:
        return _WIDTH * min(max(at, 0), whole) / whole

    return picture(
        element("rect", class_="bar quiet", x=0, y=4, width=_WIDTH, height=_HIGH - 8, rx=4),
        *(
            element("rect", title(part.name), class_=f"bar {part.tone}", x=x(part.start), y=4,
                    width=max(x(part.end) - x(part.start), 2.0), height=_HIGH - 8)
            for part in parts
        ),
        width=_WIDTH, height=_HIGH, label=label, class_="chart stretches",
    )  # fmt: skip
