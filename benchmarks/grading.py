"""Grading: how long one decision takes, and its counterfactuals, over all worked cases of the catalogue.

python benchmarks/grading.py
"""

import platform
import statistics
import time
from collections.abc import Callable

from jingwei.catalog import load_catalog
from jingwei.manage import counterfactuals, decide, monotonicity_violations

STEPS = 20_000


def timed(action: Callable[[], object], *, repeats: int) -> list[float]:
    """Return the seconds of each of several calls."""
    samples = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        samples.append(time.perf_counter() - start)
    return samples


def main() -> None:
    """Measure and print."""
    catalog = load_catalog()
    rules = catalog.grading_rules()
    cases = [case for case in catalog.grading_cases.values() if case.rules == rules.id]
    filled = [{**rules.defaults(), **case.facts} for case in cases]
    right = sum(decide(rules, facts).grade == case.grade for case, facts in zip(cases, filled, strict=True))
    print(f"Python {platform.python_version()} on {platform.machine()}; {len(rules.facts)} facts")
    print(f"worked cases      {right} of {len(cases)} at their grade")
    best = [min(timed(lambda facts=facts: decide(rules, facts), repeats=50)) * 1e6 for facts in filled]
    print(
        f"one decision      median case {statistics.median(best):.0f} µs, slowest case {max(best):.0f} µs (best of 50)"
    )
    every = [each * 1e6 for facts in filled for each in timed(lambda facts=facts: decide(rules, facts), repeats=50)]
    print(f"                  median of all {len(every)} runs {statistics.median(every):.0f} µs")
    counterfactuals(rules, filled[0])
    each = [statistics.median(timed(lambda facts=facts: counterfactuals(rules, facts), repeats=5)) for facts in filled]
    print(f"counterfactuals   median case {statistics.median(each) * 1e3:.1f} ms, slowest {max(each) * 1e3:.1f} ms")
    faults: list[object] = []
    (seconds,) = timed(lambda: faults.extend(monotonicity_violations(rules, samples=STEPS)), repeats=1)
    print(f"monotonicity      {len(faults)} faults in {STEPS} random steps, {seconds:.1f} s")


if __name__ == "__main__":
    main()
