"""What keywords cost: 100,000 and 1,000,000 words on prompts and on long text, hold-back, hot swap; beside peers.

    python benchmarks/guard/keywords.py --data DATA [--words 100000 1000000] [--llm-guard PYTHON] [--litellm PYTHON]

Words are compounds of two to four two-character pieces of one set's questions (ChineseSafetyQA), 90 % Chinese, 8 % with
Latin letters, 2 % Latin; prompts are 700 characters of other sets (HalluQA and SafetyBench in Chinese, HaluEval's
answers in English), as they are and with one word planted in each. Chinese prose of these sets names crimes and drugs,
so words built in are found in some, too: the table says how many hits there are. CPU time of this thread; prompts are
scanned in turn, never one twice running, and the median over the rounds is taken of each, then the median and the 99th
percentile over the prompts; "first" is the first round. Long text has one word planted every 1,000 characters. Peers
scan the same clean prompts with 10,000 words, and so do we for the ratio.
"""

import argparse
import json
import random
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from statistics import mean, median

import ahocorasick

from jingwei.detect import fold
from jingwei.detect.forms import SIGNAL
from jingwei.detect.hold import Hold
from jingwei.detect.lexicon import Base, Lexicon, compile_base

LENGTH = 700
PROMPTS = 120
ROUNDS = 21
PEER = Path(__file__).with_name("peer_words.py")
SEED = 20261122


def pieces_of(data: Path) -> str:
    lines = (data / "chinese-safetyqa/chinese_safetyqa.jsonl").read_text(encoding="utf-8").splitlines()
    return "".join(json.loads(line)["question"] for line in lines)


def prose(data: Path) -> dict[str, str]:
    halluqa = json.loads((data / "halluqa-zh/HalluQA.json").read_text(encoding="utf-8"))
    bench = data / "safetybench-zh-en/opensource_data__test_zh_subset.json"
    general = (data / "halueval/data__general_data.json").read_text(encoding="utf-8").splitlines()
    asked = [f"{row['Question']}{row['Best Answer1']}" for row in halluqa]
    asked += [row["question"] for row in json.loads(bench.read_text(encoding="utf-8"))]
    return {"zh": "".join(asked), "en": " ".join(json.loads(line)["chatgpt_response"] for line in general)}


def made_words(count: int, text: str, chance: random.Random) -> list[str]:
    pieces = sorted(
        {text[at : at + 2] for at in range(len(text) - 1) if all("\u4e00" <= c <= "\u9fff" for c in text[at : at + 2])}
    )
    latin = [
        f"{a}{b}"
        for a in ("neo", "cry", "mox", "tri", "vel", "zan")
        for b in ("dex", "lith", "pod", "rax", "sol", "quin")
    ]
    words: set[str] = set()
    while len(words) < count:
        kind = chance.random()
        word = "".join(chance.choice(pieces) for _ in range(chance.choice([2, 2, 2, 3, 4])))
        if kind > 0.98:
            word = (
                chance.choice(latin)
                + chance.choice(latin)
                + chance.choice(latin)[: chance.randint(0, 6)]
                + str(len(words) % 997)
            )
        elif kind > 0.9:
            word += chance.choice(latin)
        words.add(word)
    return sorted(words)


def planted(text: str, words: Sequence[str], chance: random.Random, *, every: int = 1000) -> str:
    parts = [text[at : at + every] + " " + chance.choice(words) + " " for at in range(0, len(text), every)]
    return "".join(parts)


def made_prompts(text: str, words: Sequence[str], chance: random.Random) -> dict[str, list[str]]:
    starts = [chance.randrange(len(text) - LENGTH) for _ in range(PROMPTS)]
    clean = [text[at : at + LENGTH] for at in starts]
    at = [chance.randrange(LENGTH - 20) for _ in range(PROMPTS)]
    hit = [
        (prompt[:place] + " " + chance.choice(words) + " " + prompt[place:])[:LENGTH]
        for prompt, place in zip(clean, at, strict=True)
    ]
    return {"as it is": clean, "one word planted": hit}


def spent(work: Callable[[], object]) -> float:
    start = time.thread_time_ns()
    work()
    return (time.thread_time_ns() - start) / 1000


def row(name: str, lexicon: Lexicon, prompts: Sequence[str]) -> float:
    rounds = [[spent(partial(lexicon.scan, prompt)) for prompt in prompts] for _ in range(ROUNDS)]
    first = sorted(rounds[0])
    steady = sorted(median(each) for each in zip(*rounds, strict=True))
    high = int(len(prompts) * 0.99)
    found = [hit.score > SIGNAL for prompt in prompts for hit in lexicon.scan(prompt)]
    print(f"  {name:34}{median(steady):12.1f}{steady[high]:12.1f}{median(first):12.1f}{first[high]:12.1f}"
          f"{sum(found) / len(prompts):8.2f}{(len(found) - sum(found)) / len(prompts):9.2f}")  # fmt: skip
    return median(steady)


def memory() -> float:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096 / 1e6


def swap(words: Sequence[str]) -> Lexicon:
    compiled = time.process_time()
    image = compile_base(words)
    compiled = time.process_time() - compiled
    digest = sha256(image).hexdigest()
    before = memory()
    loading = time.process_time()
    base = Base.load(image, digest=digest)
    loading = time.process_time() - loading
    lexicon = Lexicon.loaded(base)
    print(f"  compiled in {compiled:.2f} s, image {len(image) / 1e6:.1f} MB, loaded in {loading * 1000:.0f} ms, "
          f"{memory() - before:.0f} MB more in memory")  # fmt: skip
    adding = [
        spent(lambda number=number: Lexicon.loaded(base, added=[f"刚刚添加的词{number}"])) / 1000 for number in range(5)
    ]
    print(f"  one word added beside it in {median(adding):.1f} ms")
    return lexicon


def held(lexicon: Lexicon, texts: dict[str, str]) -> None:
    hold = Hold(lexicon.held)
    for language, text in texts.items():
        tails = [text[max(0, at - 300) : at] for at in range(20_000, 23_000, 3)]
        waits = [hold.back(tail) for tail in tails]
        costs = sorted(spent(lambda tail=tail: hold.back(tail)) for tail in tails)
        print(f"  hold-back, {language}: {median(costs):.1f} us a chunk (99 %: {costs[int(len(costs) * 0.99)]:.1f}); "
              f"{mean(waits):.2f} characters wait on average, {max(waits)} at most")  # fmt: skip


def _iterate(automaton: ahocorasick.Automaton, text: str) -> list[object]:
    return list(automaton.iter(text.lower()))


def peers(chosen: argparse.Namespace, words: Sequence[str], prompts: Sequence[str]) -> None:
    few = words[:: max(1, len(words) // 10_000)][:10_000]
    lexicon = Lexicon.loaded(compile_base(few))
    rounds = [[spent(partial(lexicon.scan, prompt)) for prompt in prompts] for _ in range(ROUNDS)]
    ours = median(median(each) for each in zip(*rounds, strict=True))
    print(f"  {len(few)} words, Chinese prompts as they are: ours {ours:.1f} us")
    automaton = ahocorasick.Automaton()
    for word in few:
        automaton.add_word(word, word)
    automaton.make_automaton()
    rounds = [[spent(partial(_iterate, automaton, prompt)) for prompt in prompts] for _ in range(ROUNDS)]
    theirs = median(median(each) for each in zip(*rounds, strict=True))
    print(f"  pyahocorasick, lower case, no folding, no disguise: {theirs:.0f} us, {theirs / ours:.1f} x ours")
    for name in ("llm-guard", "litellm"):
        interpreter = getattr(chosen, name.replace("-", "_"))
        if interpreter:
            given = json.dumps({"peer": name, "words": few, "texts": list(prompts[:8]), "time": True})
            ran = subprocess.run([interpreter, str(PEER)], input=given, capture_output=True, text=True, check=True)
            theirs = json.loads(ran.stdout.splitlines()[-1])["microseconds"]
            print(f"  {name}: {theirs:.0f} us, {theirs / ours:.0f} x ours")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--words", type=int, nargs="+", default=[100_000, 1_000_000])
    for name in ("llm-guard", "litellm"):
        parser.add_argument(f"--{name}", help=f"a Python interpreter that has {name}")
    chosen = parser.parse_args()
    texts, source = prose(chosen.data), pieces_of(chosen.data)
    fold("汉")
    Lexicon().scan("汉 a")
    for count in chosen.words:
        chance = random.Random(SEED)
        words = made_words(count, source, chance)
        print(f"{count} words")
        lexicon = swap(words)
        print(
            f"  {'prompt of 700, us':34}{'p50':>12}{'p99':>12}{'first p50':>12}{'first p99':>12}{'act':>8}{'signal':>9}"
        )
        for language, text in texts.items():
            for name, prompts in made_prompts(text, words, chance).items():
                row(f"{language}, fold and scan, {name}", lexicon, prompts)
        for language, text in texts.items():
            long = planted((text * 4)[:400_000], words, chance)
            best = min(spent(partial(lexicon.scan, long)) for _ in range(3))
            folding = min(spent(partial(fold, long)) for _ in range(3))
            size = len(long.encode())
            print(
                f"  long text, {language}: {size / best:.0f} MB/s fold and scan; fold alone {size / folding:.0f} MB/s"
            )
        held(lexicon, texts)
    peers(chosen, words, made_prompts(texts["zh"], words, chance)["as it is"])


if __name__ == "__main__":
    main()
