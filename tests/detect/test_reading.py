"""What is read without folding first is what is read of the folded text, place by place."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from jingwei.detect import fold
from jingwei.detect.reading import is_syllable, read, read_plain

TEXTS = st.text(st.one_of(st.characters(), st.sampled_from("转账密码轉帳 ａＢ1é*，。\u200b㈱😀\ud800ĀZz")), max_size=40)


@settings(deadline=None)
@given(TEXTS)
@example("轉*账 ＭＩ码!")
@example("plain Text 1")
def test_a_text_reads_the_same_folded_and_not(text):
    folded = fold(text)
    reading = read_plain(text)
    if reading is None:
        return
    assert folded.offsets is None
    assert reading.folded == folded.folded
    assert reading.skeleton == read(folded).skeleton
    assert reading.sounds == read(folded).sounds
    spans = [reading.span(at, at + 1) for at in range(len(reading.skeleton))]
    assert "".join(folded.folded[start:end] for start, end in spans) == reading.skeleton


@settings(deadline=None)
@given(TEXTS)
def test_only_what_parts_a_word_is_left_out(text):
    folded = fold(text)
    reading = read(folded)
    assert reading.skeleton == "".join(each for each in folded.folded if each.isalnum() and ord(each) < 0x32400)
    assert len(reading.sounds) == len(reading.skeleton)


def test_a_letter_cannot_imitate_a_syllable():
    assert not any(map(is_syllable, read(fold("ɐʘʬ")).sounds))
    assert all(map(is_syllable, read(fold("转账")).sounds))
