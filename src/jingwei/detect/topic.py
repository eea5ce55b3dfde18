"""Topic: what a request is about, and whether it belongs to what a System is there for.

The front gate names the domain of a text by its nearest example (`domains.yaml`). The topic detector of a System with
a declared scope measures whether a request lies nearer to that scope's own words and examples, or nearer to what it
declares outside and to the other domains. The domain nearest to the scope is its own: it speaks against nothing, and
where the scope brings no examples, that domain's stand in for them. Small talk belongs to every service. Nothing here
is trained on a scope:
`benchmarks/guard/topic.py` measures scopes that the three numbers below were not chosen on.

Source: Blue Book 四(三) 安全护栏 (domain, topic and intent come before an answer); TC260 on service boundaries.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from math import exp
from typing import TYPE_CHECKING, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict

from jingwei.core.finding import Severity
from jingwei.core.policy import Category, Scope
from jingwei.core.text import Both
from jingwei.detect import embedding
from jingwei.detect.hit import Hit
from jingwei.detect.normalize import Folded, fold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

OUTSIDE_RULE = "topic.outside"
REPORTED = 0.5
_NEAR_SCOPE = 0.45
"""A domain's example this near to the scope itself says nothing about what lies outside."""
_LEAST_NEAR = 0.3
"""No domain is a scope's own where its nearest example is farther than this."""
PULL, DISTANCE, OFFSET = 6.0, 4.0, -0.6
"""Weights of (nearest outside - nearest inside) and of the distance to the scope; chosen on half of the scopes."""
_LEAST_CHARACTERS = 4


class _Domain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title: Both
    examples: tuple[str, ...]


class _Domains(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    domains: tuple[_Domain, ...]
    smalltalk: tuple[str, ...]


class Domain(NamedTuple):
    """What a text is about."""

    id: str
    """`banking`, `medicine` …; `smalltalk`; empty where nothing is near."""
    nearness: float
    """Cosine to the nearest example, 0 to 1."""


@dataclass(frozen=True, slots=True)
class _Anchors:
    """The examples of all domains, embedded once."""

    rows: "Vectors"
    ids: tuple[str, ...]
    smalltalk: "Vectors"


class TopicDetector:
    """Tells whether a request lies outside one scope."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._near: tuple[Vectors, Vectors] | None = None

    def scan(self, text: str | Folded) -> tuple[Hit, ...]:
        """Return one hit over the whole of a user's text that seems to lie outside; other roles are not judged."""
        folded = fold(text)
        if folded.role != "user" or len(folded.folded.strip()) < _LEAST_CHARACTERS:
            return ()
        chance = self.outside(folded)
        if chance < REPORTED:
            return ()
        return (Hit(0, len(folded.original), Category.TOPIC, OUTSIDE_RULE, round(chance, 4), Severity.LOW),)

    def outside(self, folded: Folded) -> float:
        """Return how likely a text lies outside the scope; a text of several sentences by the one nearest to it."""
        import numpy as np  # noqa: PLC0415 - with the encoder, on first need

        inside, beyond = self._anchored()
        read = embedding.read(folded)
        rows = np.vstack([read.whole, read.parts])
        near = (rows @ inside.T).max(axis=1)
        far = (rows @ beyond.T).max(axis=1)
        best = int((near - far).argmax())
        line = PULL * float(far[best] - near[best]) + DISTANCE * (_NEAR_SCOPE - float(near[best])) + OFFSET
        return 1 / (1 + exp(-max(-30.0, min(30.0, line))))

    def _anchored(self) -> "tuple[Vectors, Vectors]":
        """Return the rows inside and outside, embedded on first need; two threads may both do it, to the same end."""
        if self._near is None:
            import numpy as np  # noqa: PLC0415 - with the encoder, on first need

            scope, known = self._scope, _anchors()
            own = embedding.embed([fold(each).folded for each in _own_words(scope)])
            near = (known.rows @ own.T).max(axis=1)
            home = _nearest_domain(known, near)
            kept = known.rows[(near < _NEAR_SCOPE) & ~home]
            declared = embedding.embed([fold(each).folded for each in scope.outside]) if scope.outside else kept[:0]
            typical = kept[:0] if scope.examples else known.rows[home]
            self._near = np.vstack([own, known.smalltalk, typical]), np.vstack([kept, declared])
        return self._near


def _nearest_domain(known: _Anchors, near: "Vectors") -> "NDArray[np.bool_]":
    """Mark the examples of the domain whose three nearest lie nearest to a scope; none, where even those are far."""
    import numpy as np  # noqa: PLC0415 - with the encoder, on first need

    ids = np.array(known.ids)
    ranked = {name: np.sort(near[ids == name])[-3:] for name in dict.fromkeys(known.ids)}
    best = max(ranked, key=lambda name: float(ranked[name].mean()))
    marked: NDArray[np.bool_] = (ids == best) & bool(ranked[best][-1] >= _LEAST_NEAR)
    return marked


def _own_words(scope: Scope) -> list[str]:
    """Give a scope's description, whole and clause by clause, and its examples."""
    clauses = [clause for about in (scope.about.zh, scope.about.en) for clause in _clauses(about)]
    return [scope.about.zh, scope.about.en, *clauses, *scope.examples]


def _clauses(about: str) -> list[str]:
    for mark in "\uff1a\u3001\uff0c\u3002\uff1b:,;.":
        about = about.replace(mark, "\n")
    return [clause.strip() for clause in about.split("\n") if len(clause.strip()) > 1]


def domain(text: str | Folded) -> Domain:
    """Name what a text is about."""
    anchors = _anchors()
    row = embedding.read(fold(text)).whole
    talk = float((anchors.smalltalk @ row).max())
    nearness = anchors.rows @ row
    best = int(nearness.argmax())
    if talk > nearness[best]:
        return Domain("smalltalk", round(talk, 4))
    return Domain(anchors.ids[best], round(float(nearness[best]), 4))


@lru_cache(maxsize=1)
def _anchors() -> _Anchors:
    known = _known()
    pairs = [(each.id, fold(example).folded) for each in known.domains for example in each.examples]
    return _Anchors(
        rows=embedding.embed([example for _, example in pairs]),
        ids=tuple(name for name, _ in pairs),
        smalltalk=embedding.embed([fold(each).folded for each in known.smalltalk]),
    )


@lru_cache(maxsize=1)
def _known() -> _Domains:
    source = files("jingwei.detect").joinpath("domains.yaml").read_text(encoding="utf-8")
    return _Domains.model_validate(yaml.safe_load(source))


def domain_titles() -> dict[str, Both]:
    """Return the name of each domain, in both languages."""
    return {each.id: each.title for each in _known().domains}
