"""Topics: what a word of the lexicon is about, and what a hit on it says.

A topic of the built-in lexicon is a file under `words/`; an organisation's word may name one of them, one of the 31
classes of GB/T 45654 appendix A (`a1-a` … `a5-b`), or a topic of its own.
"""

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from jingwei.core.errors import InputError
from jingwei.core.finding import Severity
from jingwei.core.text import Both

OWN = "keyword.own"
_PREFIX = "keyword."
_NAMED = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+){0,7}")
_LONGEST_NAME = 48


class Topic(BaseModel):
    """One file of the built-in lexicon."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^keyword\.[a-z-]+$")
    title: Both
    classes: tuple[str, ...] = Field(min_length=1)
    """The classes of GB/T 45654 appendix A that it belongs to."""
    severity: Severity
    score: float = Field(gt=0, le=1)
    """Low for words that name a topic, high for words that offer or ask for something unlawful."""
    source: str
    """Where the words came from, under which licence."""
    dated: date
    words: dict[str, tuple[str, ...]]
    """By language."""


class Meaning(NamedTuple):
    """What a hit on a word says."""

    rule_id: str
    score: float
    severity: Severity


@lru_cache(maxsize=1)
def topics() -> tuple[Topic, ...]:
    """Read the built-in lexicon."""
    folder = files("jingwei.detect").joinpath("words")
    sources = sorted((each for each in folder.iterdir() if each.name.endswith(".yaml")), key=lambda each: each.name)
    return tuple(Topic.model_validate(yaml.safe_load(each.read_text(encoding="utf-8"))) for each in sources)


@lru_cache(maxsize=1)
def classes() -> Mapping[str, Both]:
    """Return the names of the 31 classes by rule id, such as `keyword.a1-b`."""
    source = files("jingwei.detect").joinpath("classes.yaml").read_text(encoding="utf-8")
    read = TypeAdapter(dict[str, Both]).validate_python(yaml.safe_load(source))
    return MappingProxyType({_PREFIX + name: title for name, title in read.items()})


def rule_of(topic: str) -> str:
    """Return the rule id for the topic that an organisation gives a word; empty means its own list.

    Raises:
        InputError: it is not written like a topic's id.
    """
    name = topic.removeprefix(_PREFIX)
    if not name:
        return OWN
    if len(name) > _LONGEST_NAME or not _NAMED.fullmatch(name):
        raise InputError("detect:topic-not-an-id", topic=topic[:_LONGEST_NAME])
    known = _PREFIX + name
    if known == OWN or known.startswith(OWN + ".") or known in classes() or known in _built_in_rules():
        return known
    return f"{OWN}.{name}"


@lru_cache(maxsize=1)
def _built_in_rules() -> frozenset[str]:
    return frozenset(topic.id for topic in topics())


@lru_cache(maxsize=4096)
def meaning(topic: str) -> Meaning:
    """Return what a hit on a word of this topic says. A built-in word's topic is written `=keyword.fraud`."""
    if topic.startswith("="):
        found = next(each for each in topics() if each.id == topic[1:])
        return Meaning(found.id, found.score, found.severity)
    return Meaning(rule_of(topic), 1.0, Severity.HIGH)
