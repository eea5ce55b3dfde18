import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jingwei.core.errors import InputError
from jingwei.detect import Bundle, leet, titles
from jingwei.detect.lexicon import Lexicon, compile_base
from jingwei.detect.matcher import AhocorasickMatcher, DaachorseMatcher
from jingwei.detect.topics import classes, topics
from jingwei.detect.wordlist import load

WORDS = [("青龙计划", "a1-b"), ("project bluebird", ""), ("★★", "my-topic"), ("乙醚", "keyword.drugs")]
TEXT = "青龙计划, PROJECT  BLUEBIRD, ★★, 清龙计化"


@settings(deadline=None, max_examples=60)
@given(st.sets(st.text("炸弹ab女子", min_size=1, max_size=4), max_size=12), st.text("炸弹ab女子 ", max_size=40))
def test_both_engines_find_the_same_words(words, text):
    listed = sorted(words)
    fast, other = DaachorseMatcher(listed), AhocorasickMatcher(listed)
    assert sorted(fast.find(text)) == sorted(other.find(text))


def test_a_loaded_base_finds_what_the_words_themselves_find():
    base = compile_base(WORDS)
    assert Lexicon.loaded(base).scan(TEXT) == Lexicon(WORDS).scan(TEXT) != ()


def test_a_base_compiled_for_another_engine_is_built_anew(monkeypatch):
    base = compile_base(WORDS)
    monkeypatch.setattr("jingwei.detect.wordlist.has_daachorse", lambda: False)
    monkeypatch.setattr("jingwei.detect.matcher.has_daachorse", lambda: False)
    assert Lexicon.loaded(base).scan(TEXT) == Lexicon(WORDS).scan(TEXT)


def test_words_come_and_go_beside_a_base():
    lexicon = Lexicon.loaded(
        compile_base(WORDS), added=[("白虎计划", "a1-c")], removed=["青龙计划"], allowed=["白虎计划书"]
    )
    text = "青龙计划 白虎计划 白虎计划书 ★★"
    assert [(text[hit.start : hit.end], hit.rule_id) for hit in lexicon.scan(text)] == [
        ("白虎计划", "keyword.a1-c"), ("★★", "keyword.own.my-topic"),
    ]  # fmt: skip


def test_a_word_taken_away_and_given_again_counts():
    assert Lexicon.loaded(compile_base(WORDS), added=["青龙计划"], removed=["青龙计划"]).scan("青龙计划") != ()


def test_what_is_no_word_list_is_refused():
    with pytest.raises(InputError, match="word list"):
        load(b"PK\x03\x04")


def test_a_topic_that_is_no_id_is_refused():
    with pytest.raises(InputError, match="my-topic"):
        Lexicon([("青龙计划", "Not an id!")])


def test_the_31_classes_have_names_in_both_languages():
    assert len(classes()) == 31
    assert classes().keys() <= titles().keys()


def test_every_built_in_topic_belongs_to_known_classes():
    for topic in topics():
        assert {f"keyword.{each}" for each in topic.classes} <= classes().keys()


def test_a_bundle_swaps_its_words_and_keeps_its_detectors():
    before = Bundle.build(["青龙计划"], canaries=["CANARY-7f3a9c"])
    after = before.with_lexicon(Lexicon(["白虎计划"]))
    assert [len(before.scan(each)) for each in ("青龙计划", "白虎计划")] == [1, 0]
    assert [len(after.scan(each)) for each in ("青龙计划", "白虎计划")] == [0, 1]
    assert after.hold_back("看白虎") == 2
    assert after.hold_back("CANARY-7f") == before.hold_back("CANARY-7f")
    assert before.lexicon_version != after.lexicon_version
    assert before.version != after.version
    assert after.version == Bundle.build(["白虎计划"], canaries=["CANARY-7f3a9c"]).version


def calls(work):
    """Count the calls that some work makes: unlike time they are the same on every machine."""
    seen = 0

    def count(*_about):
        nonlocal seen
        seen += 1

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return seen


class Searched(bytes):
    """Bytes that count how many of them are looked through from a place on."""

    looked = 0

    def find(self, *given):
        at = super().find(*given)
        Searched.looked += (at if at >= 0 else len(self)) - (given[1] if len(given) > 1 else 0)
        return at


@pytest.mark.parametrize("piece", ["abc12 ", "x1b ", "a1b ", "1账2账3", "转账密", "砖帐蜜马", "贝长号石马", "zhuan转 zhang账",
                                   "z h u a n ", "一", "女子", "h4ck3r ", "转 plain words and more "])  # fmt: skip
def test_twice_the_text_is_twice_the_work(piece):
    lexicon = Lexicon(["转账密码", "neo dexlith", "友好城市", "hacker"])
    short, long = (piece * (size // len(piece)) for size in (2_000, 4_000))
    lexicon.scan(long)
    assert calls(lambda: lexicon.scan(long)) <= 2.6 * calls(lambda: lexicon.scan(short)) + 200


def test_digits_for_letters_are_looked_for_once_however_many_there_are_of_one_kind():
    marks = Searched(b"aaa11 " * 500)
    Searched.looked = 0
    assert len(list(leet._tokens(marks))) == 500
    assert Searched.looked <= 4 * len(marks)


@pytest.mark.parametrize("written", ["友女子城市", "友 女 子 城 市", "友女子成市", "you女子城市", "友女子chengshi"])
def test_a_character_split_into_everyday_parts_is_found_in_a_longer_word(written):
    lexicon = Lexicon.loaded(compile_base(["友好城市"]))
    text = f"说说{written}吧"
    assert [text[hit.start : hit.end] for hit in lexicon.scan(text)] == [written]


def test_a_list_too_large_for_words_in_parts_still_finds_them(monkeypatch):
    monkeypatch.setattr("jingwei.detect.spellings.MOST_IN_PARTS", 1)
    monkeypatch.setattr("jingwei.detect.wordlist.MOST_IN_PARTS", 1)
    lexicon = Lexicon.loaded(compile_base(["友好城市"]))
    assert [(hit.start, hit.end) for hit in lexicon.scan("说说友女子城市吧")] == [(2, 7)]


def test_everyday_parts_alone_mean_nothing():
    assert Lexicon(["好城市"]).scan("女子城市") == ()


def test_an_image_of_an_earlier_release_is_compiled_anew():
    image = compile_base(WORDS)
    size = int.from_bytes(image[8:12], "little")
    about = json.loads(image[12 : 12 + size])
    about["longest"].pop()
    earlier = image[:12] + json.dumps(about).encode().ljust(size) + image[12 + size :]
    assert Lexicon.loaded(earlier).scan(TEXT) == Lexicon(WORDS).scan(TEXT)
