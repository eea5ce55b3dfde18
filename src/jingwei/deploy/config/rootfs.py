"""The root folder of a container or machine, read like the only layer of an image."""

import os
import stat
from pathlib import Path

from jingwei.deploy.config.layers import Contents, Kept, installed, python_package, wanted

_MOST = 500_000


def is_root(root: Path) -> bool:
    """Tell whether a folder is the root of a system."""
    release = (root / "etc/os-release").is_file() or (root / "usr/lib/os-release").is_file()
    return release and ((root / "usr").is_dir() or (root / "bin").exists())


def read_root(root: Path) -> Contents:
    """Read a root folder; links are never followed out of it."""
    contents = Contents()
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(each for each in folders if each not in {"proc", "sys", "dev"} or here != root)
        for name in sorted(names):
            contents.members += 1
            if contents.members > _MOST:
                contents.cut = True
                return contents
            _take(here / name, (here / name).relative_to(root).as_posix(), contents)
    return contents


def _take(path: Path, name: str, contents: Contents) -> None:
    try:
        found = path.lstat()
    except OSError:
        return
    if stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode):
        contents.devices.append(name)
    if not stat.S_ISREG(found.st_mode):
        return
    if found.st_mode & stat.S_ISUID:
        contents.setuid.add(name)
    package = python_package(name)
    if package:
        contents.packages.setdefault("pypi", set()).add(package)
        return
    limit = wanted(name, found.st_size)
    if not limit:
        return
    try:
        with path.open("rb") as stream:
            content = stream.read(limit)
    except OSError:
        return
    listed = list(installed(name, content))
    for ecosystem, each in listed:
        contents.packages.setdefault(ecosystem, set()).add(each)
    if not listed:
        contents.keep(Kept(name, 0, content))
