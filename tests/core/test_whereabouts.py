"""A log tells where an error came from, and nothing of what it says."""

import logging
import re
from importlib.resources import files
from pathlib import Path

import pytest

from jingwei.core.whereabouts import whereabouts

WORDS = "身份证 11010519491231002X"


def detect(text):
    raise ValueError(text)


def judge(text):
    try:
        detect(text)
    except ValueError as error:
        raise KeyError(f"no verdict on {text}") from error


def caught():
    try:
        judge(WORDS)
    except KeyError as error:
        return error


def test_the_kinds_and_places_are_told_and_the_words_are_not():
    told = whereabouts(caught())
    assert "KeyError at test_whereabouts.py" in told
    assert "by builtins.ValueError at test_whereabouts.py" in told
    assert "detect" in told
    assert WORDS not in told
    assert "11010519" not in told


def test_a_log_line_holds_nothing_else(caplog):
    with caplog.at_level(logging.ERROR):
        logging.getLogger("jingwei").error("a detector failed: %s", whereabouts(caught()))
    assert "11010519" not in caplog.text
    assert "Traceback" not in caplog.text


LOGGED = re.compile(r"\.exception\(|exc_info|format_exc|print_exc|traceback\.")


@pytest.mark.parametrize("folder", ["detect", "deploy/guard", "faces/gateway"])
def test_where_texts_are_judged_no_traceback_is_written(folder):
    source = list(Path(str(files("jingwei"))).joinpath(folder).rglob("*.py"))
    assert source
    assert [each.name for each in source if LOGGED.search(each.read_text(encoding="utf-8"))] == []


def test_a_chain_without_end_is_cut():
    error = None
    for _ in range(50):
        following = ValueError(WORDS)
        following.__cause__ = error
        error = following
    assert whereabouts(error).count("ValueError") == 4


def test_an_error_that_was_never_raised_has_no_place():
    assert whereabouts(ValueError(WORDS)) == "builtins.ValueError at no place"
