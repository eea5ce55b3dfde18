"""Signals heard for a while: what a process does on Ctrl-C or SIGTERM while it serves, and nothing of it afterwards."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], object] | signal.Handlers


@contextmanager
def handling(handler: Handler, *numbers: signal.Signals) -> Iterator[None]:
    """Answer these signals with a handler, and as before from then on; for the main thread alone, as signals are.

    A handler that was not set from Python cannot be set again; the signal's default takes its place.
    """
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        for number in numbers:
            signal.signal(number, handler)
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, signal.SIG_DFL if earlier is None else earlier)
