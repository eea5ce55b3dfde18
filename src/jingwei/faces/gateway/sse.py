"""Server-sent events: a stream of bytes as the data of its events, bounded in line and whole.

Only `data:` lines count, as every model's server sends them, one event a line. A reader may be fed one byte at a time
or all at once and gives the same events.
"""

from jingwei.faces.gateway.refusal import Code, Refusal

MAX_LINE_BYTES = 1024 * 1024
DONE = b"[DONE]"


class DataReader:
    """Cuts a stream into the data of its events."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._size = 0
        self._rest: list[bytes] = []
        self._waiting = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """Take some bytes; return the data of the events that are complete.

        Raises:
            Refusal: a line or the whole is too large.
        """
        self._size += len(piece)
        head, newline, tail = piece.rpartition(b"\n")
        if self._size > self._max_bytes or (self._waiting + len(piece) > MAX_LINE_BYTES and not newline):
            raise Refusal(Code.UPSTREAM_GARBAGE)
        if not newline:
            self._rest.append(piece)
            self._waiting += len(piece)
            return []
        whole = b"".join([*self._rest, head])
        self._rest, self._waiting = ([tail], len(tail)) if tail else ([], 0)
        lines = whole.split(b"\n")
        if len(whole) + self._waiting > MAX_LINE_BYTES and max(self._waiting, *map(len, lines)) > MAX_LINE_BYTES:
            raise Refusal(Code.UPSTREAM_GARBAGE)
        return [each[5:].strip() for each in lines if each.startswith(b"data:")]
