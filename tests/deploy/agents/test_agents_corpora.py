"""Measured on our own corpora: what is missed, what is falsely told, and how far the languages lie apart."""

from collections import defaultdict

import pytest
from corpora import is_told, skills, tools, write_skill, write_tool

pytestmark = pytest.mark.slow


def shares(name, folder):
    told = defaultdict(list)
    for number, language, tool in tools(name):
        told[language].append(is_told(write_tool(folder, number, tool)))
    return {language: sum(each) / len(each) for language, each in told.items()}


def test_poisoned_tools_are_found_in_both_languages_alike(tmp_path):
    recall = shares("poisoned", tmp_path)
    assert min(recall.values()) >= 0.9
    assert abs(recall["zh"] - recall["en"]) <= 0.1


def test_harmless_tools_are_left_alone(tmp_path):
    assert max(shares("benign", tmp_path).values()) <= 0.03


def test_harmful_skills_are_found_and_harmless_ones_left_alone(tmp_path):
    told = defaultdict(list)
    for number, label, _language, files in skills():
        told[label].append(is_told(write_skill(tmp_path, number, files)))
    assert sum(told["poisoned"]) / len(told["poisoned"]) >= 0.9
    assert sum(told["benign"]) <= 1
