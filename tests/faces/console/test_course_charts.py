"""The charts of evaluations: one share in a row, and a share from run to run."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei.faces.console.charts import Measured, Series, course, whisker

EVIL = '"><script>alert(1)</script>&'
NOW = datetime(2026, 11, 22, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"
SHARES = st.floats(0, 1)


def point(day, value=0.5):
    return Measured(NOW + timedelta(days=day), value, value / 2, (1 + value) / 2, f"{EVIL} {day}")


@pytest.mark.parametrize("drawn", [
    whisker(0.5, 0.2, 0.7, label=EVIL),
    course([Series("info", (point(0), point(1)))], ticks=[(NOW, EVIL)], label=EVIL),
])  # fmt: skip
def test_every_text_is_escaped(drawn):
    ET.fromstring(str(drawn))
    assert "<script" not in str(drawn)


@given(SHARES, SHARES, SHARES)
def test_a_bar_and_its_whiskers_stay_within_the_drawing(value, low, high):
    root = ET.fromstring(str(whisker(value, low, high, label="-")))
    (bar,) = root.iter(f"{SVG}rect")
    assert 0 < float(bar.get("width")) <= float(root.get("width"))


def test_each_run_is_a_point_with_its_title_and_runs_of_one_kind_are_joined():
    root = ET.fromstring(str(course(
        [Series("quiet", (point(0),)), Series("info", (point(1), point(3)))], ticks=[(NOW, "22")], label="-",
    )))  # fmt: skip
    circles = list(root.iter(f"{SVG}circle"))
    assert [each.get("class") for each in circles] == ["dot quiet", "dot info", "dot info"]
    assert all(each.find(f"{SVG}title") is not None for each in circles)
    assert sum("course-line" in (each.get("class") or "") for each in root.iter(f"{SVG}path")) == 1
    left = [float(each.get("cx")) for each in circles]
    assert left == sorted(left)


@given(st.lists(st.tuples(st.integers(-400, 400), SHARES), min_size=1, max_size=20))
def test_every_point_lies_within_the_drawing(found):
    points = tuple(point(day, value) for day, value in found)
    root = ET.fromstring(str(course([Series("info", points)], ticks=[], label="-")))
    width, height = float(root.get("width")), float(root.get("height"))
    for each in root.iter(f"{SVG}circle"):
        assert 0 <= float(each.get("cx")) <= width
        assert 0 <= float(each.get("cy")) <= height
