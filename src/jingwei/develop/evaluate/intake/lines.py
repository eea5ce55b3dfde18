"""Lines of a file that somebody else wrote, each no longer than a bound."""

from collections.abc import Iterator
from io import BufferedReader

from jingwei.core.errors import InputError

_LONGEST = 8 * 1024 * 1024


def lines_of(file: BufferedReader, *, name: str) -> Iterator[tuple[int, bytes]]:
    """Give each line that holds something, with its number.

    Raises:
        InputError: a line is longer than 8 MiB.
    """
    number = 0
    while line := file.readline(_LONGEST + 1):
        number += 1
        if len(line) > _LONGEST:
            raise InputError("develop.evaluate:log-line-long", field="log", file=name, line=number,
                             limit=_LONGEST)  # fmt: skip
        if line.strip():
            yield number, line
