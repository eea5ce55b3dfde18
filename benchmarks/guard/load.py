"""Many streams at one time through one gateway: does memory stay flat, is an event lost, how long do people wait.

    python benchmarks/guard/load.py [--streams 500] [--minutes 10] [--pause 20] [--models]

A model's server says a long answer, a piece every `pause` milliseconds, to each of so many callers at once; each caller
asks again as soon as it is answered. All answers are clean, so each must end with `[DONE]` and leave three events (the
question's verdict, the answer's, the label), which are looked for in the spool at the end. Memory of the
gateway is printed every few seconds.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import aiohttp
import orjson
from gateway import CHAT, QUESTION, SERVERS, cpu_seconds, wait
from servers import FRAMES, KEY

EVENTS_EACH = 3
URL = f"http://127.0.0.1:18192{CHAT}"


def memory(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


class Load:
    """The callers, and what they saw."""

    def __init__(self, until):
        self.until = until
        self.first, self.whole, self.errors, self.answered = [], [], [], []
        raw = {"model": "m", "messages": [{"role": "user", "content": QUESTION}], "stream": True}
        self.body = json.dumps(raw, ensure_ascii=False).encode()

    async def caller(self, session):
        """Ask again and again."""
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        while time.monotonic() < self.until:
            began, last, first = time.perf_counter(), b"", None
            try:
                async with session.post(URL, data=self.body, headers=headers) as reply:
                    async for piece in reply.content.iter_any():
                        first = first or time.perf_counter() - began
                        last = (last + piece)[-4000:]
            except (aiohttp.ClientError, TimeoutError) as error:
                self.errors.append(repr(error))
                continue
            if b"[DONE]" not in last or b"content_filter" in last or b'"error"' in last:
                self.errors.append(repr(last[-200:]))
                continue
            self.answered.append(reply.headers["jingwei-request-id"])
            self.first.append(first)
            self.whole.append(time.perf_counter() - began)

    async def run(self, streams, pid):
        """Run all callers at one time."""
        timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
        async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
            callers = [asyncio.create_task(self.caller(session)) for _ in range(streams)]
            watcher = asyncio.create_task(self.watch(pid))
            await asyncio.gather(*callers)
            watcher.cancel()

    async def watch(self, pid):
        """Print how it goes."""
        began = time.monotonic()
        while True:
            print(f"{time.monotonic() - began:6.0f} s  memory {memory(pid):7.1f} MB  answers {len(self.whole):7}  "
                  f"errors {len(self.errors)}", flush=True)  # fmt: skip
            await asyncio.sleep(15)


def percentiles(values):
    cuts = statistics.quantiles(values, n=100)
    return f"p50 {cuts[49] * 1000:.0f} ms, p95 {cuts[94] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms"


def lost(spool, answered):
    """Count the answers that left fewer events than they should have."""
    found = Counter(orjson.loads(line)["request_id"] for path in spool.glob("*.jsonl")
                    for line in path.read_bytes().splitlines())  # fmt: skip
    return sum(found[each] < EVENTS_EACH for each in answered)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--pause", type=float, default=20, help="milliseconds between two pieces of an answer")
    parser.add_argument("--times", type=int, default=5, help="how often the model's server says its paragraph")
    parser.add_argument("--models", action="store_true", help="with the trained models")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    slow = {**os.environ, "MODEL_PAUSE": str(options.pause), "MODEL_TIMES": str(options.times)}
    model = subprocess.Popen([sys.executable, SERVERS, "model", "18190"], env=slow)
    given = ["18192", "http://127.0.0.1:18190/v1", str(folder), "0", "1" if options.models else "0"]
    ours = subprocess.Popen([sys.executable, SERVERS, "gateway", *given])
    try:
        asyncio.run(wait(URL, KEY))
        before, began = cpu_seconds(ours.pid), time.monotonic()
        load = Load(time.monotonic() + options.minutes * 60)
        asyncio.run(load.run(options.streams, ours.pid))
        seconds, used = time.monotonic() - began, cpu_seconds(ours.pid) - before
    finally:
        ours.terminate()
        model.terminate()
        ours.wait(60)
        model.wait(10)
    pieces = len(load.whole) * (len(FRAMES) * options.times + 2)
    missing = lost(folder / "spool", load.answered)
    print(f"answers {len(load.whole)}, errors {len(load.errors)}, answers with an event lost {missing}")
    print(f"first piece: {percentiles(load.first)}; whole answer: {percentiles(load.whole)}")
    print(f"{used / seconds * 100:.0f} % of one core, {used * 1e6 / max(1, pieces):.0f} microseconds a streamed piece")
    for error in load.errors[:5]:
        print("  ", error)
    return bool(load.errors or missing)


if __name__ == "__main__":
    sys.exit(main())
