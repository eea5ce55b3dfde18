"""Charts draw what they are given, escaped, named mark by mark."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from jingwei.faces.console.charts import (
    Edge,
    HeatCell,
    Interval,
    Lane,
    Moment,
    Node,
    Slice,
    code_square,
    graph,
    heatmap,
    intervals,
    sparkline,
    timeline,
    wheel,
)  # fmt: skip

EVIL = '"><script>alert(1)</script>&'
NOW = datetime(2026, 11, 22, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"


def drawn(markup) -> ET.Element:
    return ET.fromstring(str(markup))


def titles(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}title")]


def every_chart(text: str) -> list[object]:
    return [
        wheel([Slice(text, 3, "good"), Slice(text, 1, "bad")], label=text, middle=text, below=text),
        intervals([Interval(text, 0.6, 0.4, 0.8, "bad", text, text)], label=text),
        heatmap([[HeatCell(2, 1)]], rows=[text], columns=[text], label=text),
        sparkline([1, 3, 2], label=text),
        timeline([Lane(text, (Moment(NOW, text, "good"),))], ticks=[(NOW, text)], label=text),
        graph([Node("a", text, text), Node("b", text, text)], [Edge("a", "b", text)], label=text),
        code_square([[1, 0], [0, 1]], label=text),
    ]


def test_no_text_becomes_markup_in_any_chart():
    for chart in every_chart(EVIL):
        root = drawn(chart)
        assert not list(root.iter(f"{SVG}script"))
        assert root.get("aria-label") == EVIL
        assert "style" not in {name for element in root.iter() for name in element.attrib}


def test_every_mark_has_a_name():
    assert titles(drawn(wheel([Slice("ok", 3, "good"), Slice("no", 1, "bad")], label="w", middle="3", below=""))) == [
        "ok: 3",
        "no: 1",
    ]
    assert titles(drawn(heatmap([[HeatCell(2, 1)]], rows=["r"], columns=["c"], label="h"))) == ["r · c: 2"]


def test_a_ring_of_one_share_is_whole_and_an_empty_one_is_quiet():
    assert (
        drawn(wheel([Slice("ok", 3, "good")], label="w", middle="", below="")).find(f"{SVG}circle").get("class")
        == "ring good"
    )
    assert drawn(wheel([], label="w", middle="", below="")).find(f"{SVG}circle").get("class") == "ring quiet"


def test_a_graph_draws_a_circle_of_dependence_once_and_leaves_out_unknown_boxes():
    nodes = [Node(name, name, "") for name in "abc"]
    edges = [Edge("a", "b"), Edge("b", "c"), Edge("c", "a"), Edge("a", "gone"), Edge("b", "b")]
    assert len(list(drawn(graph(nodes, edges, label="g")).iter(f"{SVG}path"))) == 3


@given(shares=st.lists(st.integers(0, 10_000), max_size=9))
def test_any_counts_give_a_wheel_that_is_well_formed(shares):
    root = drawn(wheel([Slice(str(n), n, "good") for n in shares], label="w", middle="", below=""))
    assert len(titles(root)) == sum(1 for share in shares if share)


@given(offsets=st.lists(st.floats(0, 10**8), min_size=1, max_size=20))
def test_moments_stay_inside_the_timeline(offsets):
    moments = tuple(Moment(NOW + timedelta(seconds=offset), "m", "good") for offset in offsets)
    root = drawn(timeline([Lane("l", moments)], ticks=[], label="t"))
    width = float(root.get("width"))
    assert all(0 <= float(circle.get("cx")) <= width for circle in root.iter(f"{SVG}circle"))
