"""Base scores of CVSS v3.0, v3.1 and v4.0 vectors, by the public specifications; tables in `cvss.yaml`."""

import math
from functools import lru_cache
from itertools import product
from typing import Any

from jingwei.core.finding import Severity
from jingwei.core.package_data import package_data

_THREE = {"AV", "AC", "PR", "UI", "S", "C", "I", "A"}
_LONGEST = 200


def severity_of(score: float) -> Severity:
    """Return the qualitative rating of a score."""
    bands = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
    return next((severity for low, severity in bands if score >= low), Severity.INFO)


@lru_cache(maxsize=4096)
def base_score(vector: str) -> float | None:
    """Return the base score of a vector; none where it is no complete vector of a version that is known here."""
    head, _, rest = vector.strip()[:_LONGEST].partition("/")
    pairs = [part.split(":", 1) for part in rest.split("/") if ":" in part]
    metrics = {name: value for name, value in pairs}  # noqa: C416 - lists of two, not pairs
    if len(metrics) != len(pairs):
        return None
    try:
        if head in {"CVSS:3.0", "CVSS:3.1"}:
            return _third(metrics)
        return _fourth(metrics) if head == "CVSS:4.0" else None
    except KeyError:
        return None


@lru_cache(maxsize=1)
def _tables() -> dict[str, Any]:  # Any: tables of numbers, several levels deep
    tables: dict[str, Any] = package_data(__package__, "cvss.yaml")
    return tables


def _third(metrics: dict[str, str]) -> float:
    weights = _tables()["weights"]
    scope = metrics["S"]
    values = {name: weights[name][metrics[name]] for name in weights}
    missed = 1 - (1 - values["C"]) * (1 - values["I"]) * (1 - values["A"])
    reach = 8.22 * values["AV"] * values["AC"] * _tables()["privileges"][scope][metrics["PR"]] * values["UI"]
    if scope == "U":
        impact = 6.42 * missed
        return 0.0 if impact <= 0 else _up(min(float(impact + reach), 10.0))
    impact = 7.52 * (missed - 0.029) - 3.25 * (missed - 0.02) ** 15
    return 0.0 if impact <= 0 or missed <= 0 else _up(min(float(1.08 * (impact + reach)), 10.0))


def _up(value: float) -> float:
    """Round up to one digit, as the specification does it without errors of floating point."""
    whole = round(value * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (math.floor(whole / 10_000) + 1) / 10


def _fourth(metrics: dict[str, str]) -> float:
    tables = _tables()
    at = {name: levels[metrics[name]] for name, levels in tables["levels"].items()}
    if at["VC"] == at["VI"] == at["VA"] == 2 and at["SC"] == at["SI"] == at["SA"] == 3:
        return 0.0
    classes = {"one": _first(at), "two": int(at["AC"] + at["AT"] > 0), "three": _impact(at),
               "four": 1 if 1 in (at["SC"], at["SI"], at["SA"]) else 2}  # fmt: skip
    value = _macro(classes)
    sixth = int(classes["three"] == 2)
    lower = {name: _macro(classes | {name: level + 1}) for name, level in classes.items() if name != "three"}
    below = {0: ((0, 1), (1, 0)), 1: ((1, 1),), 2: ()}[classes["three"]] if not sixth else ()
    lower["three"] = max((_macro(classes | {"three": third}, sixth=six) for third, six in below), default=math.nan)
    deep = _distances(at, classes)
    parts: list[float] = [(value - lower[name]) * deep[name] / tables["depths"][name][classes[name]]
             for name in classes if not math.isnan(lower[name])]  # fmt: skip
    mean: float = sum(parts) / (len(parts) + 1)  # the fifth class has always one below it, at no distance
    return math.floor((min(max(value - mean, 0.0), 10.0) + 1e-6) * 10 + 0.5) / 10


def _first(at: dict[str, int]) -> int:
    if at["AV"] == at["PR"] == at["UI"] == 0:
        return 0
    return 1 if 0 in (at["AV"], at["PR"], at["UI"]) and at["AV"] != 3 else 2


def _impact(at: dict[str, int]) -> int:
    if at["VC"] == at["VI"] == 0:
        return 0
    return 1 if 0 in (at["VC"], at["VI"], at["VA"]) else 2


def _macro(classes: dict[str, int], *, sixth: int | None = None) -> float:
    """Return a MacroVector's score; NaN where there is none."""
    six = int(classes["three"] == 2) if sixth is None else sixth
    group = _tables()["scores"].get(f"{classes['one']}{classes['two']}", {}).get(f"{classes['three']}{six}", [])
    return float(group[classes["four"]]) if classes["four"] < len(group) else math.nan


def _distances(at: dict[str, int], classes: dict[str, int]) -> dict[str, int]:
    """Return how many steps a vector lies below the first highest vector of its classes that is above it."""
    found: dict[str, int] = {}
    groups = [_tables()["highest"][name][level] for name, level in classes.items()]
    for tops in product(*groups):
        steps = [{metric: at[metric] - level for metric, level in top.items()} for top in tops]
        found = {name: sum(step.values()) for name, step in zip(classes, steps, strict=True)}
        if all(each >= 0 for step in steps for each in step.values()):
            return found
    return found
