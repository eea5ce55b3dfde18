"""Charts as SVG drawn by the server: no script, no inline style, a title on every mark, colours in the style sheet."""

from jingwei.faces.console.charts.columns import Column, Part, columns
from jingwei.faces.console.charts.course import Measured, Series, course
from jingwei.faces.console.charts.graph import Edge, Node, graph
from jingwei.faces.console.charts.heatmap import HeatCell, heatmap
from jingwei.faces.console.charts.intervals import Interval, intervals
from jingwei.faces.console.charts.sparkline import sparkline
from jingwei.faces.console.charts.square import code_square
from jingwei.faces.console.charts.stretches import Stretch, stretches
from jingwei.faces.console.charts.timeline import Lane, Moment, timeline
from jingwei.faces.console.charts.wheel import Slice, wheel
from jingwei.faces.console.charts.whisker import whisker

__all__ = [
    "Column", "Edge", "HeatCell", "Interval", "Lane", "Measured", "Moment", "Node", "Part", "Series", "Slice",
    "Stretch", "code_square", "columns", "course", "graph", "heatmap", "intervals", "sparkline", "stretches",
    "timeline", "wheel", "whisker",
]  # fmt: skip
