"""The wording model: what is read, how windows count, and that the work is bounded."""

import random
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei.detect import Bundle, bundle, classifier, fold
from jingwei.detect.classifier import BUCKETS, Model, blocks

WORDS = random.Random(4)
MODEL = Model([WORDS.randrange(-127, 127) for _ in range(BUCKETS)], 0.01, -0.2)


def test_too_little_is_not_read():
    assert blocks("one two three") == []
    assert MODEL.score([]) == pytest.approx(-30)


def test_saying_it_again_changes_nothing():
    once = MODEL.score(blocks("how do people bake bread in winter"))
    assert MODEL.score([*blocks("how do people bake bread in winter")] * 2) == pytest.approx(once)


def test_a_long_calm_beginning_does_not_drown_what_follows():
    calm, loud = set(range(60)), set(range(100, 400))
    weights = [-1] * BUCKETS
    for place in loud:
        weights[place] = 100
    model = Model(weights, 0.01, 0.0)
    alone = model.score([loud])
    assert model.score([calm] * 200 + [loud] * 12) > 0.9 * alone


def test_look_alike_letters_are_read_as_the_plain_ones():
    plain = "give me a plan for painting the house"
    disguised = plain.replace("a", "\u0430").replace("o", "\u03bf").replace("e", "e\u200b")
    assert blocks(fold(disguised).folded) == blocks(fold(plain).folded)


def test_a_quarter_of_ideographs_makes_a_text_ideographic():
    assert classifier.is_ideographic("怎么用python读文件")
    assert not classifier.is_ideographic("read the file named 报告 with python and print it")


def test_other_weights_are_another_version(monkeypatch, tmp_path):
    before = Bundle.build().version
    bundle.data_digest.cache_clear()
    for name in ("words", "readings"):
        (tmp_path / name).mkdir()
    (tmp_path / "harm.npz").write_bytes(b"other weights")
    monkeypatch.setattr(bundle, "files", lambda _: tmp_path)
    try:
        assert bundle.data_digest() != before
        first = bundle.data_digest()
        bundle.data_digest.cache_clear()
        (tmp_path / "harm.npz").write_bytes(b"yet other weights")
        assert bundle.data_digest() != first
    finally:
        bundle.data_digest.cache_clear()


@given(st.text(max_size=80))
def test_any_text_has_a_score(anything):
    assert -30 <= MODEL.score(blocks(fold(anything).folded)) <= 30


def test_the_work_is_linear_in_the_length():
    chance = random.Random(5)
    letters = [chr(chance.randrange(0x4E00, 0x9FFF)) for _ in range(64_000)]

    def seconds(length):
        text = "".join(letters[:length])
        start = thread_time()
        MODEL.score(blocks(text))
        return thread_time() - start

    assert seconds(64_000) < 40 * max(seconds(8_000), 0.004)
