"""Tokens with digits for letters are looked for in work that grows with the text alone."""

import pytest

from jingwei.detect.leet import _tokens

AVERSE = [b" 1aaa ", b" aa1aa ", b" 1aaa a1aaa ", b"a1", b"1 a", b" aa1 ", b" 1a1a1a1a"]


class Counted(bytes):
    """Bytes that count how many of them were looked at."""

    looked = 0

    def find(self, wanted, start=0):
        at = super().find(wanted, start)
        self.looked += (at if at >= 0 else len(self)) - start
        return at


@pytest.mark.parametrize("unit", AVERSE)
@pytest.mark.parametrize("tail", [b"", b" a1aaa", b" 1aaaa"])
def test_the_work_grows_with_the_text_alone(unit, tail):
    marks = Counted(unit * 4000 + tail)
    list(_tokens(marks))
    assert marks.looked <= 4 * len(marks)


def test_tokens_of_both_kinds_are_found_in_their_order():
    marks = b"aaa 1aaa a1aa a1111111 aaaa1 aa1a"
    assert [marks[start:end] for start, end in _tokens(marks)] == [b"1aaa", b"a1aa", b"aa1a"]
