"""Locks of compiled languages: go.mod, Cargo.lock and Maven's pom.xml."""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]  # has no types
from defusedxml.ElementTree import ParseError, fromstring  # type: ignore[import-untyped]  # has no types

from jingwei.deploy.bom.component import Component, package_url
from jingwei.deploy.bom.reading import Unreadable, as_list, as_mapping, content_of, line_of, text_of, toml_of

_REQUIRE = re.compile(r"(?:require\s+)?([^\s()]+)\s+(v[^\s]+)(?:\s+//.*)?")
_REPLACE = re.compile(r"(?:replace\s+)?(\S+)(?:\s+(v\S+))?\s+=>\s+(\S+)(?:\s+(v\S+))?")
_PLACE = re.compile(r"\$\{([^}]{1,100})\}")
_LARGEST_POM = 4 * 1024 * 1024


def go_mod(path: Path) -> Iterator[Component]:
    """Read go.mod, with what its `replace` lines put in another's place.

    Raises:
        Unreadable: it cannot be read.
    """
    required, replaced, block = [], {}, ""
    for raw in text_of(path).splitlines():
        line = raw.strip()
        if line.endswith("("):
            block = line[:-1].strip()
        elif line == ")":
            block = ""
        elif (block == "replace" or line.startswith("replace ")) and (found := _REPLACE.fullmatch(line)):
            replaced[found[1]] = (found[3], found[4] or "")
        elif (block == "require" or line.startswith("require ")) and (found := _REQUIRE.fullmatch(line)):
            required.append((found[1], found[2]))
    for module, pinned in required:
        name, version = replaced.get(module, (module, pinned))
        if not name.startswith((".", "/")):
            namespace, _, short = line_of(name).rpartition("/")
            purl = package_url("golang", short, line_of(version), namespace=namespace)
            yield Component(kind="library", name=line_of(name), version=line_of(version), purl=purl)


def cargo_lock(path: Path) -> Iterator[Component]:
    """Read Cargo.lock; a package without a source is the project's own.

    Raises:
        Unreadable: it cannot be read.
    """
    for each in as_list(toml_of(path).get("package")):
        entry = as_mapping(each)
        name, version = line_of(entry.get("name")), line_of(entry.get("version"))
        if name and entry.get("source"):
            requires = tuple(sorted({str(one).partition(" ")[0] for one in as_list(entry.get("dependencies"))}))
            yield Component(kind="library", name=name, version=version, sha256=line_of(entry.get("checksum")),
                            purl=package_url("cargo", name, version), requires=requires)  # fmt: skip


def maven_pom(path: Path) -> Iterator[Component]:
    """Read pom.xml: its dependencies, properties and managed versions filled in as far as the file itself has them.

    Raises:
        Unreadable: it cannot be read, or is no XML without entities.
    """
    try:
        root: Element = fromstring(content_of(path, _LARGEST_POM), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, RecursionError) as error:
        raise Unreadable("gap-syntax") from error
    for element in root.iter():
        element.tag = str(element.tag).rpartition("}")[2]
    properties = {child.tag: (child.text or "").strip() for each in root.findall("properties") for child in each}
    for name in ("version", "groupId"):
        own = root.findtext(name) or root.findtext(f"parent/{name}") or ""
        properties[f"project.{name}"] = own.strip()
    managed = {_coordinates(each, properties): _filled(each.findtext("version"), properties)
               for each in root.findall("dependencyManagement/dependencies/dependency")}  # fmt: skip
    for each in root.findall("dependencies/dependency"):
        group, artifact = _coordinates(each, properties)
        version = _filled(each.findtext("version"), properties) or managed.get((group, artifact), "")
        exact = version if not re.search(r"[$\[(,]", version) else ""
        yield Component(kind="library", name=f"{group}:{artifact}", version=exact,
                        facts={"asked": version} if version and not exact else {},
                        purl=package_url("maven", artifact, exact, namespace=group))  # fmt: skip


def _coordinates(element: Element, properties: dict[str, str]) -> tuple[str, str]:
    return _filled(element.findtext("groupId"), properties), _filled(element.findtext("artifactId"), properties)


def _filled(text: str | None, properties: dict[str, str]) -> str:
    value = line_of(text or "")
    for _ in range(5):
        filled = line_of(_PLACE.sub(lambda found: properties.get(found[1]) or found[0], value))
        if filled == value:
            break
        value = filled
    return value
