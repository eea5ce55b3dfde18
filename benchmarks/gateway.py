"""What the guard gateway costs: CPU per request beside a bare proxy, and beside LiteLLM's proxy where it can be had.

    python benchmarks/gateway.py [--requests 2000] [--peer-python /path/to/venv/bin/python]

Everything runs on loopback, one process each: a model's server that answers at once, the bare aiohttp proxy (what
any Python proxy costs), our gateway with signed snapshot, all detectors in both directions and every event synced to
disk, and the peer with no guard at all. CPU time of the process under test is read from /proc: a busy host inflates it
less than wall time; ratios inside one run are the result.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from aiohttp import web

KEY = "jw-" + "b" * 40
ANSWER = "The meeting starts at three; please bring the quarterly report. 会议三点开始，请带上季度报告。" * 3
QUESTION = ("请问今天下午三点的会议在哪个会议室？Please summarise the quarterly report for the finance team. " * 8)[
    :700
]
PIECES = [ANSWER[place : place + 8] for place in range(0, len(ANSWER), 8)][:32]


def completion():
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}  # fmt: skip


def piece(delta, finish=None):
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
             "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}  # fmt: skip
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


async def model(request):
    body = await request.json()
    if not body.get("stream"):
        return web.json_response(completion())
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for part in PIECES:
        await response.write(piece({"content": part}))
    await response.write(piece({}, "stop") + b"data: [DONE]\n\n")
    return response


def serve_model(port):
    application = web.Application()
    application.router.add_post("/v1/chat/completions", model)
    web.run_app(application, host="127.0.0.1", port=port, print=None)


def serve_bare(port, upstream):
    """Pass everything through and look at nothing."""

    async def forward(request):
        async with request.app["session"].post(upstream + "/chat/completions", data=await request.read(),
                                               headers={"Content-Type": "application/json"}) as answer:  # fmt: skip
            response = web.StreamResponse(headers={"Content-Type": answer.content_type})
            await response.prepare(request)
            async for part in answer.content.iter_any():
                await response.write(part)
            return response

    async def session(application):
        application["session"] = aiohttp.ClientSession()
        yield
        await application["session"].close()

    application = web.Application()
    application.cleanup_ctx.append(session)
    application.router.add_post("/v1/chat/completions", forward)
    web.run_app(application, host="127.0.0.1", port=port, print=None)


def serve_gateway(port, upstream, folder, words):
    from jingwei.core.signing import Signer
    from jingwei.core.snapshot import Content, Served, Snapshot, key_hash, write_public_key, write_snapshot
    from jingwei.core.token import ReleaseToken, issue
    from jingwei.deploy.guard import compile_policy
    from jingwei.faces.gateway import GatewaySettings, serve

    signer, now = Signer.generate(), datetime.now(UTC)
    listed = [f"禁{chr(0x4E00 + n % 5000)}{chr(0x4E00 + n // 5000 * 37 % 5000)}词{n}" for n in range(words)]
    policy = compile_policy("s", 2, {}, words=listed)
    token = ReleaseToken(id="t", system_id="s", policy_digest=policy.digest, issued_at=now,
                         expires_at=now + timedelta(hours=2), configuration_digest="c", evidence_digest="e",
                         decision_id="d")  # fmt: skip
    served = Served(system_id="s", name="n", status="live", upstream_url=upstream, policy=policy,
                    release_token=issue(token, signer), key_hashes=(key_hash(KEY),))  # fmt: skip
    write_public_key(folder, signer.verifier)
    path = folder / "snapshot.json"
    write_snapshot(path, Snapshot.sealed(Content(systems=(served,)), at=now, sequence=1, signer=signer))
    serve(GatewaySettings(snapshot_path=path, spool_path=folder / "spool", snapshot_limit_seconds=7200), port=port)


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def wait(url, key):
    async with aiohttp.ClientSession() as session:
        for _ in range(600):
            try:
                headers = {"Authorization": f"Bearer {key}"}
                async with session.post(url, json=body(stream=False), headers=headers) as reply:
                    if reply.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
    raise SystemExit(f"{url} does not serve")


def body(*, stream):
    return {"model": "m", "messages": [{"role": "user", "content": QUESTION}], "stream": stream}


async def load(url, key, *, requests, stream):
    """Send requests over 16 connections; return seconds."""
    left = iter(range(requests))
    raw = json.dumps(body(stream=stream), ensure_ascii=False).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    async def worker(session):
        for _ in left:
            async with session.post(url, data=raw, headers=headers) as reply:
                answer = await reply.read()
                if reply.status != 200 or (stream and b"[DONE]" not in answer) or b"content_filter" in answer:
                    raise SystemExit(f"{url}: {reply.status} {answer[:300]!r}")

    began = time.perf_counter()
    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(worker(session) for _ in range(16)))
    return time.perf_counter() - began


def measure(name, pid, url, key, requests):
    asyncio.run(wait(url, key))
    figures = {}
    for kind, stream in (("json", False), ("sse", True)):
        asyncio.run(load(url, key, requests=max(20, requests // 10), stream=stream))
        before = cpu_seconds(pid)
        seconds = asyncio.run(load(url, key, requests=requests, stream=stream))
        figures[kind] = (cpu_seconds(pid) - before) * 1000 / requests
        figures[f"{kind} per second"] = requests / seconds
    rss = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    figures["rss MB"] = int(rss.split()[1]) / 1024
    print(f"{name:28}", "  ".join(f"{key} {value:8.3f}" for key, value in figures.items()), flush=True)
    return figures


def start(*arguments, environment=None):
    return subprocess.Popen(arguments, env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--words", type=int, default=0, help="keywords of the organisation's own")
    parser.add_argument("--peer-python", help="an interpreter whose environment has litellm[proxy]")
    parser.add_argument("--role", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role:
        name, port, *rest = options.role
        return {"model": lambda: serve_model(int(port)), "bare": lambda: serve_bare(int(port), rest[0]),
                "gateway": lambda: serve_gateway(int(port), rest[0], Path(rest[1]), int(rest[2]))}[name]()  # fmt: skip
    here, upstream = [sys.executable, __file__, "--role"], "http://127.0.0.1:18090/v1"
    path = "/v1/chat/completions"
    with tempfile.TemporaryDirectory() as folder:
        running = [start(*here, "model", "18090")]
        try:
            time.sleep(1)
            running.append(start(*here, "bare", "18091", upstream))
            pid = running[-1].pid
            bare = measure("bare aiohttp proxy", pid, "http://127.0.0.1:18091" + path, KEY, options.requests)
            running.append(start(*here, "gateway", "18092", upstream, folder, str(options.words)))
            pid = running[-1].pid
            ours = measure("jingwei gateway", pid, "http://127.0.0.1:18092" + path, KEY, options.requests)
            for kind in ("json", "sse"):
                print(f"  {kind}: {ours[kind] / bare[kind]:.2f} times the bare proxy")
            if options.peer_python:
                peer(options, folder, upstream, running, ours)
        finally:
            for process in running:
                process.send_signal(signal.SIGTERM)
            for process in running:
                process.wait(20)
    return None


def peer(options, folder, upstream, running, ours):
    config = Path(folder) / "litellm.yaml"
    config.write_text(
        f"model_list:\n  - model_name: m\n    litellm_params: {{model: openai/m, api_base: '{upstream}', api_key: x}}\n"
        "general_settings: {master_key: sk-benchmark-0123456789abcdef}\nlitellm_settings: {telemetry: false}\n"
    )
    command = Path(options.peer_python).with_name("litellm")
    running.append(start(str(command), "--config", str(config), "--port", "18093", "--host", "127.0.0.1",
                         environment={"LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}))  # fmt: skip
    figures = measure("LiteLLM proxy, no guard", running[-1].pid, "http://127.0.0.1:18093/v1/chat/completions",
                      "sk-benchmark-0123456789abcdef", max(50, options.requests // 10))  # fmt: skip
    for kind in ("json", "sse"):
        print(f"  {kind}: LiteLLM costs {figures[kind] / ours[kind]:.1f} times our CPU")


if __name__ == "__main__":
    main()
