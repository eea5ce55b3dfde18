"""The releases of one model in a folder: which there are, in which order, and which of them a person approved.

FOLDER/releases.dsse.json    the list, signed
FOLDER/releases/VERSION/     one release: its files and `model.sig`
FOLDER/current               a link to the release that is served
"""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jingwei.core.errors import InputError, Tampered
from jingwei.core.folder import write_whole
from jingwei.deploy.signing.envelope import opened, seal

LIST = "releases.dsse.json"
FOLDER = "releases"
CURRENT = "current"
_KIND = "application/vnd.jingwei.releases+json"
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")


class Release(BaseModel):
    """One release."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$")]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """What its signature gives the whole model; an older release cannot take its place under its name."""
    approved: bool = False
    at: datetime | None = None


class Releases(BaseModel):
    """All releases, the oldest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    releases: tuple[Release, ...] = Field(max_length=10_000)


def write_releases(folder: Path, releases: Sequence[Release], key: Path) -> Path:
    """Sign and write the list; a reader sees the old one or the new one.

    Raises:
        InputError: a version is given twice.
    """
    versions = [each.version for each in releases]
    if len(set(versions)) < len(versions):
        raise InputError("deploy.signing:version-twice", field="releases")
    path = folder / LIST
    content = seal(Releases(releases=tuple(releases)).model_dump(mode="json"), key, kind=_KIND)
    write_whole(path, lambda place: place.write_bytes(content))
    return path


def read_releases(folder: Path, public: Path) -> Releases:
    """Read the list.

    Raises:
        InputError: it is not there.
        Tampered: its signature does not hold, or it is no such list.
    """
    path = folder / LIST
    try:
        return Releases.model_validate(opened(path, public, kind=_KIND))
    except ValidationError as error:
        raise Tampered("deploy.signing:envelope-other", path=str(path), kind=_KIND) from error


def place_of(folder: Path, version: str) -> Path:
    """Return where a release lies."""
    return folder / FOLDER / version


def current(folder: Path) -> str:
    """Return the version that is served.

    Raises:
        InputError: nothing is served, or the link leads elsewhere.
    """
    link = folder / CURRENT
    try:
        target = link.readlink()
    except OSError as error:
        raise InputError("deploy.signing:nothing-served", field="target", path=str(link)) from error
    if target.parent != Path(FOLDER) or not _VERSION.fullmatch(target.name):
        raise InputError("deploy.signing:nothing-served", field="target", path=str(link))
    return target.name
