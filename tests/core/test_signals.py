"""Signals that are answered for a while, and as before afterwards."""

import signal

import pytest

from jingwei.core.signals import handling

BOTH = (signal.SIGINT, signal.SIGTERM)


def test_a_signal_is_answered_while_it_is_handled():
    heard = []
    with handling(lambda number, _: heard.append(number), *BOTH):
        for number in BOTH:
            signal.raise_signal(number)
    assert heard == [*BOTH]


def test_the_earlier_handlers_are_restored():
    before = [signal.getsignal(number) for number in BOTH]
    with handling(lambda *_: None, *BOTH):
        assert [signal.getsignal(number) for number in BOTH] != before
    assert [signal.getsignal(number) for number in BOTH] == before


def test_a_failure_inside_restores_them_too():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyError), handling(lambda *_: None, signal.SIGTERM):
        {}["nothing"]
    assert signal.getsignal(signal.SIGTERM) == before


def test_one_inside_another_gives_way_to_it():
    heard = []
    with handling(lambda *_: heard.append("outer"), signal.SIGTERM):
        with handling(signal.SIG_IGN, signal.SIGTERM):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
    assert heard == ["outer"]
