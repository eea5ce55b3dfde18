"""One pass names every pattern that matches, the compiled copy is only ever a copy, and detectors share the pass."""

import os
import re

import hyperscan
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jingwei.detect import fold
from jingwei.detect.compiled import compiled
from jingwei.detect.loosen import loosened
from jingwei.detect.patterns import FILES, PatternSet, numbered, patterns

EVERY = [(reading, name, number) for reading, names in FILES.items() for name in names
         for number in range(len(numbered(name)))]  # fmt: skip
HARD = [
    "(?<![0-9])[0-9]{3}(?![0-9])", "(?<![a-z])x(?![a-z])", "[甲乙丙]{1,2}?(?=[a-z]|$)", "[一-龥]{1,3}a", "[甲a]{1,3}",
    "(?:[ .]{1,2}[a-z7]){7,9}", "[^a]{2}b", "甲{2}", "(?:甲|乙){0,9}丙", ".丁", "[一-鿿]{3}x", "[甲a]x?", r"\W{2}z",
    "(?:a|b(?!c))d*", "(?<![京A])x", r"(?i:k)甲\b", "a(?=b)b", r"[^\n]{0,200}尾", r"(?<![0-9])7(?![0-9]|\.\d)",
]  # fmt: skip
SNIPPETS = ["a", "b", "c", "d", "x", "z", "K", "k", "7", "12", "345", "甲", "乙", "丙", "丁", "尾", "京", " ", "\n", ".", "é", "😀"]  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(SNIPPETS), max_size=12).map("".join))
def test_whatever_matches_exactly_is_named(text):
    named = PATTERNS.named(text)
    for number, pattern in enumerate(HARD):
        if re.search(pattern, text, re.ASCII):
            assert number in named, pattern


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(SNIPPETS), max_size=40).map("".join))
def test_what_is_found_is_what_the_exact_pattern_finds(text):
    found = list(PATTERNS.find(fold(text), "hard", reading="clean"))
    spelled = fold(text).clean
    for number, pattern in enumerate(HARD):
        exact = {(match.start(), match.end()) for match in re.finditer(pattern, spelled, re.ASCII) if match[0]}
        assert {each[1:] for each in found if each.pattern == number} == exact, pattern


@pytest.mark.parametrize("count", [3, 7, 16])
def test_a_long_repeat_of_a_group_is_counted_by_the_exact_pattern(count):
    pattern = f"(?<![0-9])[1-6](?:[ .-]{{1,2}}[0-9]){{{count}}}(?![0-9])"
    loose = PatternSet({"numbers": [pattern]})
    spaced = " ".join("1" * (count + 1))
    assert [each[1:] for each in loose.find(fold(spaced), "numbers", reading="clean")] == [(0, len(spaced))]
    assert not list(loose.find(fold(spaced[:-2]), "numbers", reading="clean"))


PATTERNS = PatternSet({"hard": HARD})


@pytest.mark.slow
@pytest.mark.parametrize(("reading", "name", "number"), EVERY)
@settings(deadline=None, max_examples=12, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_every_shipped_pattern_finds_its_own_examples(data, reading, name, number):
    pattern = numbered(name)[number][1]
    example = data.draw(st.from_regex(re.compile(pattern, re.ASCII)))
    folded = fold(example)
    spelled = folded.clean if reading == "clean" else folded.folded
    if re.search(pattern, spelled, re.ASCII):
        assert number in {found.pattern for found in patterns(reading).find(folded, name, reading=reading)}


def test_a_match_that_comes_long_after_the_first_possible_end_is_found():
    text = fold("x 123 " * 400 + "甲甲 456")
    found = list(PATTERNS.find(text, "hard", reading="clean"))
    assert len([each for each in found if each.pattern == 0]) == 401


def test_a_text_is_scanned_once_for_all_files(monkeypatch):
    passes = []
    scan = PatternSet.named
    monkeypatch.setattr(PatternSet, "named", lambda self, text: passes.append(text) or scan(self, text))
    folded = fold("手机 13812345678，password = 'q7Rt91xZpL'")
    for name in FILES["clean"]:
        assert list(patterns("clean").find(folded, name, reading="clean"))
    assert len(passes) == 1


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compiled([loosened("abc")])
    (kept,) = (tmp_path / "jingwei" / "patterns").iterdir()
    return kept


def names(database):
    found = []
    database.scan(b"xabc", match_event_handler=lambda number, *_: found.append(number))
    return found


@pytest.fixture
def compilations(monkeypatch):
    """Counts how often something is compiled."""
    made = []
    monkeypatch.setattr("jingwei.detect.compiled.hyperscan.Database", lambda: made.append(1) or DATABASE())
    return made


DATABASE = hyperscan.Database


def test_what_was_compiled_once_is_loaded(cache, compilations):
    assert names(compiled([loosened("abc")])) == [0]
    assert not compilations


@pytest.mark.parametrize("damage", [lambda raw: raw[:-9], lambda raw: b"", lambda raw: raw[:40] + b"zz" + raw[42:]])
def test_a_damaged_copy_is_compiled_anew(cache, compilations, damage):
    cache.write_bytes(damage(cache.read_bytes()))
    assert names(compiled([loosened("abc")])) == [0]
    assert compilations


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no such owner here")
def test_a_copy_that_anybody_may_write_is_not_trusted(cache, compilations):
    cache.chmod(0o666)
    assert names(compiled([loosened("abc")])) == [0]
    assert compilations


def test_former_versions_go(cache):
    for number in range(12):
        compiled([loosened(f"abc{number}")])
    assert len(list(cache.parent.iterdir())) == 8


def test_a_machine_without_a_writable_home_compiles_each_time(tmp_path, monkeypatch, compilations):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert names(compiled([loosened("abc")])) == [0]
    assert names(compiled([loosened("abc")])) == [0]
    assert len(compilations) == 2
