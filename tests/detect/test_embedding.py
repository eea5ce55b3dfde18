"""The shared meaning of a text: what is read, how much at most, and that it is read once."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei.detect import embedding
from jingwei.detect.normalize import fold


def test_a_short_text_is_read_as_one():
    assert embedding.sentences("How do I bake bread? And when?") == ((0, 30),)


def test_a_long_text_is_read_sentence_by_sentence():
    text = "今天天气很好，我们决定去公园走一走，看看花，也看看湖。" * 5
    spans = embedding.sentences(text)
    assert len(spans) == 5
    assert text[slice(*spans[1])] == "今天天气很好，我们决定去公园走一走，看看花，也看看湖。"


@given(st.text(max_size=3000))
def test_parts_lie_in_order_inside_the_text_and_are_few(text):
    spans = embedding.sentences(text)
    assert 1 <= len(spans) <= embedding.MOST_PARTS
    assert all(0 <= start <= end <= len(text) for start, end in spans)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))


def test_the_end_of_an_endless_text_is_read():
    text = "one two three four five six. " * 20_000 + "the end of it all, at last, comes here."
    assert embedding.sentences(text)[-1][1] == len(text)


@pytest.mark.slow
def test_languages_meet_in_meaning():
    rows = embedding.embed(["How do I bake bread?", "怎么烤面包？", "股票今天为什么下跌？"])
    assert rows.shape == (3, embedding.WIDTH)
    assert float(rows[0] @ rows[1]) > float(rows[0] @ rows[2]) + 0.2


@pytest.mark.slow
def test_a_text_is_read_once_for_all_detectors():
    folded = fold("ＨＯＷ do I bake bread?")
    first = embedding.read(folded)
    assert embedding.read(folded) is first
    assert np.allclose(first.whole, embedding.read(fold("how do i bake bread?")).whole)


@pytest.mark.slow
def test_the_whole_of_a_long_text_has_length_one():
    found = embedding.read(fold("The cat sat on the mat and looked at the moon for a while. " * 30))
    assert abs(float(np.linalg.norm(found.whole)) - 1) < 1e-4
    assert len(found.parts) == len(found.spans)


@pytest.mark.slow
def test_what_was_read_before_is_not_worked_out_again(monkeypatch):
    memory = embedding.Memory(most=3)
    first = memory.embed(["How do I bake bread?", "怎么烤面包？"])
    asked: list[str] = []
    embed = embedding.embed
    monkeypatch.setattr(embedding, "embed", lambda texts: (asked.extend(texts), embed(texts))[1])
    again = memory.embed(["怎么烤面包？", "And when?", "How do I bake bread?"])
    assert asked == ["And when?"]
    assert np.array_equal(again[[2, 0]], first)


@pytest.mark.slow
def test_only_so_many_vectors_are_kept(monkeypatch):
    memory = embedding.Memory(most=2)
    asked: list[str] = []
    embed = embedding.embed
    monkeypatch.setattr(embedding, "embed", lambda texts: (asked.extend(texts), embed(texts))[1])
    memory.embed(["one", "two", "three"])
    memory.embed(["one"])
    memory.embed(["one"])
    assert asked == ["one", "two", "three", "one"]
    memory.forget()
    memory.embed(["one"])
    assert len(asked) == 5
