"""Is a folder ready to be answered from? Finds what an assistant would tell to more people than it should.

A search that answers questions makes every file findable that was safe only because nobody looked. So before a folder
becomes a knowledge base: what in it is personal, secret or marked confidential, and how many may read it?
Who may read it is what `access.yaml` says; where there is none, the file's own mode on disk.
"""

import asyncio
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from jingwei.core.canonical import Json, digest, file_digest
from jingwei.core.check import CheckOptions, Run, local_path
from jingwei.core.errors import InputError
from jingwei.core.evidence import Binding, BoundTo, Draft, Measure, Outcome
from jingwei.core.finding import Finding, Location, Severity
from jingwei.core.package_data import package_data
from jingwei.core.policy import Category
from jingwei.core.target import TargetKind
from jingwei.core.text import Both, text
from jingwei.detect import Bundle, fold
from jingwei.operate.access.folder import ACCESS_FILE, read_access

MOST_FILES = 20_000
MOST_CHARACTERS = 2_000_000
_BLOCK = 100_000


@dataclass(frozen=True, slots=True)
class Shared:
    """One file, what makes it sensitive, and how many may read it."""

    path: str
    sha256: str
    reach: str
    """`everyone`, `group`, `few`, or `nobody` where `access.yaml` does not name it."""
    marks: tuple[str, ...]
    """`personal`, `secret`, `confidential`."""
    readable: bool = True
    """False where it is no text, or too long, and so was not looked into."""

    @property
    def overshared(self) -> bool:
        """Tell whether it is sensitive and open to all."""
        return bool(self.marks) and self.reach == "everyone"


def scan_folder(folder: Path) -> tuple[Shared, ...]:
    """Look at every file of a folder.

    Raises:
        InputError: there is no such folder, it holds too many files, or its `access.yaml` is wrong.
    """
    paths = _paths(folder)
    reach = _reach(folder)
    return tuple(examined(folder, path, reach=reach) for path in paths)


def examined(folder: Path, name: str, *, reach: dict[str, str] | None) -> Shared:
    """Look at one file of a folder."""
    path = folder / name
    who = reach.get(name, "nobody") if reach is not None else _mode_reach(path)
    content = _content(path)
    marks = tuple(sorted(_marks(content))) if content is not None else ()
    return Shared(name, file_digest(path), who, marks, readable=content is not None)


def _paths(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise InputError("operate.access:no-folder", field="target", path=folder.name)
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or path.name == ACCESS_FILE:
            continue
        found.append(path.relative_to(folder).as_posix())
        if len(found) > MOST_FILES:
            raise InputError("operate.access:too-many-files", field="target", limit=MOST_FILES)
    return found


def _reach(folder: Path) -> dict[str, str] | None:
    """Return how many may read each file that `access.yaml` names; none where there is no such file."""
    if not (folder / ACCESS_FILE).is_file():
        return None
    found = {}
    for each in read_access(folder).documents:
        wide = each.open_to_all or len(each.groups) > 3
        found[each.file] = "everyone" if wide else "group" if each.groups else "few"
    return found


def _mode_reach(path: Path) -> str:
    mode = path.stat().st_mode
    return "everyone" if mode & stat.S_IROTH else "group" if mode & stat.S_IRGRP else "few"


def _content(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_CHARACTERS * 4 + 1)
        return raw.decode("utf-8-sig") if len(raw) <= MOST_CHARACTERS * 4 and b"\0" not in raw else None
    except (UnicodeDecodeError, OSError):
        return None


def _marks(content: str) -> Iterator[str]:
    if _confidential().search(fold(content[:20_000]).folded):
        yield "confidential"
    sure = {Category.PII: "personal", Category.SECRET: "secret"}
    found: set[str] = set()
    for start in range(0, len(content), _BLOCK):
        for hit in _bundle().scan(content[start : start + _BLOCK], frozenset(sure)):
            if hit.score >= 0.7 and hit.severity.rank >= Severity.MEDIUM.rank:
                found.add(sure[hit.category])
        if len(found) == len(sure):
            break
    yield from found


@lru_cache(maxsize=1)
def _confidential() -> re.Pattern[str]:
    data = package_data("jingwei.operate.access", "markings.yaml")
    return re.compile("|".join(data["confidential"]))


@lru_cache(maxsize=1)
def _bundle() -> Bundle:
    return Bundle.build()


class OversharingScan:
    """The check: no sensitive file of a folder is open to everyone."""

    id: ClassVar[str] = "oversharing-scan"
    version: ClassVar[str] = "1"
    title: ClassVar[Both] = text("operate.access:oversharing-title")
    about: ClassVar[Both] = text("operate.access:oversharing-about")
    evidence_types: ClassVar[tuple[str, ...]] = ("EV-OVERSHARE",)
    target_kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.FILE,)
    options: ClassVar[type[CheckOptions]] = CheckOptions

    def plan(self, run: Run) -> Sequence[Json]:
        """List the files.

        Raises:
            InputError: there is no such folder, or it holds too many files.
        """
        return list(_paths(local_path(run.target)))

    async def examine(self, run: Run, unit: Json) -> Json:
        """Look at one file."""
        folder = local_path(run.target)
        found = await asyncio.to_thread(examined, folder, str(unit), reach=_reach(folder))
        return {"sha256": found.sha256, "reach": found.reach, "marks": list(found.marks), "readable": found.readable}

    def conclude(self, run: Run, units: Sequence[Json], results: Sequence[Json]) -> Sequence[Draft]:  # noqa: ARG002 - the contract
        """Count, and name each sensitive file that is open to all."""
        seen = [_shared(str(unit), result) for unit, result in zip(units, results, strict=True)]
        over = [each for each in seen if each.overshared]
        unread = [each for each in seen if not each.readable]
        outcome = Outcome.FAIL if over else Outcome.INCOMPLETE if unread or not seen else Outcome.PASS
        unlooked = (text("operate.access:oversharing-unread", count=len(unread)),) if unread or not seen else ()
        return [
            Draft(
                type="EV-OVERSHARE",
                outcome=outcome,
                summary=text("operate.access:oversharing-summary", files=len(seen), over=len(over)),
                bindings=(
                    Binding(to=BoundTo.DATASET_VERSION, digest=_together(seen), observed=True),
                ),
                measures=(
                    Measure(name="overshared", title=text("operate.access:overshared"), value=len(over), unit="count"),
                    Measure(name="sensitive", title=text("operate.access:sensitive"),
                            value=sum(bool(each.marks) for each in seen), unit="count"),
                ),
                findings=tuple(map(_finding, over)),
                examined=len(seen),
                skipped=unlooked,
            )
        ]  # fmt: skip

    def concurrency(self, run: Run) -> int:  # noqa: ARG002 - the contract
        """Return 2: one file is read while another is matched."""
        return 2


def _together(seen: Sequence[Shared]) -> str:
    return digest({each.path: each.sha256 for each in seen})


def _shared(path: str, result: Json) -> Shared:
    if not isinstance(result, dict):
        return Shared(path, "", "nobody", (), readable=False)
    given = result["marks"]
    marks = tuple(map(str, given)) if isinstance(given, list) else ()
    return Shared(path, str(result["sha256"]), str(result["reach"]), marks, readable=bool(result["readable"]))


def _finding(shared: Shared) -> Finding:
    kinds = [text(f"operate.access:mark-{mark}") for mark in shared.marks]
    marks = Both(zh=", ".join(each.zh for each in kinds), en=", ".join(each.en for each in kinds))
    return Finding(
        rule_id="access.overshared",
        severity=Severity.CRITICAL if "secret" in shared.marks else Severity.HIGH,
        title=text("operate.access:overshared-file"),
        detail=text("operate.access:overshared-detail", path=shared.path, marks=marks),
        remedy=text("operate.access:overshared-remedy"),
        location=Location(path=shared.path),
    )
