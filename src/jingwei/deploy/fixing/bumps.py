"""The smallest bump: the line that pins a package, with the version that ends its advisories."""

import re
from collections.abc import Iterator
from fnmatch import fnmatch

from packaging.utils import canonicalize_name

from jingwei.deploy.fixing.queue import Edit

MANIFESTS = (
    "requirements*.txt",
    "*requirements.txt",
    "constraints*.txt",
    "pyproject.toml",
    "package.json",
    "Dockerfile*",
)
_PIN = r"(?P<head>(?<![\w.-])(?P<name>{name})(?:\[[\w,\s.-]*\])?\s*==\s*)(?P<version>{version})(?![\w.])"
_TABLE = r"(?P<head>^\s*\"?(?P<name>{name})\"?\s*[:=]\s*\"[\^~=]*)(?P<version>{version})(?=\")"


def manifest(path: str) -> bool:
    """Tell whether a file pins packages in a way that can be bumped line by line."""
    return any(fnmatch(path.rpartition("/")[2], pattern) for pattern in MANIFESTS)


def bumped(lines: list[str], name: str, *, version: str, fixed: str) -> Iterator[Edit]:
    """Give the lines that pin a package at a version, changed to another.

    A line that carries hashes is left alone: the lock has to be made anew.

    Args:
        lines: of the manifest, without their ends.
        name: of the package.
        version: that it is pinned at.
        fixed: that it should be pinned at.
    """
    spelled = r"[-_.]+".join(map(re.escape, canonicalize_name(name).split("-")))
    patterns = [re.compile(each.format(name=spelled, version=re.escape(version)), re.IGNORECASE)
                for each in (_PIN, _TABLE)]  # fmt: skip
    for number, line in enumerate(lines, 1):
        if "--hash" in line or line.rstrip().endswith("\\"):
            continue
        for pattern in patterns:
            after = pattern.sub(lambda found: found["head"] + fixed, line)
            if after != line:
                yield Edit(line=number, before=line, after=after)
                break
