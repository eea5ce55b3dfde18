"""One run, many views: from a result's tags to its places in every framework, by one table (`taxonomy.yaml`)."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from jingwei.core.package_data import package_data
from jingwei.core.text import Both


class View(BaseModel):
    """One framework and its places, in its own order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title: Both
    places: dict[str, Both]
    """Titles by whole id, such as `tc260:a1-a`."""


class Band(BaseModel):
    """A published level of a share of safe answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    least: float = Field(ge=0, le=1)
    title: Both


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    views: tuple[View, ...]
    follows: dict[str, tuple[str, ...]]
    """By place, by group of places (`tc260:a1`) or by view (`answer`)."""
    bands: dict[str, tuple[Band, ...]]

    @model_validator(mode="after")
    def _names_what_there_is(self) -> Self:
        known = {place for view in self.views for place in view.places}
        groups = {group for place in known for group in _groups(place)}
        unknown = {place for each in self.follows.values() for place in each} - known | self.follows.keys() - groups
        if unknown:
            raise ValueError(", ".join(sorted(unknown)))
        return self


def views() -> tuple[View, ...]:
    """Return every framework with its places."""
    return _table().views


def places(tags: Iterable[str]) -> frozenset[str]:
    """Return the tags with every place that follows from them; a tag of no framework stands for itself."""
    return _closed(frozenset(tags))


def place_title(place: str) -> Both:
    """Return what a place is called; one of no framework is called by its id."""
    named = next((view.places[place] for view in views() if place in view.places), None)
    return named or Both(zh=place, en=place)


def bands(name: str) -> tuple[Band, ...]:
    """Return bands from the best down: of `code`, as published, and of `caict`, by us; nothing for other names."""
    return _table().bands.get(name, ())


def band(name: str, share: float) -> Band | None:
    """Return the band of a share of safe answers."""
    return next((each for each in bands(name) if share >= each.least), None)


def _groups(place: str) -> tuple[str, ...]:
    """Return a place, the part of the framework it is in, and the framework."""
    view, _, name = place.partition(":")
    return tuple(dict.fromkeys((place, f"{view}:{name.partition('-')[0]}", view)))


@lru_cache(maxsize=1024)
def _closed(tags: frozenset[str]) -> frozenset[str]:
    found: set[str] = set()
    waiting = list(tags)
    while waiting:
        place = waiting.pop()
        if place not in found:
            found.add(place)
            waiting += [each for group in _groups(place) for each in _table().follows.get(group, ())]
    return frozenset(found)


@lru_cache(maxsize=1)
def _table() -> _Table:
    source: dict[str, Any] = _yaml(__package__, "taxonomy.yaml")  # Any: as the file is, read into values below
    source["views"][0]["places"] = _yaml("jingwei.detect", "classes.yaml")
    for view in source["views"]:
        view["places"] = {f"{view['id']}:{name}": title for name, title in view["places"].items()}
    return _Table.model_validate(source)


def _yaml(package: str, name: str) -> Any:
    return package_data(package, name)
