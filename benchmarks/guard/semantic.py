"""What reading meaning costs and what it sees through: CPU time by length, memory, and hidden-intent pairs.

    python benchmarks/guard/semantic.py

Time is `thread_time`, the median of distinct texts; the shared embedding is counted with the first head that needs it.
The pairs of `hidden_intents.yaml` were written for this and are never trained on.
"""

import itertools
import random
import resource
import statistics
import sys
from pathlib import Path
from time import process_time, thread_time

import yaml

from jingwei.detect import fold, intent, meaning

HERE = Path(__file__).parent
WORDS = {
    "zh": ["近日", "有关部门", "印发通知", "要求", "各地", "认真落实", "消费者", "权益", "平台责任",
           "社区居民", "孩子",
           "老人", "医院", "学校", "天气", "春天", "花园", "图书馆", "音乐", "旅行", "早餐", "火车", "城市", "河流",
           "朋友", "电影", "健康", "运动"],
    "en": ["the", "committee", "met", "on", "tuesday", "to", "discuss", "budget", "for", "next", "year",
           "several", "members", "asked", "more", "time", "garden", "library", "music", "travel", "breakfast",
           "train", "city", "river", "friend"],
}  # fmt: skip


def text(language, length, chance):
    """Return ordinary words with a full stop now and then, so many characters of them."""
    out = ""
    gap, stop = ("", "。") if language == "zh" else (" ", ". ")
    while len(out) < length:
        out += chance.choice(WORDS[language]) + (stop if chance.random() < 0.1 else gap)
    return out[:length]


def times():
    chance = random.Random(3)
    print(f"{'language':10}{'characters':>11}{'median ms':>11}{'p95 ms':>9}")
    for language, length in itertools.product(("zh", "en"), (20, 60, 200, 700, 5000)):
        spent = []
        for _ in range(40):
            folded = fold(text(language, length, chance))
            start = thread_time()
            meaning.read(folded)
            spent.append((thread_time() - start) * 1000)
        spent.sort()
        print(f"{language:10}{length:11}{statistics.median(spent):11.2f}{spent[37]:9.2f}")


def pairs():
    cases = yaml.safe_load((HERE / "hidden_intents.yaml").read_text(encoding="utf-8"))
    for language, case in cases.items():
        for level in (0.5, 0.7):
            caught = {
                kind: [intent.judge(fold(wrapper.format(request))).probability >= level
                       for wrapper in case["wrappers"] for request in case[kind]]
                for kind in ("harmful", "harmless")
            }  # fmt: skip
            found, stopped = ([sum(each), len(each)] for each in (caught["harmful"], caught["harmless"]))
            print(f"hidden intent {language} at {level}: {found[0]}/{found[1]} harmful found, "
                  f"{stopped[0]}/{stopped[1]} harmless twins stopped")  # fmt: skip


def main():
    start = process_time()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    fold("\u4e2d")
    meaning.warm()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"warm: {process_time() - start:.2f} s CPU, {after - before} MB more resident")
    times()
    pairs()


if __name__ == "__main__":
    sys.exit(main())
