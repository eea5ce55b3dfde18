"""How complete a BOM is, by profile: the share of wanted fields that are known, and what is missing most."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from jingwei.core.package_data import package_data
from jingwei.deploy.bom.component import Component

_CONFIGURATION = "completeness.yaml"


class Completeness(NamedTuple):
    """One profile's score."""

    score: float
    missing: dict[str, int]
    """How often each field is missing, `model.licence` → 3; the most frequent first."""


@lru_cache(maxsize=1)
def profiles() -> dict[str, dict[str, list[str]]]:
    """Return every profile: kind of component → wanted fields."""
    found: dict[str, dict[str, list[str]]] = package_data(__package__, _CONFIGURATION)
    return found


def completeness(components: Sequence[Component], profile: str = "ai") -> float:
    """Return the share of wanted fields that are known, over all components."""
    return assessed(components, profile).score


def assessed(components: Sequence[Component], profile: str = "ai") -> Completeness:
    """Return the score of a profile with what is missing.

    Raises:
        KeyError: there is no such profile.
    """
    wanted = profiles()[profile]
    known, missing = 0, Counter[str]()
    for one in components:
        for name in wanted.get(one.kind, ()):
            if _known(one, name):
                known += 1
            else:
                missing[f"{one.kind}.{name.removeprefix('fact.')}"] += 1
    total = known + missing.total()
    return Completeness(known / total if total else 0.0, dict(missing.most_common()))


def _known(component: Component, name: str) -> bool:
    if name.startswith("fact."):
        return bool(component.facts.get(name.removeprefix("fact.")))
    return bool(component.package_url if name == "purl" else getattr(component, name))
