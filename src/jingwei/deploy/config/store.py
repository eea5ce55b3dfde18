"""Where the parts of an image lie: in a folder or in an archive."""

import json
import tarfile
from hashlib import sha256
from pathlib import Path
from typing import IO, TypeVar

_SMALL = 8 * 1024**2
_MOST = 200_000
Kind = TypeVar("Kind", dict, list)  # type: ignore[type-arg]


class Folder:
    """A layout that is a folder; only files inside it are read."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._real = root.resolve()

    def small(self, name: str) -> bytes | None:
        """Return a small part, or none."""
        stream = self.open(name)
        if stream is None:
            return None
        with stream:
            raw = stream.read(_SMALL + 1)
        return raw if len(raw) <= _SMALL else None

    def open(self, name: str) -> IO[bytes] | None:
        """Open a part to be read in order."""
        path = self._root / name
        if not name or not path.resolve().is_relative_to(self._real) or not path.is_file():
            return None
        return path.open("rb")


class Archive:
    """A layout that is an archive; its members are indexed once."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._members: dict[str, tarfile.TarInfo] = {}
        for _, member in zip(range(_MOST), archive, strict=False):
            self._members[member.name.removeprefix("./")] = member

    def small(self, name: str) -> bytes | None:
        """Return a small part, or none."""
        member = self._members.get(name)
        stream = self.open(name) if member is not None and member.size <= _SMALL else None
        return stream.read() if stream is not None else None

    def open(self, name: str) -> IO[bytes] | None:
        """Open a part to be read in order; links inside the archive are followed once."""
        member = self._members.get(name)
        if member is not None and member.issym():
            parent = name.rpartition("/")[0]
            target = (Path("/") / parent / member.linkname).as_posix()
            member = self._members.get(_normal(target))
        return self._archive.extractfile(member) if member is not None and member.isfile() else None


def _normal(path: str) -> str:
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            kept = kept[:-1]
        elif part not in {"", "."}:
            kept.append(part)
    return "/".join(kept)


def digest_of(stream: IO[bytes]) -> str:
    """Return the SHA-256 of a part."""
    found = sha256()
    with stream:
        while chunk := stream.read(1 << 20):
            found.update(chunk)
    return found.hexdigest()


def json_of(raw: bytes | None, kind: type[Kind]) -> Kind:
    """Return a part as JSON of a kind, empty where it is none."""
    try:
        value = json.loads(raw or b"null")
    except (ValueError, RecursionError):
        return kind()
    return value if isinstance(value, kind) else kind()
