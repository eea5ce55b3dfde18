"""Compiling the words of a lexicon into the image that gateways load: `python -m jingwei.platform.word_base`.

A process of its own, since compiling a million words takes seconds and memory that the relay must not spend: while it
waits, no gateway is told anything. It writes the image to the file it is given, and the version it is of to its output.
"""

import os
import sys
from pathlib import Path

from jingwei.detect.lexicon import compile_base
from jingwei.platform.word_index import WordIndex


def main() -> None:
    """Compile the newest version that an index knows."""
    index, target = WordIndex(Path(sys.argv[1])), Path(sys.argv[2])
    with index.opened() as connection:
        connection.execute("BEGIN")  # one unchanging view
        number = connection.execute("SELECT coalesce(max(number), 0) FROM applied").fetchone()[0]
        image = compile_base(connection.execute("SELECT word, topic FROM word WHERE removed IS NULL ORDER BY folded"))
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(image)
    sys.stdout.write(str(number))


if __name__ == "__main__":
    main()
