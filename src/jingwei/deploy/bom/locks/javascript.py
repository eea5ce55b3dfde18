"""JavaScript's lock files: npm (all three versions), pnpm and yarn."""

import base64
import binascii
import re
from collections.abc import Iterator
from pathlib import Path

from jingwei.deploy.bom.component import Component, package_url
from jingwei.deploy.bom.reading import Unreadable, as_mapping, json_of, line_of, text_of, yaml_of

_PNPM = re.compile(r"/?(@[^/@]+/[^/@]+|[^/@]+)[@/]([^(@/_]+)(?:[(_].*)?")
_YARN_HEAD = re.compile(r'"?((?:@[^/@"]+/)?[^@"\s,]+)@[^\n]*:$')
_YARN_VERSION = re.compile(r'\s+"?version"?:?\s+"?([^"\s]+)"?')
_DEEPEST = 60


def npm_lock(path: Path) -> Iterator[Component]:
    """Read package-lock.json: a flat table of places (versions 2 and 3), or nested dependencies (version 1).

    Raises:
        Unreadable: it cannot be read, or is no lock file.
    """
    value = as_mapping(json_of(path))
    if isinstance(value.get("packages"), dict):
        for place, raw in value["packages"].items():
            entry = as_mapping(raw)
            if "node_modules/" not in place or entry.get("link"):
                continue
            name = line_of(entry.get("name")) or place.rpartition("node_modules/")[2]
            licence = line_of(entry.get("license"))
            yield npm_package(
                name, line_of(entry.get("version")), integrity=line_of(entry.get("integrity")), licence=licence
            )
        return
    if not isinstance(value.get("dependencies"), dict):
        if "lockfileVersion" in value:
            return
        raise Unreadable("gap-syntax")
    yield from _nested(value["dependencies"], 0)


def _nested(dependencies: object, depth: int) -> Iterator[Component]:
    for name, raw in as_mapping(dependencies).items():
        entry = as_mapping(raw)
        yield npm_package(line_of(name), line_of(entry.get("version")), integrity=line_of(entry.get("integrity")))
        if depth < _DEEPEST:
            yield from _nested(entry.get("dependencies"), depth + 1)


def npm_package(name: str, version: str, *, integrity: str = "", licence: str = "") -> Component:
    """Return an npm package; a version that is an address or a tag is none."""
    namespace, _, short = name.rpartition("/")
    exact = version if re.match(r"\d", version) else ""
    facts = {"asked": version} if version and not exact else {}
    return Component(kind="library", name=name, version=exact, facts=facts, licence=licence, sha256=_sha256(integrity),
                     purl=package_url("npm", short, exact, namespace=namespace))  # fmt: skip


def _sha256(integrity: str) -> str:
    if not integrity.startswith("sha256-"):
        return ""
    try:
        return base64.b64decode(integrity[7:], validate=True).hex()
    except (binascii.Error, ValueError):
        return ""


def pnpm_lock(path: Path) -> Iterator[Component]:
    """Read pnpm-lock.yaml, whose keys name package and version.

    Raises:
        Unreadable: it cannot be read.
    """
    value = as_mapping(yaml_of(path))
    if "lockfileVersion" not in value:
        raise Unreadable("gap-syntax")
    for key, entry in as_mapping(value.get("packages")).items():
        found = _PNPM.fullmatch(str(key))
        if found:
            resolution = as_mapping(as_mapping(entry).get("resolution"))
            yield npm_package(line_of(found[1]), line_of(found[2]), integrity=line_of(resolution.get("integrity")))
        else:
            yield Component(kind="library", name=line_of(key, 80), gap="gap-requirement")


def yarn_lock(path: Path) -> Iterator[Component]:
    """Read yarn.lock: a head that names the package, then its version, in both of its dialects.

    Raises:
        Unreadable: it cannot be read.
    """
    name = ""
    for line in text_of(path).splitlines():
        head = _YARN_HEAD.fullmatch(line[:2000])
        if head:
            name = "" if "@workspace:" in line else head[1]
        elif name and (version := _YARN_VERSION.fullmatch(line[:500])):
            yield npm_package(line_of(name), line_of(version[1]))
            name = ""
