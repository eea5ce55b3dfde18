"""Attack transforms: pure functions that rewrite a request the way attackers do. Seeded, named, composable.

`role-play+base64` wraps the request in a story and then encodes the whole. A transform says which languages it fits and
gives None where it would change nothing, so that no attempt claims an attack that was not made; and each has a reader,
so that how often its result can be read at all is measured (`validity`).
"""

from jingwei.develop.evaluate.transforms.registry import (
    BRIEF,
    PLAIN,
    links,
    reading,
    rewrite,
    transform,
    transform_names,
)
from jingwei.develop.evaluate.transforms.tables import tables
from jingwei.develop.evaluate.transforms.values import Kind, Likeness, Transform, wordings

__all__ = [
    "BRIEF",
    "PLAIN",
    "Kind",
    "Likeness",
    "Transform",
    "links",
    "reading",
    "rewrite",
    "tables",
    "transform",
    "transform_names",
    "wordings",
]
