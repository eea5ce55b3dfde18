"""The layers of an image, read one after the other without being unpacked: what is in the end, what was deleted."""

import gzip
import io
import posixpath
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, NamedTuple, Protocol

_TEXT = re.compile(
    r"(^|/)(\.env[\w.]*|\.npmrc|\.pypirc|\.netrc|\.git-credentials|credentials(\.json)?|config\.json"
    r"|id_(rsa|ed25519|ecdsa|dsa)|\.?htpasswd|kubeconfig|\.dockercfg|service-account[\w-]*\.json|token|secrets?(\.\w+)?)$"
    r"|\.(pem|key|env|ya?ml|json|toml|ini|conf|cfg|properties|sh|py|ipynb|js|ts|txt|p12|jks)$",
    re.IGNORECASE,
)
_DISTRIBUTION = re.compile(
    r"^(usr/(lib|share|include|bin|sbin|libexec)|lib(64)?|bin|sbin|usr/local/lib/python[\d.]+|opt/(conda|venv)/lib"
    r"|usr/local/(share|include)|var/(cache|lib/(apt|dpkg))|etc/ssl|proc|sys|.*/site-packages|.*/node_modules)/"
)
_PACKAGES = re.compile(r"^(var/lib/dpkg/(status|status\.d/[^/]+)|lib/apk/db/installed|usr/lib/apk/db/installed)$")
_PYTHON = re.compile(r"(?P<name>[^/]+)-(?P<version>[^/-]+)\.(dist|egg)-info/(METADATA|PKG-INFO)$")
_LARGEST_TEXT = 128 * 1024
_LARGEST_DATABASE = 16 * 1024**2
_MOST_MEMBERS = 1_000_000
_MOST_KEPT = 4_000
_KEPT_BYTES = 32 * 1024**2


class Readable(Protocol):
    """What can be read in order."""

    def read(self, size: int = -1, /) -> bytes:
        """Read."""
        ...


class LayerError(Exception):
    """A layer cannot be read on: what is in it, and why."""


class Kept(NamedTuple):
    """A file whose text was kept to be looked at."""

    path: str
    layer: int
    content: bytes


@dataclass(slots=True)
class Contents:
    """What all layers together hold."""

    files: dict[str, Kept] = field(default_factory=dict)
    """Texts that are there in the end."""
    deleted: list[Kept] = field(default_factory=list)
    """Texts that a later layer removes or replaces."""
    setuid: set[str] = field(default_factory=set)
    outside: list[str] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)
    packages: dict[str, set[str]] = field(default_factory=dict)
    """By ecosystem, `name version`."""
    members: int = 0
    kept_bytes: int = 0
    cut: bool = False
    """Whether more was there than is kept."""

    def keep(self, kept: Kept) -> None:
        """Keep a text, as long as there is room."""
        if len(self.files) >= _MOST_KEPT or self.kept_bytes > _KEPT_BYTES:
            self.cut = True
            return
        self.kept_bytes += len(kept.content)
        self.files[kept.path] = kept


class Bounded(io.RawIOBase):
    """A stream that counts what is read and stops at a limit."""

    def __init__(self, stream: Readable, budget: list[int]) -> None:
        super().__init__()
        self._stream = stream
        self._budget = budget

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Read, as long as the budget lasts."""
        data = self._stream.read(min(size, 1 << 20) if size >= 0 else 1 << 20)
        self._budget[0] -= len(data)
        if self._budget[0] < 0:
            raise LayerError("limit")
        return data


def read_layer(stream: IO[bytes], number: int, contents: Contents, budget: list[int]) -> None:
    """Read one layer into what is known of the image.

    Raises:
        LayerError: it is packed in a way that is not known, cut short, or unpacks to too much.
    """
    head = stream.read(4)
    joined: Readable = _Rejoined(head, stream)
    if head[:2] == b"\x1f\x8b":
        joined = gzip.GzipFile(fileobj=_Rejoined(head, stream))
    elif head == b"\x28\xb5\x2f\xfd":
        raise LayerError("zstd")
    bounded = Bounded(joined, budget)
    before = dict(contents.files)
    try:
        with tarfile.open(fileobj=bounded, mode="r|") as archive:
            for member in archive:
                contents.members += 1
                if contents.members > _MOST_MEMBERS:
                    raise LayerError("limit")
                _take(archive, member, number, contents, before)
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError, RecursionError) as error:
        raise LayerError(type(error).__name__) from error


class _Rejoined(io.RawIOBase):
    def __init__(self, head: bytes, stream: IO[bytes]) -> None:
        super().__init__()
        self._head, self._stream = head, stream

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._head:
            taken, self._head = (self._head, b"") if size < 0 else (self._head[:size], self._head[size:])
            return taken
        return self._stream.read(size)


def _take(
    archive: tarfile.TarFile, member: tarfile.TarInfo, number: int, contents: Contents, before: dict[str, Kept]
) -> None:
    path = posixpath.normpath("/" + member.name).lstrip("/")
    if ".." in member.name.split("/"):
        contents.outside.append(member.name)
        return
    folder, name = posixpath.split(path)
    if name == ".wh..wh..opq":
        _remove(contents, before, folder + "/")
        return
    if name.startswith(".wh."):
        _remove(contents, before, posixpath.join(folder, name[4:]))
        return
    if member.ischr() or member.isblk():
        contents.devices.append(path)
    contents.setuid.discard(path)
    if not member.isfile():
        return
    if member.mode & 0o4000:
        contents.setuid.add(path)
    if path in before:
        contents.deleted.append(before.pop(path))
    contents.files.pop(path, None)
    _keep(archive, member, path, number, contents)


def _remove(contents: Contents, before: dict[str, Kept], path: str) -> None:
    for name in [name for name in before if name == path or name.startswith(path.rstrip("/") + "/")]:
        contents.deleted.append(before.pop(name))
        contents.files.pop(name, None)
    contents.setuid = {name for name in contents.setuid if name != path}


def _keep(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str, number: int, contents: Contents) -> None:
    package = python_package(path)
    if package:
        contents.packages.setdefault("pypi", set()).add(package)
        return
    limit = wanted(path, member.size)
    stream = archive.extractfile(member) if limit else None
    if stream is None:
        return
    content = stream.read(limit)
    listed = list(installed(path, content))
    for ecosystem, each in listed:
        contents.packages.setdefault(ecosystem, set()).add(each)
    if not listed:
        contents.keep(Kept(path, number, content))


def python_package(path: str) -> str:
    """Return the Python package whose record a file is, as `name version`, or nothing."""
    match = _PYTHON.search(path)
    return f"{match['name']} {match['version']}"[:200] if match else ""


def wanted(path: str, size: int) -> int:
    """Return how much of a file is read; 0 where it is not looked at."""
    database = _PACKAGES.match(path) is not None
    release = path in {"etc/os-release", "usr/lib/os-release"}
    own = _TEXT.search(path) is not None and not _DISTRIBUTION.match(path)
    limit = _LARGEST_DATABASE if database else _LARGEST_TEXT
    return limit if (database or release or own) and size <= limit else 0


def installed(path: str, content: bytes) -> Iterator[tuple[str, str]]:
    """Give the packages that a system's own record lists, each with its ecosystem."""
    if not _PACKAGES.match(path):
        return
    text = content.decode("utf-8", errors="replace")
    debian = "dpkg" in path
    keys = ("Package: ", "Version: ") if debian else ("P:", "V:")
    name = ""
    for line in text.splitlines():
        if line.startswith(keys[0]):
            name = line[len(keys[0]) :]
        elif line.startswith(keys[1]) and name:
            yield ("deb" if debian else "apk"), f"{name} {line[len(keys[1]) :]}"[:200]
            name = ""
