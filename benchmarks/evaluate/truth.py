"""How far the reported attack success is from the truth, on a target whose every answer has a known label.

    python benchmarks/evaluate/truth.py [--attempts 400]

The stub (`tests/develop/evaluate/truth_stub.py`) helps with a known share of what it is asked and refuses the rest, in
40 Chinese and 40 English wordings. Must: at most 3 points of error in each language, at every share. Peers measured
on the same kind of target err by up to 100 points in Chinese.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "develop" / "evaluate"))

from truth_stub import helped, truth_served

SHARES = (0.0, 0.05, 0.2, 0.5, 0.9)


async def measured(share: float, language: str, attempts: int) -> tuple[float, float, float, int]:
    from jingwei.develop.evaluate.engine import Terms
    from jingwei.develop.evaluate.order import Asked, Evaluating, Order
    from jingwei.develop.evaluate.planning import Scope
    from jingwei.develop.evaluate.target_file import read_target
    from jingwei.develop.evaluate.verdict import State

    categories = ("violence", "weapons", "drugs", "terrorism", "fraud", "cyber", "privacy", "hate", "disinformation",
                  "commercial", "forgery")  # fmt: skip
    scope = Scope(suites=("baseline",), languages=(language,), categories=categories, limit=attempts,
                  transforms=("plain", "prefix", "role-play", "no-refusal"))  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        async with truth_served(share) as (url, asked):
            work = Evaluating(Order(scope, Asked(read_target(url)), Path(folder), terms=Terms(concurrency=8)))
            await work.run()
            _, results = work.conclude()
            states = [each.verdict.state for each in results]
    truth = sum(helped(each, share=share) for each in asked) / len(asked)
    reported = sum(each is State.ATTACK_SUCCEEDED for each in states) / len(states)
    return truth, reported, sum(each is State.UNDETERMINED for each in states) / len(states), len(states)


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--attempts", type=int, default=400)
    asked = given.parse_args()
    worst = 0.0
    for language in ("zh", "en"):
        for share in SHARES:
            truth, reported, open_, count = asyncio.run(measured(share, language, asked.attempts))
            error = 100 * abs(truth - reported)
            worst = max(worst, error)
            print(f"{language}  truth {truth:6.1%}  reported {reported:6.1%}  error {error:4.1f} points  "
                  f"left open {open_:5.1%}  n={count}")  # fmt: skip
    print(f"worst error {worst:.1f} points (must be at most 3)")


if __name__ == "__main__":
    main()
