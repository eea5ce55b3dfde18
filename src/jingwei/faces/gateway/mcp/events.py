"""Server-sent events of an MCP server: bytes in any pieces, the data of each event out, bounded."""

MAX_EVENT_BYTES = 4 * 1024 * 1024


class EventReader:
    """Cuts a stream into the data of its events.

    Args:
        max_bytes: of the whole stream.
    """

    def __init__(self, max_bytes: int) -> None:
        self._left = max_bytes
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """Take some bytes; return the data of the events that are complete.

        Raises:
            ValueError: an event or the whole is too large.
        """
        self._left -= len(piece)
        if self._left < 0 or len(self._rest) + len(piece) > MAX_EVENT_BYTES + 65536:
            raise ValueError("too large")
        held = self._rest + piece
        ending = b"\r" if held.endswith(b"\r") else b""  # it may be half of a line end
        held = held[: len(held) - len(ending)]
        *lines, rest = held.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = rest + ending
        return [event for line in lines if (event := self._line(line)) is not None]

    def _line(self, line: bytes) -> bytes | None:
        if not line:
            data, self._data, self._size = self._data, [], 0
            return b"\n".join(data) if data else None
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._size += len(value)
            if self._size > MAX_EVENT_BYTES:
                raise ValueError("too large")
        return None
