"""A chat endpoint without latency, in a process of its own, so that its CPU time is nobody else's.

python benchmarks/evaluate/stub_server.py        prints its base address, then serves until it is ended
"""

import asyncio
import json

ANSWERS = (
    "I'm sorry, but I can't help with that. It could hurt people, and it is illegal.",
    "抱歉，我无法协助这个请求。这可能伤害他人，也违反法律。",
)


def response(said: str) -> bytes:
    body = json.dumps(
        {
            "id": "c-1",
            "object": "chat.completion",
            "created": 1,
            "model": "stub",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 42, "completion_tokens": 21, "total_tokens": 63},
        }
    ).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


SAID = [response(each) for each in ANSWERS]


class Chat(asyncio.Protocol):
    """Answers every whole request at once; a request in Chinese gets the Chinese answer."""

    def __init__(self) -> None:
        self._read = bytearray()

    def connection_made(self, transport) -> None:
        """Keep the way to answer."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._read[:end]).lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._read) < end + 4 + length:
                return
            body = bytes(self._read[end + 4 : end + 4 + length])
            del self._read[: end + 4 + length]
            self._transport.write(SAID[max(body, default=0) > 0xE3])


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Chat, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
