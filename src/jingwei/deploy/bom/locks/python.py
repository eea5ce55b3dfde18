"""Python's lock files: uv, Poetry, Pipenv, PEP 751 (`pylock.toml`) and conda environments."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement
from packaging.utils import canonicalize_name

from jingwei.deploy.bom.component import Component, package_url
from jingwei.deploy.bom.locks.requirements import required
from jingwei.deploy.bom.reading import Unreadable, as_list, as_mapping, json_of, line_of, toml_of, yaml_of

_SHA256 = re.compile(r"sha256:([0-9a-f]{64})")
_CONDA = re.compile(r"(?:[\w./-]+::)?([A-Za-z0-9_.-]+)\s*(?:(==?|[<>!~].*?)\s*([^=\s]+)?(?:=(\S+))?)?")


def uv_lock(path: Path) -> Iterator[Component]:
    """Read uv.lock; the project itself, which is a folder and no package, is left out.

    Raises:
        Unreadable: it cannot be read.
    """
    for entry in _entries(toml_of(path), "package"):
        source = as_mapping(entry.get("source"))
        if not {"virtual", "editable", "directory"} & set(source):
            yield _locked(entry, _hash_of([as_mapping(entry.get("sdist")), *as_list(entry.get("wheels"))]))


def poetry_lock(path: Path) -> Iterator[Component]:
    """Read poetry.lock.

    Raises:
        Unreadable: it cannot be read.
    """
    for entry in _entries(toml_of(path), "package"):
        yield _locked(entry, _hash_of(as_list(entry.get("files"))))


def pylock(path: Path) -> Iterator[Component]:
    """Read pylock.toml.

    Raises:
        Unreadable: it cannot be read.
    """
    for entry in _entries(toml_of(path), "packages"):
        found = [as_mapping(as_mapping(each).get("hashes")).get("sha256") for each in as_list(entry.get("wheels"))]
        yield _locked(entry, line_of(found[0]) if len(found) == 1 else "")


def pipfile_lock(path: Path) -> Iterator[Component]:
    """Read Pipfile.lock.

    Raises:
        Unreadable: it cannot be read.
    """
    value = as_mapping(json_of(path))
    if not {"default", "develop"} & set(value):
        raise Unreadable("gap-syntax")
    for group, packages in value.items():
        for name, entry in as_mapping(packages).items() if group != "_meta" else ():
            asked = line_of(as_mapping(entry).get("version"))
            yield _locked({"name": name, "version": asked.removeprefix("==") if asked.startswith("==") else ""}, "")


def conda(path: Path) -> Iterator[Component]:
    """Read a conda environment; a single `=` with fewer than three numbers leaves the version open.

    Raises:
        Unreadable: it cannot be read.
    """
    value = as_mapping(yaml_of(path))
    if not isinstance(value.get("dependencies"), list):
        return  # an environment of something else
    for each in value["dependencies"]:
        if isinstance(each, str):
            yield _conda(each)
        for text in as_list(as_mapping(each).get("pip")):
            try:
                yield required(str(text))
            except InvalidRequirement:
                yield Component(kind="library", name=line_of(text, 80), gap="gap-requirement")


def _conda(text: str) -> Component:
    found = _CONDA.fullmatch(text.strip())
    if found is None:
        return Component(kind="library", name=line_of(text, 80), gap="gap-requirement")
    name, operator, number, build = found.groups()
    exact = operator == "==" or build or (operator == "=" and (number or "").count(".") >= 2)
    version = number if exact and number and "*" not in number else ""
    facts = {} if version or not operator else {"asked": line_of(text)}
    return Component(kind="library", name=name, version=version, facts=facts,
                     purl=package_url("conda", name.lower(), version))  # fmt: skip


def _entries(value: dict[str, Any], name: str) -> list[dict[str, Any]]:  # Any: TOML
    listed = value.get(name)
    if listed is None and "version" not in value and "lock-version" not in value:
        raise Unreadable("gap-syntax")
    return [as_mapping(entry) for entry in as_list(listed)]


def _hash_of(files: list[Any]) -> str:  # Any: TOML
    """Return the digest of a package that has one file; with several, which one is installed is not known."""
    found = [_SHA256.match(line_of(as_mapping(each).get("hash"))) for each in files]
    known = [each[1] for each in found if each]
    return known[0] if len(known) == 1 else ""


def _locked(entry: dict[str, Any], sha256: str) -> Component:  # Any: TOML
    name, version = line_of(entry.get("name")), line_of(entry.get("version"))
    asked = entry.get("dependencies")
    names = asked if isinstance(asked, dict) else [as_mapping(each).get("name") for each in as_list(asked)]
    requires = tuple(sorted({str(canonicalize_name(each)) for each in names if isinstance(each, str)}))
    purl = package_url("pypi", str(canonicalize_name(name)), version) if name else ""
    gap = "" if name else "gap-requirement"
    return Component(
        kind="library", name=name or "?", version=version, sha256=sha256, requires=requires, purl=purl, gap=gap
    )
