import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from jingwei.detect import fold


def test_ascii_keeps_its_offsets_and_loses_its_case():
    folded = fold("Hello World")
    assert (folded.clean, folded.folded, folded.offsets) == ("Hello World", "hello world", None)


def test_what_looks_the_same_reads_the_same():
    assert fold("ＡＢＣ").folded == "abc"
    assert fold("開發票").folded == "开发票"
    assert fold("раssword").folded == "password"  # the first two letters are Cyrillic
    assert fold("炸\u200b弹").folded == "炸弹"
    assert fold("𝐛𝐨𝐦𝐛").folded == "bomb"


def test_a_span_leads_back_to_the_original():
    text = "x\u200b\u200b炸\ufeff弹㈱y"
    folded = fold(text)
    at = folded.folded.index("炸弹")
    start, end = folded.span(at, at + 2)
    assert text[start:end] == "炸\ufeff弹"
    at = folded.folded.index("y")
    assert folded.span(at, at + 1) == (len(text) - 1, len(text))


def test_half_a_character_does_not_break_the_pattern_engine():
    assert fold("a\ud800b").clean.encode()


@given(st.text())
def test_every_folded_character_has_a_place(text):
    folded = fold(text)
    assert len(folded.clean) == len(folded.folded)
    for position in range(len(folded.folded)):
        start, end = folded.span(position, position + 1)
        assert 0 <= start < end <= len(text)


@given(st.text())
def test_folding_twice_changes_nothing(text):
    once = fold(text).folded
    assert fold(once).folded == once


def test_one_that_becomes_many_is_written_out():
    assert fold("x\ufdfay").folded == "x" + unicodedata.normalize("NFKC", "\ufdfa") + "y"


def test_a_text_of_characters_that_grow_does_not_fill_the_memory():
    text = "\ufdfa" * 20_000 + "炸弹"
    folded = fold(text)
    assert len(folded.folded) <= 4 * len(text)
    at = folded.folded.index("炸弹")
    assert folded.span(at, at + 2) == (len(text) - 2, len(text))
