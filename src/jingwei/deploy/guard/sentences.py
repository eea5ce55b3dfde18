"""Sentences of a stream: where one ends, so that a model is asked about whole ones and not about every piece."""

import re

LEAST = 8
"""Characters of the shortest text that counts as a sentence of its own."""
LONGEST = 80
"""A sentence that goes on longer is cut here."""

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
