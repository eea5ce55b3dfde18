"""Sentences and words of a stream: where one ends, so that a model is asked about whole ones and not every piece."""

import re

LEAST = 8
"""Characters of the shortest text that counts as a sentence of its own."""
LONGEST = 80
"""A sentence that goes on longer is cut here."""

NEIGHBOUR = 16
"""Released characters that are looked at to tell what must wait."""
END = re.compile(r"[。！？!?\n]+|\.(?=\s)")
"""What ends a sentence."""


def ends(text: str) -> list[int]:
    """Return the end of each whole sentence of a text, in order."""
    found: list[int] = []
    start = 0
    while True:
        mark = END.search(text, start + LEAST - 1)
        end = mark.end() if mark else len(text) + 1
        if end - start > LONGEST:
            end = start + LONGEST
        if end > len(text):
            return found
        found.append(end)
        start = end


def edge(window: str, known: int) -> int:
    """Return from where on a window tells what must wait: a little before what may leave, between two words.

    What began earlier has left already, and was no beginning of anything; so it is only the neighbour of what follows.
    """
    for place in range(max(0, known - NEIGHBOUR), 0, -1):
        if not (window[place - 1].isascii() and window[place - 1].isalnum()):
            return place
    return 0
