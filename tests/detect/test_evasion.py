import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jingwei.core.policy import Category
from jingwei.detect import Bundle
from jingwei.detect.forms import SIGNAL
from jingwei.detect.lexicon import Lexicon

WORDS = ["转账密码", "制造火枪", "方案设计", "银行女经理", "法轮塔", "冰糖", "silent falcon", "ransomware", "★☆"]
LEXICON = Lexicon(WORDS)
FORMS = {
    "转账密码": [
        "转1账2密3码", "码密账转",
        "转*账-密.码", "转 账 密 码", "转，账。密、码", "转\n账\n密\n码", "转　账　密　码", "转😀账😀密😀码", "转\u200b账\u200b密\u200b码",
        "转\U000e0061账\U000e0062密码", "轉賬密碼", "砖帐蜜马", "砖 帐*蜜 马", "zhuanzhangmima", "zhuan zhang mi ma", "zhuǎn zhàng mì mǎ",
        "zhuan3zhang4mi4ma3", "z h u a n z h a n g m i m a", "zhuan账密ma", "转zhang密码", "车专贝长宀必山石马", "车专账密码", "转贝长mi马",
    ],
    "制造火枪": ["制造火木仓", "制造火 木仓", "zhizaohuoqiang", "治造火抢"],
    "方案设计": ["fangansheji", "fang'an设计"],
    "银行女经理": ["yinhangnvjingli", "yín háng nǚ jīng lǐ", "吟航女经理"],
    "silent falcon": ["SILENT  falcon", "ｓｉｌｅｎｔ ｆａｌｃｏｎ", "silentfalcon", "s-i-l-e-n-t f.a.l.c.o.n", "5113n7 f41c0n", "ѕіlеnt fаlсоn"],
    "ransomware": ["r@ns0mw4re", "ran-som-ware", "R A N S O M W A R E", "rãnsömware", "ⓡⓐⓝⓢⓞⓜⓦⓐⓡⓔ"],
    "★☆": ["★☆"],
}  # fmt: skip
CASES = [(word, form) for word, forms in FORMS.items() for form in forms]


def acting(text, lexicon=LEXICON):
    return [text[hit.start : hit.end] for hit in lexicon.scan(text) if hit.score > SIGNAL]


@pytest.mark.parametrize(("word", "form"), CASES)
def test_a_disguised_word_is_found_with_its_whole_span(word, form):
    around = ("请看", "吧") if word[0] > "z" else ("look: ", " !")
    assert acting(form.join(around)) == [form]


@pytest.mark.parametrize("form", ["法论塔", "fa轮ta", "罚轮他"])
def test_three_syllables_are_only_a_signal(form):
    assert [hit.score for hit in LEXICON.scan(f"去{form}看看")] == [SIGNAL]


@pytest.mark.parametrize("text", ["兵堂", "bingtang", "冰，糖", "冰。糖", "冰 糖"])
def test_two_characters_count_only_as_they_are_written(text):
    assert LEXICON.scan(f"我要{text}的") == ()


@pytest.mark.parametrize("text", ["转1账密2码", "转12账3密4码", "马蜜帐砖", "转账1密码"])
def test_a_few_digits_or_backward_sounds_are_no_disguise(text):
    assert acting(f"看{text}的") == []


def test_two_characters_are_found_across_signs_that_prose_does_not_put_there():
    assert acting("买冰*糖") == ["冰*糖"]


@pytest.mark.parametrize("text", ["silent, falcons", "a silent falconer", "ran some ware", "转过账本和密码", "step1 gpt4 h200", "转" + " " * 9 + "账密码"])  # fmt: skip
def test_what_is_another_word_is_left_alone(text):
    assert LEXICON.scan(text) == ()


def test_a_disguise_scores_a_little_less_and_still_acts():
    assert [hit.score for hit in LEXICON.scan("转账密码 砖帐蜜马")] == [1.0, 0.9]


def test_the_whitelist_covers_disguises_too():
    assert Lexicon(WORDS, allowed=["砖帐蜜马场"]).scan("去砖帐蜜马场") == ()


HELD = Bundle.build([word for word in WORDS if word not in {"法轮塔", "冰糖"}])
PIECES = [form for _, form in CASES] + ["今天", "女子", "，", "mi", "can", "he ", " ", "转", "zh", "木", "silent ", "5"]


def released(chunks):
    """What leaves before a word is decided, by the recipe in `Bundle.hold_back`."""
    out, buffer = 0, ""
    for chunk in [*chunks, None]:
        buffer += chunk or ""
        safe = len(buffer) - (HELD.hold_back(buffer) if chunk is not None else 0)
        hits = [
            hit.start
            for hit in HELD.scan(buffer, frozenset([Category.KEYWORD]))
            if hit.score > SIGNAL and hit.start < safe
        ]
        if hits:
            return max(out, min(hits))
        out = max(out, safe)
    return out


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(PIECES), max_size=5), st.lists(st.integers(1, 9), min_size=1, max_size=9))
def test_no_character_of_a_disguised_word_leaves_before_it_is_decided(parts, sizes):
    text = "".join(parts)
    chunks, at = [], 0
    while at < len(text):
        chunks.append(text[at : at + sizes[len(chunks) % len(sizes)]])
        at += len(chunks[-1])
    hits = [hit.start for hit in HELD.scan(text, frozenset([Category.KEYWORD])) if hit.score > SIGNAL]
    assert released(chunks) <= min(hits, default=len(text))


@pytest.mark.parametrize(("word", "form"), CASES)
def test_no_form_leaves_character_by_character(word, form):
    if word in {"法轮塔", "冰糖"}:
        return
    text = "好的，" + form + "。"
    assert released(list(text)) <= 3


def test_pinyin_on_both_sides_of_a_character_is_held_as_one_word():
    assert HELD.hold_back("zhuan账密maz") == len("zhuan账密maz")


def test_a_phrase_of_the_whitelist_is_waited_for():
    bundle = Bundle.build(["转账密码"], allowed_words=["转账密码学导论"])
    assert bundle.hold_back("关于转账密码学") == len("转账密码学")
