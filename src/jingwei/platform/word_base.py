"""Compiling the words of a lexicon into the image that gateways load: `python -m jingwei.platform.word_base`.

A process of its own, since compiling a million words takes seconds and memory that the relay must not spend: while it
waits, no gateway is told anything. It is given an index, a version, and the file to write the image to.
"""

import os
import sys
from pathlib import Path

from jingwei.detect.lexicon import compile_base
from jingwei.platform.word_index import WordIndex, held_at


def main() -> None:
    """Compile the words that an index holds at a version."""
    index, number, target = WordIndex(Path(sys.argv[1])), int(sys.argv[2]), Path(sys.argv[3])
    with index.opened() as connection:
        words = connection.execute(f"SELECT word, topic FROM word WHERE {held_at(number)} ORDER BY folded")  # noqa: S608 - whole numbers of our own
        image = compile_base(words)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(image)


if __name__ == "__main__":
    main()
