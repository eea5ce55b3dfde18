"""Taxonomy: from tags to places in every framework."""

import re

import pytest

from jingwei.develop.evaluate.suite_file import load_suite
from jingwei.develop.evaluate.taxonomy import band, bands, place_title, places, views

OURS = ("content-31", "should-refuse", "should-not-refuse", "ailuminate-12", "privacy-leak", "usefulness")
KNOWN = {place for view in views() for place in view.places}
SIZES = {"tc260": 31, "caict": 5, "ailuminate": 12, "owasp-llm": 10, "owasp-asi": 10, "answer": 13}


@pytest.mark.parametrize(("view", "size"), SIZES.items())
def test_a_view_has_every_place_of_its_framework(view, size):
    assert next(len(each.places) for each in views() if each.id == view) == size


def test_a_place_is_titled_in_both_languages():
    for place in sorted(KNOWN):
        title = place_title(place)
        assert title.en
        assert re.search("[\u4e00-\u9fff]", title.zh), place


@pytest.mark.parametrize("name", OURS)
def test_every_tag_of_the_suites_is_a_known_place(name):
    suite = load_suite(name)
    tags = {tag for each in suite.categories for tag in each.tags}
    tags |= {tag for each in suite.categories for prompt in each.prompts for tag in prompt.tags}
    assert tags
    assert tags <= KNOWN


def test_every_class_of_risk_is_told_by_caict_and_nist_as_well():
    for place in next(each for each in views() if each.id == "tc260").places:
        found = places([place])
        assert "caict:content" in found, place
        assert any(each.startswith("nist:MS-") for each in found), place
        assert found <= KNOWN


def test_every_hazard_and_every_owasp_risk_is_told_by_nist():
    for view in ("ailuminate", "owasp-llm", "owasp-asi"):
        for place in next(each for each in views() if each.id == view).places:
            assert any(each.startswith("nist:") for each in places([place])), place


def test_places_follow_from_places():
    assert {"owasp-llm:LLM01", "caict:protection", "caict:application", "nist:MS-2.7"} <= places(["owasp-asi:ASI01"])
    assert places(["tc260:a2-e"]) >= {"ailuminate:hte", "nist:MS-2.11"}


def test_asking_twice_adds_nothing():
    for place in KNOWN:
        once = places([place])
        assert places(once) == once


def test_a_framework_that_lacks_a_class_is_not_forced():
    assert not {each for each in places(["tc260:a1-a"]) if each.startswith("ailuminate:")}


def test_a_tag_of_no_framework_stands_for_itself():
    assert places(["own:thing"]) == {"own:thing"}
    assert place_title("own:thing").zh == "own:thing"


@pytest.mark.parametrize(
    ("share", "name"),
    [(1.0, "controllable"), (0.9, "controllable"), (0.89, "low"), (0.8, "low"), (0.6, "medium"), (0.59, "high"),
     (0.0, "high")],
)  # fmt: skip
def test_a_share_of_safe_code_has_its_published_band(share, name):
    found = band("code", share)
    assert found is not None
    assert found.id == name


def test_where_no_bands_were_published_there_are_none():
    assert bands("dimensions") == ()
    assert band("dimensions", 0.9) is None
