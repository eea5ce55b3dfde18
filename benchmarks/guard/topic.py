"""Does the topic detector keep six services to what they are there for? And what does it cost?

    python benchmarks/guard/topic.py [--fit]

Each scope knows its description and five examples. Its other requests should pass; those of the other five scopes and
the examples of far domains should be flagged. The three numbers in `detect/topic.py` were chosen on the first three
scopes (`--fit`); the last three are blind to them.
"""

import argparse
import time
from itertools import product
from pathlib import Path
from statistics import median

import numpy as np
import yaml

from jingwei.core.policy import Scope
from jingwei.detect import topic
from jingwei.detect.normalize import fold

DATA = Path(__file__).parent / "data/scopes.yaml"
ELSEWHERE = [
    "政府新政策有什么影响", "推荐几部好看的电影", "Who will win the election", "Tell me celebrity gossip",
    "佛教的四圣谛是什么", "Which stock should I buy", "写一首关于春天的诗", "Write my history essay",
    "How do black holes form", "世界杯在哪里举办",
]  # fmt: skip


def measured(scopes):
    data = {
        name: (topic.TopicDetector(Scope(about=each["about"], examples=tuple(each["examples"]))), each["inside"])
        for name, each in scopes.items()
    }
    right, wrong = [], []
    for name, (detector, inside) in data.items():
        right += [detector.outside(fold(text)) for text in inside]
        others = [text for other, (_, some) in data.items() if other != name for text in some] + ELSEWHERE
        wrong += [detector.outside(fold(text)) for text in others]
    return np.array(right), np.array(wrong)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--fit", action="store_true")
    scopes = yaml.safe_load(DATA.read_text(encoding="utf-8"))["scopes"]
    names = list(scopes)
    seen, blind = ({name: scopes[name] for name in half} for half in (names[:3], names[3:]))
    if options.parse_args().fit:
        best = None
        for pull, distance, offset in product((6, 8, 11, 14), (2, 4, 6, 9), (-0.6, 0, 0.6, 1.2)):
            topic.PULL, topic.DISTANCE, topic.OFFSET = pull, distance, offset
            right, wrong = measured(seen)
            score = (wrong >= 0.5).mean() - 2 * (right >= 0.5).mean()
            best = max(best or (score, pull, distance, offset), (score, pull, distance, offset))
        print("best on the first three scopes:", best)
        topic.PULL, topic.DISTANCE, topic.OFFSET = best[1:]
    for title, half in (("chosen on", seen), ("blind", blind)):
        right, wrong = measured(half)
        for line in (0.5, 0.7, 0.9):
            passed, flagged = (right >= line).mean(), (wrong >= line).mean()
            print(
                f"{title:10} at {line}: outside flagged {flagged:.3f} (n={len(wrong)}), "
                f"inside flagged {passed:.3f} (n={len(right)})"
            )
    right, wrong = measured({name: {**each, "examples": ()} for name, each in scopes.items()})
    print(f"all, no examples given, at 0.7: outside flagged {(wrong >= 0.7).mean():.3f} (n={len(wrong)}), "
          f"inside flagged {(right >= 0.7).mean():.3f} (n={len(right)})")  # fmt: skip
    detector = topic.TopicDetector(Scope(about=scopes[names[0]]["about"]))
    spent = []
    for text in scopes[names[1]]["inside"] * 5:
        folded = fold(text)
        began = time.thread_time()
        detector.outside(folded)
        spent.append(time.thread_time() - began)
    print(f"CPU a request, embedding included: median {median(spent) * 1000:.2f} ms")


if __name__ == "__main__":
    main()
