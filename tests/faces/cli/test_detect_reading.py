"""Lines read ahead: what has come is given at once, in order, whole; an input that breaks is told."""

from threading import Event

import pytest

from jingwei.faces.cli.detect_read import Reader


def test_what_has_come_is_given_while_the_rest_is_awaited():
    more = Event()

    def lines():
        yield "first"
        more.wait(5)
        yield "second"

    reader = Reader(lines(), ahead=10)
    assert reader.batch(64, wait=True) == ["first"]
    assert reader.batch(64, wait=False) == []
    assert not reader.ended
    more.set()
    assert reader.batch(64, wait=True) == ["second"]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_every_line_is_given_once_and_in_order(size):
    reader, taken = Reader(iter(range(50)), ahead=4), []
    while not reader.ended:
        taken += reader.batch(size, wait=True)
    assert taken == list(range(50))


def test_an_input_that_breaks_is_told_after_what_had_come():
    def lines():
        yield "first"
        raise OSError

    reader = Reader(lines(), ahead=10)
    assert reader.batch(1, wait=True) == ["first"]
    with pytest.raises(OSError):
        reader.batch(1, wait=True)
