"""Safe rollback: to the last release that was approved and verifies, in one step that is done or not done.

The link that is served is replaced by one `rename`. Whoever is killed before it leaves the old release served, whoever
is killed after it the new one; nothing in between exists. The release that failed is kept, for whoever looks into it.
"""

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from jingwei.core.errors import Conflict, JingweiError, Tampered
from jingwei.core.folder import sync_folder
from jingwei.core.text import Both
from jingwei.deploy.signing.releases import CURRENT, FOLDER, Release, current, place_of, read_releases
from jingwei.deploy.signing.signature import demand_signed

_TEMPORARY = f".{CURRENT}-"


class Passed(NamedTuple):
    """A release that was not chosen, and why."""

    version: str
    reason: Both | None
    """None where it was never approved."""


class RolledBack(NamedTuple):
    """A rollback that was done and verified."""

    before: str
    after: str
    seconds: float
    """From the decision to the new release, verified where it is served."""
    passed: tuple[Passed, ...]
    """Later releases that were not chosen."""


def roll_back(folder: Path, public: Path, *, clock: Callable[[], float] = time.monotonic) -> RolledBack:
    """Serve the last approved release before the present one that is what was signed.

    Raises:
        InputError: there is no list of releases, or nothing is served.
        Tampered: the list's signature does not hold.
        Conflict: no earlier release will do; what is served stays.
    """
    started = clock()
    before = current(folder)
    releases = read_releases(folder, public).releases
    versions = [each.version for each in releases]
    if before not in versions:
        raise Conflict("deploy.signing:served-unlisted", version=before)
    passed: list[Passed] = []
    for release in reversed(releases[: versions.index(before)]):
        if not release.approved:
            passed.append(Passed(release.version, None))
            continue
        try:
            _demand(folder, release, public)
        except JingweiError as error:
            passed.append(Passed(release.version, error.message))
            continue
        _switch(folder, release, public, before=before)
        return RolledBack(before, release.version, clock() - started, tuple(passed))
    raise Conflict("deploy.signing:none-to-return-to", version=before, count=len(passed))


def switch_to(folder: Path, version: str, public: Path) -> None:
    """Serve a release by name: forward again after a drill, or for the first time.

    Raises:
        Conflict: it is not in the list, or was never approved.
        Tampered: it is not what was signed.
    """
    release = next((each for each in read_releases(folder, public).releases if each.version == version), None)
    if release is None or not release.approved:
        raise Conflict("deploy.signing:not-approved", version=version)
    _demand(folder, release, public)
    before = current(folder) if (folder / CURRENT).is_symlink() else ""
    _switch(folder, release, public, before=before)


def _demand(folder: Path, release: Release, public: Path, *, place: Path | None = None) -> None:
    """Refuse a release that is not what was signed, or is another one under its name."""
    place = place or place_of(folder, release.version)
    digest = demand_signed(place, public)
    if digest != release.digest:
        raise Tampered("deploy.signing:other-release", version=release.version)


def _switch(folder: Path, release: Release, public: Path, *, before: str) -> None:
    """Replace the link and verify through it; what was served returns where the new one does not verify."""
    _point(folder, release.version)
    try:
        _demand(folder, release, public, place=(folder / CURRENT).resolve(strict=True))
    except (JingweiError, OSError):
        if before:
            _point(folder, before)
        raise


def _point(folder: Path, version: str) -> None:
    for left in folder.glob(f"{_TEMPORARY}*"):  # of a drill that was killed
        with suppress(FileNotFoundError):
            left.unlink()
    made = folder / f"{_TEMPORARY}{secrets.token_hex(8)}"
    made.symlink_to(Path(FOLDER) / version, target_is_directory=True)
    made.replace(folder / CURRENT)
    sync_folder(folder)  # the rename outlives a power cut
