"""What the guard gateway costs: CPU per request beside a bare proxy, nginx and LiteLLM's proxy.

    python benchmarks/guard/gateway.py [--requests 2000] [--words 0] [--peer-python /path/to/venv/bin/python]

Everything runs on loopback, one process each: a model's server that answers at once, nginx (what passing on costs at
all), a bare proxy of uvicorn and aiohttp (what it costs in Python), our gateway with a signed snapshot, every event
synced to disk, first with words, personal data, secrets and the rules of injection in both directions, then with the
trained models too, and the peer with no guard at all. No question and no answer is the same as one before; `turn 21`
brings the same twenty turns along each time, as a chat does. CPU time of the process under test is read from /proc: a
busy host inflates it less than wall time; ratios inside one run are the result.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

import aiohttp
from servers import FRAMES, KEY

QUESTION = ("请问今天下午三点的会议在哪个会议室？Please summarise the quarterly report for the finance team. " * 8)[
    :700
]
SERVERS = str(Path(__file__).with_name("servers.py"))
CHAT = "/v1/chat/completions"
NGINX = """daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  upstream model {{ server 127.0.0.1:18090; keepalive 64; }}
  server {{ listen 127.0.0.1:18094; keepalive_requests 1000000; location / {{
    proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }} }}
}}
"""


def cpu_seconds(pid):
    """Read the CPU time of a process and its threads, to the nanosecond where the kernel tells it."""
    tasks = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    if tasks:
        return sum(int(fields[0]) for fields in tasks) / 1e9
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


def body(*, stream, number=0, turns=0):
    """Return a request that nobody made before, after so many turns of a chat that the guard has read."""
    history = [{"role": ("user", "assistant")[turn % 2], "content": f"{turn} {QUESTION}"} for turn in range(turns)]
    return {"model": "m", "messages": [*history, {"role": "user", "content": f"{number} {QUESTION}"}], "stream": stream}


def written(number, *, stream, turns=0):
    return json.dumps(body(stream=stream, number=number, turns=turns), ensure_ascii=False).encode()


NUMBERS = count(1)


async def load(url, key, *, requests, stream, turns=0):
    """Send requests over 16 connections, each of its own words; return seconds."""
    left = iter([written(next(NUMBERS), stream=stream, turns=turns) for _ in range(requests)])
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    async def worker(session):
        for raw in left:
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
    for kind, stream, turns in (("json", False, 0), ("sse", True, 0), ("turn 21", False, 20)):
        asyncio.run(load(url, key, requests=max(20, requests // 10), stream=stream, turns=turns))
        before = cpu_seconds(pid)
        seconds = asyncio.run(load(url, key, requests=requests, stream=stream, turns=turns))
        figures[kind] = (cpu_seconds(pid) - before) * 1000 / requests
        figures[f"{kind} per second"] = requests / seconds
    rss = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    figures["rss MB"] = int(rss.split()[1]) / 1024
    print(f"{name:34}", "  ".join(f"{key} {value:8.3f}" for key, value in figures.items()), flush=True)
    return figures


class Bench:
    """Starts processes and ends them."""

    def __init__(self, options, folder):
        self.options = options
        self.folder = Path(folder)
        self.running = []

    def start(self, *arguments, environment=None):
        """Start a process."""
        process = subprocess.Popen(arguments, env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL)
        self.running.append(process)
        return process

    def stop(self):
        """End all processes."""
        for process in self.running:
            process.send_signal(signal.SIGTERM)
        for process in self.running:
            process.wait(30)

    def of(self, name, port, *arguments, role):
        """Measure one of our own servers."""
        process = self.start(sys.executable, SERVERS, role, str(port), "http://127.0.0.1:18090/v1", *arguments)
        return measure(name, process.pid, f"http://127.0.0.1:{port}{CHAT}", KEY, self.options.requests)

    def gateway(self, name, port, *, models):
        """Measure the gateway."""
        place = self.folder / f"gateway-{port}"
        place.mkdir()
        return self.of(name, port, str(place), str(self.options.words), models, role="gateway")

    def nginx(self):
        """Measure nginx, where it is installed."""
        if not (program := shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")):
            print("nginx is not installed: no floor", flush=True)
            return None
        written = self.folder / "nginx.conf"
        written.write_text(NGINX.format(folder=self.folder))
        process = self.start(program, "-p", str(self.folder), "-c", str(written), "-e", str(self.folder / "nginx.log"))
        return measure("nginx proxy_pass", process.pid, f"http://127.0.0.1:18094{CHAT}", KEY, self.options.requests)

    def litellm(self):
        """Measure the peer."""
        config = self.folder / "litellm.yaml"
        config.write_text(
            "model_list:\n  - model_name: m\n"
            "    litellm_params: {model: openai/m, api_base: 'http://127.0.0.1:18090/v1', api_key: x}\n"
            "general_settings: {master_key: sk-benchmark-0123456789abcdef}\nlitellm_settings: {telemetry: false}\n"
        )
        command = Path(self.options.peer_python).with_name("litellm")
        process = self.start(str(command), "--config", str(config), "--port", "18093", "--host", "127.0.0.1",
                             environment={"LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"})  # fmt: skip
        return measure("LiteLLM proxy, no guard", process.pid, f"http://127.0.0.1:18093{CHAT}",
                       "sk-benchmark-0123456789abcdef", max(50, self.options.requests // 10))  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--words", type=int, default=0, help="keywords of the organisation's own")
    parser.add_argument("--peer-python", help="an interpreter whose environment has litellm[proxy]")
    parser.add_argument("--no-models", action="store_true", help="leave the trained models out altogether")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, folder)
        try:
            bench.start(sys.executable, SERVERS, "model", "18090")
            time.sleep(1)
            floor = bench.nginx()
            bare = bench.of("bare proxy, uvicorn and aiohttp", 18091, role="bare")
            ours = bench.gateway("gateway: words, PII, secrets, rules", 18092, models="0")
            if not options.no_models:
                bench.gateway("gateway: all, with the models", 18095, models="1")
            report(ours, bare, floor, bench.litellm() if options.peer_python else None)
        finally:
            bench.stop()


def report(ours, bare, floor, peer):
    for kind in ("json", "sse", "turn 21"):
        parts = [f"{ours[kind] / bare[kind]:.2f} times the bare proxy"]
        parts += [f"{ours[kind] / floor[kind]:.1f} times nginx"] if floor else []
        parts += [f"LiteLLM costs {peer[kind] / ours[kind]:.1f} times ours"] if peer else []
        print(f"  {kind}: {', '.join(parts)}")
    added = (ours["sse"] - bare["sse"]) * 1000 / (len(FRAMES) + 2)
    print(f"  added by the guard: {added:.1f} microseconds of CPU a streamed chunk")


if __name__ == "__main__":
    main()
