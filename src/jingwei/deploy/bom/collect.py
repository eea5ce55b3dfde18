"""Everything a target is made of, whatever it is: a file, a folder, an environment, a container's root, a server.

A folder is walked once; each thing that is recognised in it is read by its own reader, and what cannot be read is one
component with a gap. Links that lead out are not followed.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from jingwei.core.errors import InputError
from jingwei.deploy.bom.agents import CONFIGURATIONS, mcp_servers, skill
from jingwei.deploy.bom.component import Component
from jingwei.deploy.bom.distributions import environment_root, read_distribution, read_egg
from jingwei.deploy.bom.endpoint import read_endpoint
from jingwei.deploy.bom.files import read_file
from jingwei.deploy.bom.locks import lock_reader
from jingwei.deploy.bom.locks.javascript import npm_package
from jingwei.deploy.bom.models import WEIGHTS, is_model_folder, read_model_folder, read_weights
from jingwei.deploy.bom.reading import Unreadable, as_mapping, json_of, line_of
from jingwei.deploy.bom.sniffing import is_bom_name, sniffed
from jingwei.deploy.bom.system_packages import (
    Distribution,
    apk_installed,
    distribution,
    dpkg_status,
    rpm_other,
    rpm_sqlite,
)

_PROMPT = re.compile(r"(?i)(?:.*[-_.])?prompts?(?:[-_.].*)?\.(?:txt|md|j2|jinja2?|prompt)|.*\.prompt")
_DATASET = re.compile(
    r"(?i)(?:.*[-_.])?(?:train|dataset|corpus|finetune|sft|dpo)(?:[-_.].*)?\.(?:jsonl|parquet|csv|arrow)"
)
_SKIPPED = frozenset((".git", ".hg", ".svn", "proc", "sys", "dev", "__pycache__", ".tox", ".nox", ".mypy_cache"))
_MOST_ENTRIES = 2_000_000


def collect(target: str, *, verified: bool = True) -> Iterator[Component]:
    """Give what a target is made of, one component at a time.

    Args:
        target: a path, or the address of a model server on this machine; empty for the environment that runs this.
        verified: whether to compare installed files with what their package says of them.

    Raises:
        InputError: nothing is there, or it is of no kind that is known.
        Unavailable: the server does not answer.
    """
    if target.startswith(("http://", "https://")):
        yield from read_endpoint(target)
        return
    path = Path(target).expanduser() if target else environment_root("")
    if path.is_dir():
        yield from _Walk(path, verified=verified).components()
    elif path.is_file():
        yield from _file(path, verified=verified)
    else:
        raise InputError("deploy.bom:not-there", field="target", path=line_of(str(path)))


def _file(path: Path, *, verified: bool) -> Iterator[Component]:
    if re.fullmatch(r"python[0-9.]*(?:\.exe)?", path.name):
        yield from _Walk(path.parent.parent, verified=verified).components()
        return
    known = lock_reader(path.name) is not None or path.name in CONFIGURATIONS
    found = list(read_one(path, path.name))
    if not found and not known:
        found = _by_content(path)
    if not found and not known:
        raise InputError("deploy.bom:not-known", field="target", path=line_of(str(path)))
    yield from found


def _by_content(path: Path) -> list[Component]:
    try:
        return list(sniffed(path))
    except Unreadable as error:
        named = "deploy.bom:not-a-bom" if is_bom_name(path.name) else "deploy.bom:not-known"
        raise InputError(named, field="target", path=line_of(str(path))) from error


def read_one(path: Path, where: str) -> Iterator[Component]:
    """Give what one file says, if it is of a kind that says something."""
    name = path.name
    reader = lock_reader(name) or (mcp_servers if name in CONFIGURATIONS else skill if name == "SKILL.md" else None)
    try:
        if reader is not None:
            for one in reader(path):
                yield one.model_copy(update={"path": where})
        elif path.suffix.lower() in WEIGHTS:
            yield from read_weights(path, where, alone=True)
        elif _PROMPT.fullmatch(name) or name.startswith("Modelfile"):
            yield read_file(path, "prompt").model_copy(update={"path": where})
        elif _DATASET.fullmatch(name):
            yield read_file(path, "dataset").model_copy(update={"path": where})
    except Unreadable as error:
        yield Component(kind="library", name=line_of(name), gap=error.reason, path=where)


class _Walk:
    """One walk over a folder."""

    def __init__(self, root: Path, *, verified: bool) -> None:
        self.root, self.verified = root, verified
        self.of: Distribution = distribution(root)
        self.entries = 0

    def components(self) -> Iterator[Component]:
        errors: list[OSError] = []
        for folder, folders, names in os.walk(self.root, onerror=errors.append):
            here = Path(folder)
            where = here.relative_to(self.root).as_posix().removeprefix(".")
            self.entries += len(folders) + len(names)
            if self.entries > _MOST_ENTRIES:
                yield Component(kind="library", name=line_of(where) or ".", gap="gap-many-files", path=where)
                return
            yield from self._metadata(here, folders)
            folders[:] = sorted(each for each in folders if self._entered(here, each))
            yield from self._folder(here, where.lstrip("/"), sorted(names))
            while errors:
                failed = line_of(str(errors.pop().filename))
                yield Component(kind="library", name=failed, gap="gap-folder", path=failed)

    def _entered(self, here: Path, name: str) -> bool:
        if name in _SKIPPED and (here == self.root or name.startswith((".", "__"))):
            return False
        return not name.endswith((".dist-info", ".egg-info")) and not (here / name).is_symlink()

    def _metadata(self, here: Path, folders: list[str]) -> Iterator[Component]:
        for name in sorted(folders):
            if name.endswith(".dist-info"):
                yield self._placed(read_distribution(here / name, verified=self.verified), here / name)
            elif name.endswith(".egg-info") and (here / name / "PKG-INFO").is_file():
                yield self._placed(read_egg(here / name / "PKG-INFO"), here / name)

    def _placed(self, component: Component, path: Path) -> Component:
        return component.model_copy(update={"path": line_of(path.relative_to(self.root).as_posix())})

    def _folder(self, here: Path, where: str, names: list[str]) -> Iterator[Component]:
        own = [name for name in names if not (here / name).is_symlink() or self._inside(here / name)]
        model = is_model_folder(own) and "site-packages" not in here.parts
        if model:
            yield from read_model_folder(here, own, where)
        for name in own:
            place = line_of(f"{where}/{name}".lstrip("/"))
            if name == "package.json" and "node_modules" in here.parts:
                yield from self._node(here / name, place)
            elif not (model and Path(name).suffix.lower() in WEIGHTS):
                if "site-packages" in here.parts or "node_modules" in here.parts:
                    continue  # what lies inside a package is the package's
                yield from self._system(here / name, place)
                if Path(name).suffix.lower() not in WEIGHTS:
                    yield from read_one(here / name, place)

    def _inside(self, path: Path) -> bool:
        try:
            return path.resolve().is_relative_to(self.root.resolve())
        except (OSError, RuntimeError):
            return False

    def _node(self, path: Path, place: str) -> Iterator[Component]:
        scope = path.parent.parent
        if scope.name != "node_modules" and not (scope.name.startswith("@") and scope.parent.name == "node_modules"):
            return
        try:
            said = as_mapping(json_of(path))
        except Unreadable as error:
            yield Component(kind="library", name=line_of(path.parent.name), gap=error.reason, path=place)
            return
        licence = said.get("license")
        licence = licence.get("type") if isinstance(licence, dict) else licence
        name = line_of(said.get("name")) or path.parent.name
        found = npm_package(name, line_of(said.get("version")), licence=line_of(licence))
        yield found.model_copy(update={"path": place})

    def _system(self, path: Path, place: str) -> Iterator[Component]:
        readers = {"var/lib/dpkg/status": dpkg_status, "lib/apk/db/installed": apk_installed,
                   "usr/lib/apk/db/installed": apk_installed, "var/lib/rpm/rpmdb.sqlite": rpm_sqlite,
                   "usr/lib/sysimage/rpm/rpmdb.sqlite": rpm_sqlite,
                   "var/lib/rpm/Packages": rpm_other, "var/lib/rpm/Packages.db": rpm_other}  # fmt: skip
        reader = readers.get(place)
        if place.startswith("var/lib/dpkg/status.d/") and not place.endswith(".md5sums"):
            reader = dpkg_status
        if reader is None:
            return
        try:
            for one in reader(path, self.of):
                yield one.model_copy(update={"path": place})
        except Unreadable as error:
            yield Component(kind="library", name=place, gap=error.reason, path=place)
