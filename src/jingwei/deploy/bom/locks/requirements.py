"""Python requirements as people write them: requirements.txt with its includes, and pyproject.toml.

Only `==` and `===` name a version. Anything looser leaves it open, and what was asked for is kept as a fact.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from jingwei.deploy.bom.component import Component, package_url
from jingwei.deploy.bom.reading import Unreadable, as_list, as_mapping, line_of, text_of, toml_of

_COMMENT = re.compile(r"(^|\s)#.*$")
_HASH = re.compile(r"\s--hash[= ]sha256:([0-9a-f]{64})")
_OPTION = re.compile(r"\s--[a-z-]+(?:[= ]\S+)?")
_INCLUDE = re.compile(r"(?:-r|-c|--requirement|--constraint)[= ]?\s*(\S+)")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")
_DEEPEST = 8
_MOST_LINES = 200_000


def requirements(path: Path) -> Iterator[Component]:
    """Read requirements.txt and what it includes from its own folder.

    Raises:
        Unreadable: the file itself cannot be read.
    """
    yield from _lines(path, path.parent.resolve(), {path.resolve()})


def _lines(path: Path, home: Path, seen: set[Path]) -> Iterator[Component]:
    joined = re.sub(r"\\\r?\n", " ", text_of(path))
    for number, raw in enumerate(joined.splitlines()):
        if number >= _MOST_LINES:
            yield Component(kind="library", name=path.name, gap="gap-large", path=path.name)
            return
        line = _COMMENT.sub("", raw).strip()
        included = _INCLUDE.match(line)
        if included:
            yield from _included(path.parent / included[1], home, seen)
        elif line.startswith(("-e", "--editable")):
            yield from _named(line.partition(" ")[2].strip(), line)
        elif line and not line.startswith("-"):
            yield from _named(line, line)


def _included(path: Path, home: Path, seen: set[Path]) -> Iterator[Component]:
    try:
        real = path.resolve()
    except (ValueError, OSError, RuntimeError):  # a name that no file can have, or links in a circle
        yield Component(kind="library", name=line_of(path.name), gap="gap-include")
        return
    if real in seen:
        return
    if not real.is_relative_to(home) or len(seen) >= _DEEPEST:
        yield Component(kind="library", name=line_of(path.name), gap="gap-include")
        return
    try:
        yield from _lines(path, home, seen | {real})
    except Unreadable as error:
        yield Component(kind="library", name=line_of(path.name), gap=error.reason)


def _named(text: str, line: str) -> Iterator[Component]:
    hashes = _HASH.findall(line)
    bare = _OPTION.sub("", f" {text}").strip()
    try:
        yield required(bare, sha256=hashes[0] if len(hashes) == 1 else "")
    except InvalidRequirement:
        egg = _EGG.search(bare)
        if egg:
            yield Component(kind="library", name=egg[1], facts={"asked": line_of(_without_secret(bare))})
        elif bare not in {".", "./"} and not bare.startswith(("./", "../", "/")):
            yield Component(kind="library", name=line_of(_without_secret(bare), 80), gap="gap-requirement")


def _without_secret(text: str) -> str:
    return re.sub(r"//[^/@\s]+@", "//", text)


def required(text: str, *, sha256: str = "") -> Component:
    """Return what one requirement asks for.

    Raises:
        InvalidRequirement: it is none.
    """
    requirement = Requirement(text)
    version = pinned(requirement)
    facts = {"asked": line_of(str(requirement.specifier))} if requirement.specifier and not version else {}
    if requirement.url:
        facts["asked"] = line_of(_without_secret(requirement.url))
    if requirement.marker:
        facts["marker"] = line_of(str(requirement.marker))
    name = str(canonicalize_name(requirement.name))
    return Component(kind="library", name=requirement.name, version=version, facts=facts, sha256=sha256,
                     purl=package_url("pypi", name, version))  # fmt: skip


def pinned(requirement: Requirement) -> str:
    """Return the one version that a requirement allows; empty where it leaves a choice."""
    pins = [each for each in requirement.specifier if each.operator in {"==", "==="} and "*" not in each.version]
    if len(pins) != 1:
        return ""
    try:
        return str(Version(pins[0].version))
    except InvalidVersion:
        return line_of(pins[0].version)


def pyproject(path: Path) -> Iterator[Component]:
    """Read what pyproject.toml asks for: of the project, its extras, its groups, and Poetry's own tables.

    Raises:
        Unreadable: it cannot be read.
    """
    value = toml_of(path)
    project = as_mapping(value.get("project"))
    texts = [*as_list(project.get("dependencies"))]
    for table in (as_mapping(project.get("optional-dependencies")), as_mapping(value.get("dependency-groups"))):
        texts += [text for listed in table.values() for text in as_list(listed)]
    for text in texts:
        if isinstance(text, str):
            yield from _named(text, text)
    poetry = as_mapping(as_mapping(value.get("tool")).get("poetry"))
    tables = [poetry.get("dependencies"), poetry.get("dev-dependencies")]
    tables += [as_mapping(group).get("dependencies") for group in as_mapping(poetry.get("group")).values()]
    for listed in tables:
        for name, asked in as_mapping(listed).items():
            if name != "python":
                yield _poetry(str(name), asked)


def _poetry(name: str, asked: object) -> Component:
    text = line_of(as_mapping(asked).get("version") if isinstance(asked, dict) else asked)
    exact = re.fullmatch(r"(?:==\s*)?(\d[\w.!+-]*)", text)
    version = exact[1] if exact else ""
    facts = {} if version or not text else {"asked": text}
    purl = package_url("pypi", str(canonicalize_name(name)), version)
    return Component(kind="library", name=line_of(name), version=version, facts=facts, purl=purl)
