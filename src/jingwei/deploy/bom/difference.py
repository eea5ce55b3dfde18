"""What changed between two BOMs: added, removed, other versions, other content of the same version, other licences."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from packageurl import PackageURL
from packaging.version import InvalidVersion, Version

from jingwei.core.canonical import Json
from jingwei.deploy.bom.component import Component

What = Literal["added", "removed", "version", "downgrade", "content", "licence", "base", "supplier"]


class Change(NamedTuple):
    """One change of one component."""

    what: What
    component: Component
    """As it is now; as it was, where it is gone."""
    before: str = ""
    after: str = ""


def diff(old: Sequence[Component], new: Sequence[Component]) -> tuple[Change, ...]:
    """Return every change, in the order of the components' names."""
    before, after = _by_identity(old), _by_identity(new)
    found: list[Change] = []
    for place in sorted({*before, *after}):
        found += _changes(before.get(place, []), after.get(place, []))
    return tuple(found)


def diff_json(changes: Sequence[Change]) -> list[Json]:
    """Return changes as JSON."""
    return [{"change": one.what, "kind": one.component.kind, "name": one.component.name,
             "version": one.component.version, "before": one.before, "after": one.after}
            for one in changes]  # fmt: skip


def _by_identity(components: Sequence[Component]) -> dict[tuple[str, str, str], list[Component]]:
    """Group components by what stays the same from one version to the next."""
    found: dict[tuple[str, str, str], list[Component]] = defaultdict(list)
    for one in components:
        found[_identity(one)].append(one)
    return found


def _identity(one: Component) -> tuple[str, str, str]:
    if one.package_url:
        try:
            url = PackageURL.from_string(one.package_url)
        except ValueError:
            return one.kind, "", one.name
        return one.kind, url.type, f"{url.namespace or ''}/{url.name}"
    if one.kind == "weights":
        return one.kind, "", one.path or one.name
    return one.kind, "", one.facts.get("endpoint", "") or one.name


def _changes(old: list[Component], new: list[Component]) -> Iterator[Change]:
    same = {one.version for one in old} & {one.version for one in new}
    for version in sorted(same):
        was = next(one for one in old if one.version == version)
        yield from _compared(was, next(one for one in new if one.version == version))
    gone = sorted((one for one in old if one.version not in same), key=lambda one: one.version)
    come = sorted((one for one in new if one.version not in same), key=lambda one: one.version)
    for was, now in zip(gone, come, strict=False):
        back = _older(now, was)
        yield Change("downgrade" if back else "version", now, was.version or "?", now.version or "?")
        yield from (each for each in _compared(was, now) if each.what != "content" or now.kind == "weights")
    yield from (Change("removed", one, one.version, "") for one in gone[len(come) :])
    yield from (Change("added", one, "", one.version) for one in come[len(gone) :])


def _compared(was: Component, now: Component) -> Iterator[Change]:
    if was.sha256 and now.sha256 and was.sha256 != now.sha256:
        yield Change("content", now, was.sha256[:16], now.sha256[:16])
    if was.licence != now.licence:
        yield Change("licence", now, was.licence or "-", now.licence or "-")
    if was.supplier and now.supplier and was.supplier != now.supplier:
        yield Change("supplier", now, was.supplier, now.supplier)
    if now.kind == "model" and set(was.rests_on) != set(now.rests_on):
        yield Change(
            "base", now, ", ".join(sorted(was.rests_on))[:160] or "-", ", ".join(sorted(now.rests_on))[:160] or "-"
        )


def _older(now: Component, was: Component) -> bool:
    """Tell whether a library went back; digests in place of versions do not compare."""
    if now.kind != "library":
        return False
    try:
        return Version(now.version) < Version(was.version)
    except InvalidVersion:
        return False
