"""LZ4 frames, as joblib writes them: read without the library, so that no verdict depends on what is installed."""

MAGIC = b"\x04\x22\x4d\x18"
_WINDOW = 65536
_LARGEST_BLOCK = 4 * 1024 * 1024
_PLAIN = 1 << 31


class Lz4:
    """Decompresses one frame, with the interface of the standard library's decompressors."""

    def __init__(self) -> None:
        self.eof = False
        self.unused_data = b""
        self._packed = bytearray()
        self._ready = bytearray()
        self._behind = bytearray()
        self._started = False
        self._block_sum = False
        self._content_sum = False

    @property
    def needs_input(self) -> bool:
        """Tell whether nothing more comes without more input."""
        return not self._ready and not self.eof

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Take more input, and return at most so many bytes.

        Raises:
            ValueError: this is no LZ4 frame.
        """
        self._packed += data
        while not self.eof and len(self._ready) < max_length and self._step():
            pass
        out = bytes(self._ready[:max_length])
        del self._ready[:max_length]
        return out

    def _step(self) -> bool:
        """Read the next part of the frame, if it is there in full."""
        if not self._started:
            return self._header()
        if len(self._packed) < 4:
            return False
        word = int.from_bytes(self._packed[:4], "little")
        if not word:
            return self._end()
        size = word & (_PLAIN - 1)
        if size > _LARGEST_BLOCK:
            raise ValueError(size)
        whole = 4 + size + 4 * self._block_sum
        if len(self._packed) < whole:
            return False
        raw = bytes(self._packed[4 : 4 + size])
        del self._packed[:whole]
        block = raw if word & _PLAIN else expand(raw, bytes(self._behind))
        self._ready += block
        self._behind = (self._behind + block)[-_WINDOW:]
        return True

    def _header(self) -> bool:
        if len(self._packed) < 19:  # the longest header; a frame with a block is longer still, or ends at once
            return False
        flags = self._packed[4]
        if self._packed[:4] != MAGIC or flags >> 6 != 1:
            raise ValueError(flags)
        self._block_sum, self._content_sum = bool(flags & 0x10), bool(flags & 0x04)
        del self._packed[: 7 + 8 * bool(flags & 0x08) + 4 * bool(flags & 0x01)]
        self._started = True
        return True

    def _end(self) -> bool:
        last = 4 + 4 * self._content_sum
        if len(self._packed) < last:
            return False
        self.unused_data = bytes(self._packed[last:])
        self._packed.clear()
        self.eof = True
        return True


def expand(raw: bytes, behind: bytes) -> bytes:
    """Decompress one block.

    Args:
        raw: the block.
        behind: what was decompressed before it.

    Raises:
        ValueError: the block does not hold.
    """
    out, at, size = bytearray(behind), 0, len(raw)
    most = len(behind) + _LARGEST_BLOCK
    while at < size:
        token = raw[at]
        literal, at = _length(raw, at + 1, token >> 4)
        out += raw[at : at + literal]
        at += literal
        if at >= size:
            break
        distance = int.from_bytes(raw[at : at + 2], "little")
        match, at = _length(raw, at + 2, token & 15)
        match += 4
        start = len(out) - distance
        if not distance or start < 0 or len(out) + match > most:
            raise ValueError(distance)
        if distance >= match:
            out += out[start : start + match]
        else:  # it repeats what it writes
            piece = out[start:]
            out += (piece * (match // distance + 1))[:match]
    if at > size:
        raise ValueError(at)
    return bytes(out[len(behind) :])


def _length(raw: bytes, at: int, length: int) -> tuple[int, int]:
    if length < 15:
        return length, at
    while at < len(raw):
        length += raw[at]
        at += 1
        if raw[at - 1] != 255:
            return length, at
    raise ValueError(at)
