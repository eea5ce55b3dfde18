"""Installed Python distributions, read from their `.dist-info` folders; the environment is never run."""

import base64
import csv
import hashlib
import re
import sys
from collections.abc import Iterator
from email import message_from_string
from email.message import Message
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from jingwei.core.errors import InputError
from jingwei.deploy.bom.component import Component
from jingwei.deploy.bom.reading import Unreadable, content_of, digest_of, text_of

_LONGEST_METADATA = 4 * 1024 * 1024
_MOST_FILES = 200_000
_LICENCE_CLASSIFIER = "License :: "
_LONGEST_LICENCE = 120


def environment_root(locator: str) -> Path:
    """Return the environment that an interpreter, an environment folder or a site-packages folder stands for.

    Raises:
        InputError: nothing is there.
    """
    path = Path(locator).expanduser() if locator else Path(sys.prefix)
    if path.is_file():
        return path.parent.parent
    if not path.is_dir():
        raise InputError("deploy.bom:not-there", field="target", path=str(path))
    return path


def site_packages(root: Path) -> list[Path]:
    """List the folders of an environment that hold distributions, in a fixed order.

    Raises:
        InputError: there is none.
    """
    patterns = ("lib/python3*/site-packages", "lib64/python3*/site-packages", "Lib/site-packages",
                "lib/python3*/dist-packages", "lib/python3/dist-packages",
                "local/lib/python3*/dist-packages")  # fmt: skip
    found = [path for pattern in patterns for path in sorted(root.glob(pattern)) if path.is_dir()]
    folders = [root] if any(root.glob("*.dist-info")) else list({path.resolve(): path for path in found}.values())
    if not folders:
        raise InputError("deploy.bom:no-packages", field="target", path=str(root))
    return folders


def distribution_folders(root: Path) -> Iterator[Path]:
    """List every `.dist-info` folder of an environment, in a fixed order."""
    for folder in site_packages(root):
        yield from sorted(path for path in folder.glob("*.dist-info") if path.is_dir())


def borrows_from_system(root: Path) -> bool:
    """Tell whether an environment also sees its base interpreter's packages."""
    try:
        settings = (root / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return re.search(r"^include-system-site-packages *= *true", settings, re.MULTILINE | re.IGNORECASE) is not None


def read_distribution(folder: Path, *, verified: bool) -> Component:
    """Read one distribution.

    Args:
        folder: its `.dist-info` folder.
        verified: whether to hash its installed files and compare them with its RECORD.
    """
    name, _, version = folder.name.removesuffix(".dist-info").partition("-")
    try:
        metadata = message_from_string(text_of(folder / "METADATA", _LONGEST_METADATA))
    except Unreadable:
        return Component(kind="library", name=name, version=version, gap="gap-metadata")
    record, gap = "", "gap-record"
    changed: tuple[str, ...] = ()
    try:
        raw = content_of(folder / "RECORD")
        record, gap = hashlib.sha256(raw).hexdigest(), ""
        changed = tuple(_changed(folder, raw.decode("utf-8", "replace"))) if verified else ()
    except Unreadable:
        pass  # told by the gap
    return Component(
        kind="library",
        name=str(metadata["Name"] or name),
        version=str(metadata["Version"] or ""),
        licence=licence_of(metadata),
        sha256=record,
        supplier=_supplier(metadata),
        requires=tuple(sorted(set(_requires(metadata)))),
        changed=changed,
        gap=gap,
    )


def read_egg(path: Path) -> Component:
    """Read a distribution of the old form by its PKG-INFO; it keeps no digests, so its files cannot be checked."""
    try:
        metadata = message_from_string(text_of(path, _LONGEST_METADATA))
    except Unreadable as error:
        return Component(kind="library", name=path.parent.name.partition("-")[0], gap=error.reason)
    return Component(kind="library", name=str(metadata["Name"] or path.parent.name),
                     version=str(metadata["Version"] or ""),
                     licence=licence_of(metadata), supplier=_supplier(metadata), gap="gap-record")  # fmt: skip


def licence_of(metadata: Message) -> str:
    """Return the licence a distribution states: its SPDX expression, else its short text, else its classifiers."""
    expression = metadata["License-Expression"]
    if expression:
        return str(expression)
    stated = str(metadata["License"] or "").strip()
    if stated and stated.upper() != "UNKNOWN" and len(stated) <= _LONGEST_LICENCE and "\n" not in stated:
        return stated
    classifiers = [
        str(line) for line in metadata.get_all("Classifier", []) if str(line).startswith(_LICENCE_CLASSIFIER)
    ]
    return ", ".join(sorted(line.rpartition(" :: ")[2] for line in classifiers))


def _supplier(metadata: Message) -> str:
    for field in ("Author", "Maintainer", "Author-email", "Maintainer-email"):
        value = str(metadata[field] or "").strip()
        if value and value.upper() != "UNKNOWN":
            return re.sub(r"\s*<[^>]*>", "", value)[:200] or value[:200]
    return ""


def _requires(metadata: Message) -> Iterator[str]:
    for line in metadata.get_all("Requires-Dist", []):
        try:
            requirement = Requirement(str(line))
        except InvalidRequirement:
            continue
        if requirement.marker is None or "extra" not in str(requirement.marker):
            yield canonicalize_name(requirement.name)


def _changed(folder: Path, record: str) -> Iterator[str]:
    """Name the installed files whose content is not what the RECORD says, or that are gone."""
    root = folder.parent
    home = root.parents[2].resolve() if len(root.parents) > 2 else root.resolve()
    for number, row in enumerate(csv.reader(record.splitlines())):
        if number > _MOST_FILES or len(row) < 2 or not row[1].startswith("sha256="):
            continue
        path = root / row[0]
        try:
            if not path.resolve().is_relative_to(home):
                yield row[0]
                continue
            actual = bytes.fromhex(digest_of(path))
        except (OSError, ValueError, RuntimeError, Unreadable):  # gone, a name no file can have, links in a circle
            yield row[0]
            continue
        if base64.urlsafe_b64encode(actual).rstrip(b"=").decode() != row[1].removeprefix("sha256=").rstrip("="):
            yield row[0]
