"""Scripted subjects behind an OpenAI-compatible address on loopback, for any tool that evaluates."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import JsonValue, ValidationError

from jingwei.develop.evaluate.exchange import Answer, Call, Message
from jingwei.develop.evaluate.organisms.player import Organism
from jingwei.develop.evaluate.reading import arguments_of

_LARGEST = 4 * 1024 * 1024
"""Bytes of a request."""


Script = Callable[[str, Sequence[Message], Sequence[JsonValue]], Answer]
"""Answers to a model's name, a conversation and the tools offered."""


def server_of(organism: Organism, *, name: str, port: int = 0) -> ThreadingHTTPServer:
    """Return an organism's server on loopback, bound and not yet serving; port 0 takes any free one."""
    return script_server(lambda _, messages, tools: organism.answer(messages, tools), name=name, port=port)


def script_server(script: Script, *, name: str, port: int = 0) -> ThreadingHTTPServer:
    """Return a script's server."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """List the one model."""
            self._reply(200, {"object": "list", "data": [{"id": name, "object": "model"}]})

        def do_POST(self) -> None:
            """Answer a chat."""
            length = int(self.headers.get("Content-Length") or 0)
            if not 0 < length <= _LARGEST:
                self.close_connection = True
                self._reply(413, {"error": {"message": "size"}})
                return
            try:
                body = json.loads(self.rfile.read(length))
                messages = [_message(each) for each in body["messages"]]
                answer = script(str(body.get("model", "")), messages, body.get("tools") or ())
            except (ValueError, KeyError, TypeError, AttributeError, ValidationError, RecursionError):
                self._reply(400, {"error": {"message": "not a chat request"}})
                return
            self._reply(200, completion_of(answer, name=name))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

        def _reply(self, status: int, body: JsonValue) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    return server


@contextmanager
def serve(organism: Organism, *, name: str, port: int = 0) -> Iterator[str]:
    """Serve an organism in the background and give the base address."""
    with serving(server_of(organism, name=name, port=port)) as url:
        yield url


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[str]:
    """Serve in the background and give the base address."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def completion_of(answer: Answer, *, name: str) -> JsonValue:
    """Return an answer as the chat API gives it."""
    message: dict[str, JsonValue] = {"role": "assistant", "content": answer.text}
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    if answer.calls:
        message["tool_calls"] = [
            {"id": each.id, "type": "function",
             "function": {"name": each.name, "arguments": json.dumps(dict(each.arguments))}}
            for each in answer.calls
        ]  # fmt: skip
    usage: JsonValue = {"prompt_tokens": answer.usage.asked, "completion_tokens": answer.usage.answered}
    finish = "tool_calls" if answer.calls else "stop"
    choice: JsonValue = {"index": 0, "message": message, "finish_reason": finish}
    return {"id": "c-1", "object": "chat.completion", "model": name, "choices": [choice], "usage": usage}


def _message(given: Any) -> Message:  # Any: JSON from outside, checked here
    content = given.get("content") or ""
    if isinstance(content, list):
        content = "\n".join(str(each.get("text", "")) for each in content)
    calls = tuple(
        Call(name=each["function"]["name"], arguments=arguments_of(each["function"].get("arguments")),
             id=str(each.get("id", "")))
        for each in given.get("tool_calls") or ()
    )  # fmt: skip
    return Message(role=given["role"], content=content, calls=calls, call_id=str(given.get("tool_call_id") or ""))
