"""What it costs a gateway to take other live words: a base of a million words, and one word added to it.

    python benchmarks/guard/swap.py [--words 1000000]

The base lies compiled beside the snapshot, as the relay leaves it. Measured is CPU time of the thread that builds the
new guard (the event loop goes on meanwhile), and of the swap itself. Requests keep being judged between the swaps.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from hashlib import sha256
from pathlib import Path

from jingwei.core.clock import utc_now
from jingwei.core.signing import Signer
from jingwei.core.snapshot import LEXICONS, Content, LiveLexicon, Served, Snapshot, write_public_key, write_snapshot
from jingwei.deploy.guard import Guard, Passage, compile_policy, with_lexicon
from jingwei.detect.lexicon import compile_base
from jingwei.faces.gateway import GatewaySettings
from jingwei.faces.gateway.lexicons import LiveWords
from jingwei.faces.gateway.serving import Serving

ROUNDS = 15


def words(count: int) -> list[str]:
    """Make words of four to six characters, each another."""
    first = [chr(0x4E00 + number) for number in range(1000)]
    return [f"{first[n % 1000]}{first[n // 1000 % 1000]}{first[(n * 7 + 3) % 1000]}{first[(n * 13 + 5) % 1000]}"
            for n in range(count)]  # fmt: skip


def timed(call) -> tuple[float, object]:
    began = time.thread_time()
    result = call()
    return (time.thread_time() - began) * 1000, result


async def live(folder: Path, base: str, policy) -> tuple[float, int, int]:
    """Publish added words again and again while requests are judged; return the median delay, judged and failed."""
    signer, settings = Signer.generate(), GatewaySettings(snapshot_path=folder / "s.json", spool_path=folder / "spool")
    write_public_key(folder, signer.verifier)
    serving, delays, judged, failed, going = Serving(settings, clock=utc_now), [], 0, 0, True

    def publish(number: int) -> Served:
        lexicon = LiveLexicon(name="organisation", version=f"{number}.x", base=base, added=((f"新词{number}号码", ""),))
        served = Served(system_id="s", name="s", status="live", upstream_url="http://127.0.0.1:1/v1", policy=policy)
        content = Content(systems=(served,), lexicons=(lexicon,))
        write_snapshot(settings.snapshot_path, Snapshot.sealed(content, at=utc_now(), sequence=number, signer=signer))
        return served

    async def ask(served: Served) -> None:
        nonlocal judged, failed
        while going:
            try:
                await serving.guard(served).judged((Passage((), "今天的会议改到下午三点"),), direction="inbound")
                judged += 1
            except Exception:  # noqa: BLE001 - counted
                failed += 1
            await asyncio.sleep(0)

    served = publish(1)
    await serving.refresh(built=True)
    asking = [asyncio.create_task(ask(served)) for _ in range(4)]
    for number in range(2, ROUNDS + 2):
        publish(number)
        began = time.perf_counter()
        await serving.refresh(built=True)
        delays.append((time.perf_counter() - began) * 1000)
    going = False
    await asyncio.gather(*asking)
    return statistics.median(delays), judged, failed


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--words", type=int, default=1_000_000)
    count = options.parse_args().words
    policy = compile_policy("s", 2, {})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image = compile_base(words(count))
        base = sha256(image).hexdigest()
        (folder / LEXICONS).mkdir()
        (folder / LEXICONS / f"{base}.words").write_bytes(image)
        guard = Guard.build(policy)
        new_base, one_word, swaps = [], [], []
        for number in range(ROUNDS):
            held = LiveWords(folder / "s.json")
            told = (LiveLexicon(name="organisation", version="1", base=base),)
            cost, _ = timed(lambda: held.lexicon(told, policy))  # noqa: B023 - called at once
            new_base.append(cost)
            told = (LiveLexicon(name="organisation", version="2", base=base, added=((f"新词{number}号码", ""),)),)
            cost, lexicon = timed(lambda: held.lexicon(told, policy))  # noqa: B023
            one_word.append(cost)
            cost, _ = timed(lambda: with_lexicon(guard, lexicon))  # noqa: B023
            swaps.append(cost)
        print(f"{count:,} words, image {len(image) / 1e6:.0f} MB; medians of {ROUNDS}, CPU ms of the building thread")
        print(f"  new base: verified, loaded, compiled with the built-in words  {statistics.median(new_base):8.2f}")
        print(f"  one word added to the base there is                          {statistics.median(one_word):8.2f}")
        print(f"  the guard takes them                                          {statistics.median(swaps):8.3f}")
        delay, judged, failed = asyncio.run(live(folder, base, policy))
        print(f"  snapshot seen to word enforced, under load (wall)             {delay:8.2f}")
        print(f"  requests judged meanwhile {judged}, failed {failed}; target: 100 ms, none failed")


if __name__ == "__main__":
    main()
