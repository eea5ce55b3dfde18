"""Whom a new advisory hits: an index over the components of every stored BOM, asked by package."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from jingwei.deploy.advisories.advisory import Advisory
from jingwei.deploy.advisories.matching import Package
from jingwei.deploy.advisories.naming import naming
from jingwei.deploy.advisories.packages import package_of
from jingwei.deploy.bom import Component


class Impact(NamedTuple):
    """A component that an advisory is about."""

    system_id: str
    component: Component
    certain: bool
    """False: the component's version is not known, or the advisory gives no range."""


class ComponentIndex:
    """Components of many systems, by package."""

    def __init__(self, components: Iterable[tuple[str, Component]] = ()) -> None:
        self._by_package: dict[tuple[str, str], list[tuple[str, Component, str]]] = defaultdict(list)
        for system_id, component in components:
            self.add(system_id, component)

    def add(self, system_id: str, component: Component) -> None:
        """Take a component of a system in."""
        package = package_of(component)
        if package is not None:
            self._by_package[package.ecosystem, package.name].append((system_id, component, package.version))

    def of(self, ecosystem: str, name: str) -> Sequence[tuple[str, Component, str]]:
        """Return who has a package: system, component, version."""
        return self._by_package.get((ecosystem, name), ())


def impacted(advisories: Sequence[Advisory], index: ComponentIndex) -> tuple[Impact, ...]:
    """Return every component that an advisory hits, or may hit; an advisory may come as several, one a package.

    A rule about an AI component is about the packages that are this component too.
    """
    found: dict[tuple[str, int], Impact] = {}
    for advisory in advisories:
        if advisory.withdrawn:
            continue
        for package in _packages(advisory):
            for system_id, component, version in index.of(package.ecosystem, package.name):
                hit = advisory.hits(version) if version else "undecided"
                before = found.get((system_id, id(component)))
                if hit != "unaffected" and (before is None or not before.certain):
                    found[system_id, id(component)] = Impact(system_id, component, certain=hit == "affected")
    return tuple(sorted(found.values(), key=lambda one: (one.system_id, one.component.name, one.component.version)))


def _packages(advisory: Advisory) -> list[Package]:
    packages = [Package(advisory.ecosystem, advisory.package)]
    if advisory.ecosystem == "AI" and not advisory.covered:
        for ecosystem, names in naming().packages.items():
            packages += [Package(ecosystem, name) for name, component in names.items() if component == advisory.package]
    return packages
