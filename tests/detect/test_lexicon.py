import pytest

from jingwei.core.errors import InputError
from jingwei.detect.lexicon import Lexicon, topics
from jingwei.detect.matcher import AhocorasickMatcher, DaachorseMatcher

LEXICON = Lexicon(["青龙计划", "bluebird"], allowed=["青龙计划书店"])


def found(text, lexicon=LEXICON):
    return [text[hit.start : hit.end] for hit in lexicon.scan(text)]


@pytest.mark.parametrize("engine", [DaachorseMatcher, AhocorasickMatcher])
def test_both_engines_find_the_same(engine):
    matcher = engine(["炸弹", "弹", "bomb"])
    assert sorted(matcher.find("买炸弹弹 bomb")) == [(1, 3, 0), (2, 3, 1), (3, 4, 1), (5, 9, 2)]
    assert not list(engine([]).find("炸弹"))


@pytest.mark.parametrize(
    "text", ["青龙计划", "青 龙 计 划", "青.龙-计*划", "青\u200b龙计划", "青龍計劃", "青\n龙计划", "青，龙，计，划"]
)
def test_a_pulled_apart_word_is_found_whole(text):
    assert found(f"关于{text}的事") == [text]


@pytest.mark.parametrize("text", ["bluebird", "BLUEBIRD", "ｂｌｕｅｂｉｒｄ", "b.l.u.e.b.i.r.d", "b l u e b i r d"])
def test_a_latin_word_is_found_in_any_dress(text):
    assert found(f"the {text} plan") == [text]


def test_a_latin_word_inside_a_longer_one_is_another_word():
    assert found("bluebirds notbluebird") == []


def test_a_latin_word_beside_chinese_stands_alone():
    assert found("叫bluebird的项目") == ["bluebird"]


def test_the_whitelist_covers_the_words_inside_it():
    assert found("青龙计划书店在哪") == []
    assert found("青龙计划书店，青龙计划") == ["青龙计划"]


def test_a_word_that_folds_to_nothing_is_refused():
    with pytest.raises(InputError, match="empty"):
        Lexicon(["\u200b"])


def test_a_word_too_long_to_hold_back_is_refused():
    with pytest.raises(InputError, match="65"):
        Lexicon(["字" * 65])


def test_every_topic_speaks_both_languages():
    for topic in topics():
        assert topic.words.keys() == {"zh", "en"}
        assert all(topic.words.values()), topic.id


def test_topic_words_stay_below_the_default_threshold():
    assert all(hit.score < 0.5 for hit in LEXICON.scan("什么是海洛因？毒品的危害有哪些"))
