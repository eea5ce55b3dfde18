"""However a disguised word, a number or a key is cut into pieces, not one character of it leaves."""

from functools import lru_cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jingwei.core.policy import Decision
from jingwei.deploy.guard import Guard, StreamGuard, compile_policy

DISGUISES = {
    "plain": "转账密码", "marks": "转*账-密.码", "blanks": "转 账 密 码", "full stops": "转，账。密、码", "lines": "转\n账\n密\n码",
    "wide blanks": "转　账　密　码", "emoji": "转😀账😀密😀码", "zero width": "转\u200b账\u200b密\u200b码",
    "tags": "转\U000e0061账\U000e0062密码", "traditional": "轉賬密碼", "by sound": "砖帐蜜马", "pinyin": "zhuanzhangmima",
    "spaced pinyin": "zhuan zhang mi ma", "tones": "zhuǎn zhàng mì mǎ", "mixed": "zhuan账密ma", "split": "车专贝长宀必山石马",
    "capitals": "SILENT  falcon", "full width": "ｓｉｌｅｎｔ ｆａｌｃｏｎ", "run together": "silentfalcon",
    "letters apart": "s-i-l-e-n-t f.a.l.c.o.n", "digits": "5113n7 f41c0n", "look-alikes": "ѕіlеnt fаlсоn",
}  # fmt: skip
HIDDEN = ("13812345678", "138 1234 5678", "１３８１２３４５６７８", "11010519491231002X", "6222 0212 3456 7894",
          "zhang.san@example.com", "AKIAIOSFODNN7EXAMPLE", "ghp_aB3dE5gH7jK9mN1pQ3sT5vX7zA9cD1fG3hJ5")  # fmt: skip
BEFORE = ("会议改到下午三点，", "All is well so far. ", "价格为 128 元；", "他说：")
AFTER = ("，请查收。", " and so on.", "。之后再谈", "")
places = st.lists(st.integers(0, 10_000), max_size=30)


@lru_cache(maxsize=1)
def guard():
    return Guard.build(compile_policy("s", 2, {}, words=("转账密码", "silent falcon")))


def cut(text, where):
    edges = [0, *sorted({place % (len(text) + 1) for place in where}), len(text)]
    return [text[a:b] for a, b in pairwise(edges)]


def streamed(pieces):
    channel, out = StreamGuard(guard()), ""
    for piece in [*pieces, None]:
        release = channel.finish() if piece is None else channel.feed(piece)
        out += release.text
        if release.blocked:
            break
    return out, channel.verdict().decision


@pytest.mark.parametrize("kind", DISGUISES)
@settings(max_examples=8, deadline=None)
@given(st.sampled_from(BEFORE), st.sampled_from(AFTER), places)
def test_a_disguised_word_stops_the_stream_before_its_first_character(kind, before, after, where):
    text = before + DISGUISES[kind] + after
    if not guard().check(text, role="assistant").blocks:
        return  # beside this neighbour the form is another word: then nothing is there to leak
    out, decision = streamed(cut(text, where))
    assert not decision.passes
    assert before.startswith(out)


@pytest.mark.parametrize("kind", DISGUISES)
def test_each_disguise_stops_a_stream_that_comes_character_by_character(kind):
    before, after = ("look: ", " and so on.") if DISGUISES[kind].isascii() else ("请看：", "，好。")
    out, decision = streamed(before + DISGUISES[kind] + after)
    assert not decision.passes
    assert before.startswith(out)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(BEFORE), st.sampled_from(HIDDEN), st.sampled_from(AFTER), places)
def test_nothing_of_a_number_or_a_key_leaves_in_any_cut(before, item, after, where):
    verdict = guard().check(before + item + after, role="assistant")
    out, decision = streamed(cut(before + item + after, where))
    assert decision is verdict.decision is Decision.REDACT
    assert out == verdict.text
