"""Packages of a Linux root, read from the databases of dpkg, apk and rpm; no package manager is run."""

import re
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from jingwei.deploy.bom.component import Component, package_url
from jingwei.deploy.bom.reading import LARGEST, Unreadable, line_of, text_of

_SOURCE = re.compile(r"(\S+)(?:\s+\(([^)]+)\))?")
_RPM_TEXTS = {1000: "name", 1001: "version", 1002: "release", 1014: "licence", 1022: "arch"}
_RPM_EPOCH = 1003
_MOST_RPM_ENTRIES = 10_000
_MOST_PACKAGES = 200_000


class Distribution(NamedTuple):
    """Which distribution a root is of, by its os-release."""

    id: str = ""
    version: str = ""

    @property
    def qualifier(self) -> dict[str, str]:
        """Return what a package URL says of it."""
        return {"distro": f"{self.id}-{self.version}" if self.version else self.id} if self.id else {}


def distribution(root: Path) -> Distribution:
    """Read a root's os-release; empty where there is none."""
    for place in ("etc/os-release", "usr/lib/os-release"):
        path = root / place
        try:
            if not path.resolve().is_relative_to(root.resolve()):
                continue
            text = text_of(path, 65_536)
        except (Unreadable, OSError, RuntimeError):  # links in a circle among them
            continue
        fields = dict(re.findall(r'^([A-Z_]+)="?([^"\n]*)"?$', text, re.MULTILINE))
        return Distribution(line_of(fields.get("ID", "")).lower(), line_of(fields.get("VERSION_ID", "")))
    return Distribution()


def dpkg_status(path: Path, of: Distribution) -> Iterator[Component]:
    """Read dpkg's status file, or one of a distroless image's.

    Raises:
        Unreadable: it cannot be read.
    """
    for block in re.split(r"\n\s*\n", text_of(path, 4 * LARGEST)):
        fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", block, re.MULTILINE))
        name, version = line_of(fields.get("Package")), line_of(fields.get("Version"))
        if not name or ("Status" in fields and not fields["Status"].endswith(" installed")):
            continue
        source = _SOURCE.fullmatch(line_of(fields.get("Source")))
        facts = {"source": source[1]} if source else {}
        facts |= {"source-version": source[2]} if source and source[2] else {}
        yield _package("deb", name, version, of, arch=line_of(fields.get("Architecture")), facts=facts,
                       supplier=re.sub(r"\s*<[^>]*>", "", line_of(fields.get("Maintainer"))))  # fmt: skip


def apk_installed(path: Path, of: Distribution) -> Iterator[Component]:
    """Read apk's list of installed packages.

    Raises:
        Unreadable: it cannot be read.
    """
    for block in re.split(r"\n\s*\n", text_of(path, 4 * LARGEST)):
        fields = dict(re.findall(r"^([A-Za-z]):(.*)$", block, re.MULTILINE))
        if fields.get("P"):
            facts = {"source": line_of(fields["o"])} if fields.get("o") else {}
            yield _package("apk", line_of(fields["P"]), line_of(fields.get("V")), of, arch=line_of(fields.get("A")),
                           facts=facts, licence=line_of(fields.get("L")))  # fmt: skip


def rpm_sqlite(path: Path, of: Distribution) -> Iterator[Component]:
    """Read rpm's SQLite database, whose rows are package headers.

    Raises:
        Unreadable: it cannot be read, or is no such database.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            for number, (blob,) in enumerate(connection.execute("SELECT blob FROM Packages")):
                fields = _header(blob) if isinstance(blob, bytes) and number < _MOST_PACKAGES else {}
                if fields.get("name") and fields["name"] != "gpg-pubkey":
                    epoch = f"{fields['epoch']}:" if fields.get("epoch", "0") != "0" else ""
                    version = f"{epoch}{fields.get('version', '')}-{fields.get('release', '')}"
                    yield _package("rpm", line_of(fields["name"]), line_of(version), of,
                                   arch=line_of(fields.get("arch")),
                                   licence=line_of(fields.get("licence")))  # fmt: skip
    except sqlite3.Error as error:
        raise Unreadable("gap-syntax") from error


def rpm_other(path: Path, of: Distribution) -> Iterator[Component]:  # noqa: ARG001 - a reader's signature
    """Refuse a database of rpm's older kinds: what it holds is not known here.

    Raises:
        Unreadable: always.
    """
    raise Unreadable("gap-rpm")
    yield


def _header(blob: bytes) -> dict[str, str]:
    """Read the texts of an rpm header: a count, a size, an index of tags, and the data they point into."""
    if len(blob) < 8:
        return {}
    entries, _ = struct.unpack(">II", blob[:8])
    start = 8 + 16 * entries
    if entries > _MOST_RPM_ENTRIES or start > len(blob):
        return {}
    fields: dict[str, str] = {}
    for at in range(8, start, 16):
        tag, kind, offset, _ = struct.unpack(">IIII", blob[at : at + 16])
        where = start + offset
        if tag in _RPM_TEXTS and kind in {6, 8, 9} and where < len(blob):
            end = blob.find(b"\0", where, where + 1000)
            fields[_RPM_TEXTS[tag]] = blob[where:end].decode("utf-8", "replace") if end > where else ""
        elif tag == _RPM_EPOCH and kind == 4 and where + 4 <= len(blob):
            fields["epoch"] = str(struct.unpack(">I", blob[where : where + 4])[0])
    return fields


def _package(kind: str, name: str, version: str, of: Distribution, *, arch: str, facts: dict[str, str] | None = None,
             licence: str = "", supplier: str = "") -> Component:  # fmt: skip
    qualifiers = of.qualifier | ({"arch": arch} if arch else {})
    purl = package_url(kind, name, version, namespace=of.id, **qualifiers)
    return Component(
        kind="library", name=name, version=version, licence=licence, supplier=supplier, facts=facts or {}, purl=purl
    )
