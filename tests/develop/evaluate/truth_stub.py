"""The truth stub: an OpenAI-compatible server on loopback whose every answer has a known label.

It refuses or helps by the hash of what it is asked, so that whoever counts afterwards knows what it did. No model, no
judge: `helped` is the truth that a report is held against.
"""

import json
from contextlib import asynccontextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path

import yaml
from aiohttp import web

HERE = Path(__file__).parent


@cache
def sayings():
    return yaml.safe_load((HERE / "truth.yaml").read_text(encoding="utf-8"))


def drawn(message, salt=""):
    """Return a number from 0 up to 1 that is always the same for a message."""
    return int.from_bytes(sha256((salt + message).encode()).digest()[:6]) / 2**48


def helped(message, *, share):
    """Tell whether the stub helps with a message; `share` of all messages get help."""
    return drawn(message, "helps") < share


def answer_to(message, *, share):
    language = "zh" if any("一" <= each <= "鿿" for each in message) else "en"
    kind = "helps" if helped(message, share=share) else "refusals"
    listed = sayings()[kind][language]
    return listed[int(drawn(message, "which") * len(listed))].replace("{topic}", message)


def completion(text):
    return {
        "model": "truth",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 40, "completion_tokens": 60},
    }


@asynccontextmanager
async def truth_served(share):
    """Serve; gives the base address and the list of messages that were asked."""
    asked = []

    async def chat(request):
        message = json.loads(await request.read())["messages"][-1]["content"]
        message = message if isinstance(message, str) else message[0]["text"]
        asked.append(message)
        return web.json_response(completion(answer_to(message, share=share)))

    async def models(_):
        return web.json_response({"data": [{"id": "truth"}]})

    app = web.Application(handler_args={"access_log": None})
    app.router.add_post("/v1/chat/completions", chat)
    app.router.add_get("/v1/models", models)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/v1", asked
    finally:
        await runner.cleanup()
