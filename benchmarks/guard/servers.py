"""The servers that the gateway's benchmarks start, one process each: a model's server, a bare proxy, our gateway.

python benchmarks/guard/servers.py model PORT | bare PORT URL | gateway PORT URL FOLDER WORDS MODELS
"""

import asyncio
import json
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import orjson

ID = "chatcmpl-9f0a6b1c2d3e4f5a6b7c8d9e0f1a2b3c"
"""As vLLM and others write it."""
KEY = "jw-" + "b" * 40
ANSWER = "The meeting starts at three; please bring the quarterly report. 会议三点开始，请带上季度报告。" * 3
PIECES = [ANSWER[place : place + 8] for place in range(0, len(ANSWER), 8)][:32]


NUMBERS = count(1)


def completion():
    """Return an answer that nobody gave before: a guard may remember what it has read."""
    said = f"{next(NUMBERS)} {ANSWER}"
    return orjson.dumps({"id": ID, "object": "chat.completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})  # fmt: skip


def frame(delta, finish=None):
    chunk = {"id": ID, "object": "chat.completion.chunk", "created": 1, "model": "m",
             "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}  # fmt: skip
    return b"data: " + json.dumps(chunk, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


FRAMES = [frame({"content": part}) for part in PIECES]
END = frame({}, "stop") + b"data: [DONE]\n\n"


async def body_of(receive):
    pieces, more = [], True
    while more:
        message = await receive()
        pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(pieces)


async def start(send, media_type, status=200):
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", media_type)]})


async def model(scope, receive, send):
    """Answer at once; a stream comes piece by piece, `X-Pause` milliseconds apart and `X-Times` over."""
    if scope["type"] != "http":
        return
    raw = await body_of(receive)
    if b'"stream":true' not in raw and b'"stream": true' not in raw:
        await start(send, b"application/json")
        await send({"type": "http.response.body", "body": completion()})
        return
    pause, times = float(os.environ.get("MODEL_PAUSE", "0")) / 1000, int(os.environ.get("MODEL_TIMES", "1"))
    await start(send, b"text/event-stream")
    await send({"type": "http.response.body", "body": frame({"content": f"{next(NUMBERS)} "}), "more_body": True})
    for _ in range(times):
        for each in FRAMES:
            await send({"type": "http.response.body", "body": each, "more_body": True})
            if pause:
                await asyncio.sleep(pause)
    await send({"type": "http.response.body", "body": END})


class Bare:
    """Pass everything through and look at nothing: what any Python proxy costs."""

    def __init__(self, upstream):
        self.url = upstream + "/chat/completions"
        self.session = None

    async def __call__(self, scope, receive, send):
        """Pass one request on."""
        import aiohttp

        if scope["type"] != "http":
            return
        if self.session is None:
            self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        headers = {"Content-Type": "application/json"}
        async with self.session.post(self.url, data=await body_of(receive), headers=headers) as answer:
            await start(send, answer.headers["content-type"].encode(), answer.status)
            async for part in answer.content.iter_any():
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


def run(application, port):
    import uvicorn

    uvicorn.run(application, host="127.0.0.1", port=port, log_level="warning", access_log=False, lifespan="off",
                server_header=False, date_header=False, ws="none", proxy_headers=False)  # fmt: skip


def words(listed):
    return [f"禁{chr(0x4E00 + n % 5000)}{chr(0x4E00 + n // 5000 * 37 % 5000)}词{n}" for n in range(listed)]


def gateway_settings(upstream, folder, listed=(), **more):
    """Write a snapshot of one live System and return the settings that read it."""
    from jingwei.core.signing import Signer
    from jingwei.core.snapshot import Content, Served, Snapshot, key_hash, write_public_key, write_snapshot
    from jingwei.core.token import ReleaseToken, issue
    from jingwei.deploy.guard import compile_policy
    from jingwei.faces.gateway import GatewaySettings

    signer, now = Signer.generate(), datetime.now(UTC)
    policy = compile_policy("s", 2, {}, words=listed)
    token = ReleaseToken(id="t", system_id="s", policy_digest=policy.digest, issued_at=now,
                         expires_at=now + timedelta(hours=2), configuration_digest="c", evidence_digest="e",
                         decision_id="d")  # fmt: skip
    served = Served(system_id="s", name="n", status="live", upstream_url=upstream, policy=policy,
                    release_token=issue(token, signer), key_hashes=(key_hash(KEY),))  # fmt: skip
    write_public_key(folder, signer.verifier)
    path = folder / "snapshot.json"
    write_snapshot(path, Snapshot.sealed(Content(systems=(served,)), at=now, sequence=1, signer=signer))
    return GatewaySettings(snapshot_path=path, spool_path=folder / "spool", snapshot_limit_seconds=7200, **more)


def without_models():
    """Take the trained models away: what is left are words, personal data, secrets and rules."""
    from jingwei.deploy.guard import Guard

    build = Guard.build

    def built(policy):
        return Guard(policy, replace(build(policy).bundle, models={}))

    Guard.build = staticmethod(built)


def gateway(port, upstream, folder, listed, models):
    from jingwei.faces.gateway import serve

    if models == "0":
        without_models()
    serve(gateway_settings(upstream, Path(folder), words(int(listed))), port=port)


if __name__ == "__main__":
    role, at, *rest = sys.argv[1:]
    if role == "model":
        run(model, int(at))
    elif role == "bare":
        run(Bare(rest[0]), int(at))
    else:
        gateway(int(at), *rest)
