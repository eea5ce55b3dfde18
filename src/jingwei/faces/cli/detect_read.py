"""Reads lines ahead in a thread, so that what has come can be judged while the next is still awaited."""

from collections.abc import Iterator
from queue import Empty, Queue
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jingwei.core.lines import Line


class Reader:
    """Gives the lines that have come, in batches.

    Args:
        lines: where they come from.
        ahead: how many are read before anybody asks for them.
    """

    def __init__(self, lines: "Iterator[Line]", *, ahead: int) -> None:
        self.ended = False
        self._error: BaseException | None = None
        self._come: Queue[Line | None] = Queue(ahead)
        Thread(target=self._read, args=(lines,), name="lines", daemon=True).start()

    def batch(self, size: int, *, wait: bool) -> "list[Line]":
        """Return up to so many lines that have come; where none has, wait for one or return none.

        Raises:
            OSError: the input could not be read.
        """
        taken: list[Line] = []
        while len(taken) < size and not self.ended:
            try:
                line = self._come.get(block=wait and not taken)
            except Empty:
                break
            if line is None:
                self.ended = True
            else:
                taken.append(line)
        if self.ended and not taken and self._error:
            raise self._error
        return taken

    def _read(self, lines: "Iterator[Line]") -> None:
        try:
            for line in lines:
                self._come.put(line)
        except BaseException as error:  # noqa: BLE001 - raised again where the lines are taken
            self._error = error
        self._come.put(None)
