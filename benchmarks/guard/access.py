"""Does need-to-know hold, does everybody still find what is theirs, and what does a question cost?

    python benchmarks/guard/access.py [--paragraphs 20000] [--probes 1000]

Paragraphs of random words belong to one to three of a thousand groups; askers are in few or many of them. Beside our
search inside the rights stands what most retrieval does: take the hundred nearest of all, then leave out what the
asker may not see. Recall is against an exact search over what the asker may see.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from jingwei.detect.embedding import WIDTH
from jingwei.operate.access import Acl, Asker, KnowledgeBase, probe
from jingwei.operate.access import knowledge as bases
from jingwei.operate.access.paragraphs import Part


def filled(path, count):
    """Make a base without the encoder: random vectors, the tables as `add` writes them."""
    dice = random.Random(1)
    rows = np.random.default_rng(1).standard_normal((count, WIDTH)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    base = KnowledgeBase(path)
    at = 0
    for start in range(0, count, 50):
        groups = frozenset(f"g{dice.randrange(1000)}" for _ in range(dice.randint(1, 3)))
        taken = rows[start : start + 50]
        bases.embed = lambda texts, taken=taken: taken[: len(texts)]
        parts = tuple(
            Part("", " ".join(f"w{dice.randrange(9000)}" for _ in range(12)), None) for n in range(len(taken))
        )
        bases.paragraphs = lambda *_, parts=parts: parts
        base.add(f"d{start}", "x", Acl(groups=groups), source=str(start))
        at += len(taken)
    return base, rows


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--paragraphs", type=int, default=20_000)
    options.add_argument("--probes", type=int, default=1_000)
    given = options.parse_args()
    dice = random.Random(2)
    with tempfile.TemporaryDirectory() as scratch:
        base, rows = filled(Path(scratch) / "b.db", given.paragraphs)
        askers = [Asker(id=f"u{n}", groups=frozenset(f"g{dice.randrange(1000)}" for _ in range(size)))
                  for n, size in enumerate([1] * 10 + [10] * 10 + [100] * 10 + [400] * 10)]  # fmt: skip
        questions = np.random.default_rng(3).standard_normal((20, WIDTH)).astype(np.float32)
        for size, group in ((1, askers[:10]), (10, askers[10:20]), (100, askers[20:30]), (400, askers[30:])):
            ours, theirs, spent, shares = [], [], [], []
            for asker, question in ((a, q) for a in group for q in questions[:5]):
                bases.embed = lambda texts, question=question: np.array([question for _ in texts])
                base.search("warm", asker)
                began = time.thread_time()
                found = {each.id for each in base.search("x", asker, most=10)}
                spent.append(time.thread_time() - began)
                visible = np.array(sorted(base.visible(asker)))
                if not len(visible):
                    continue
                shares.append(len(visible) / given.paragraphs)
                order = rows @ question
                exact = {int(visible[n]) for n in np.argsort(-order[visible - 1])[:10]}
                naive = set(map(int, np.argsort(-order)[:100] + 1)) & set(map(int, visible))
                ours.append(len(found & exact) / len(exact))
                theirs.append(len(naive & exact) / len(exact))
            print(
                f"member of {size:3} of 1000 groups, sees {np.mean(shares):6.2%}: recall@10 {np.mean(ours):.3f}, "
                f"filter afterwards {np.mean(theirs):.3f}; CPU {median(spent) * 1000:.2f} ms (encoder left out)"
            )
        began = time.process_time()
        result = probe(base, askers, most=given.probes)
        print(
            f"{result.probes} probes across users: {len(result.leaked)} leaked; {result.unscreened} of "
            f"{result.screened} repeated paragraphs unnoticed; {time.process_time() - began:.1f} CPU s"
        )


if __name__ == "__main__":
    main()
