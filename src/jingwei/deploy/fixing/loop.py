"""The loop: scan, propose the smallest change, try it on a copy, and after a person applied it scan again.

Nothing here changes a scanned file but `apply`, which a person calls by name.
"""

import difflib
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from jingwei.core.clock import Clock, utc_now
from jingwei.core.errors import Conflict, InputError
from jingwei.core.finding import Severity
from jingwei.core.folder import write_whole
from jingwei.core.text import text
from jingwei.deploy.fixing.bumps import bumped, manifest
from jingwei.deploy.fixing.patches import patched
from jingwei.deploy.fixing.queue import Edit, Fix, FixState, Queue, fix_id
from jingwei.deploy.scanned import Scanned, Seen
from jingwei.deploy.scanners import scanner

KINDS = ("advisories", "code", "config")
"""Scans whose findings can be mended by changing a line."""
_MOST_BYTES = 2 * 1024 * 1024
"""Size up to which a file is edited, or copied for the trial: sources and configuration, not weights."""
_FLAWED = "advisories"
_SKIPPED = (".git", "node_modules", ".venv", "__pycache__")

_Key = tuple[str, str]
"""Rule and what it is about: what stays the same when lines move and versions change."""


def propose(kind: str, target: Path, queue: Queue, *, level: Severity = Severity.MEDIUM,
            clock: Clock = utc_now) -> Iterator[Fix]:  # fmt: skip
    """Scan a target and give every finding's place in the queue, with a change that ends it where one is known.

    What was open and is no longer found is closed.

    Args:
        kind: of the scan, one of `KINDS`.
        target: file or folder.
        queue: where fixes are kept.
        level: the mildest severity that is looked at.
        clock: tells the time.

    Raises:
        InputError: the target is not there.
    """
    root = target.resolve()
    now, found = clock(), _scanned(kind, root)
    trials = _Trials(kind, root, _counted(found), clock)
    open_now = set()
    for one in found:
        for each in _problems(one, kind, level):
            fix = _placed(kind, root, one, each, queue=queue, now=now)
            open_now.add(fix.id)
            fix = trials.with_change(fix, one, each)
            queue.keep(fix)
            yield fix
    complete = not any(one.gaps for one in found)
    for fix in list(queue) if complete else []:  # where something could not be looked at, nothing is closed
        if fix.state is not FixState.CLOSED and (fix.kind, fix.target) == (kind, str(root)) and fix.id not in open_now:
            yield _closed(fix, queue, clock())


def apply(queue: Queue, wanted: str, *, by: str, clock: Clock = utc_now) -> Fix:
    """Make a proposed change in the file itself, and scan again; called for a person, who is named.

    Raises:
        NotFound: there is no such fix.
        Conflict: it has no change to make, or the file is no longer the one it was made for.
        InputError: nobody is named.
    """
    if not by.strip():
        raise InputError("deploy.fixing:nobody", field="by")
    fix = queue[wanted]
    if fix.state is not FixState.PROPOSED:
        raise Conflict("deploy.fixing:not-proposed", field="fix", fix=fix.id, state=fix.state.value)
    root = Path(fix.target)
    path = root / fix.path if fix.path else root
    content = path.read_bytes()
    if sha256(content).hexdigest() != fix.before_sha256:
        raise Conflict("deploy.fixing:file-changed", field="fix", path=str(path))
    mode = path.stat().st_mode
    after = _edited(content.decode(), fix.edits).encode()

    def write(draft: Path) -> None:
        draft.write_bytes(after)
        draft.chmod(mode)

    write_whole(path, write)
    applied = fix.model_copy(update={"applied_at": clock(), "applied_by": by.strip()})
    queue.keep(applied)
    left = _counted(_scanned(fix.kind, root))
    for each in list(queue):
        same = each.state is not FixState.CLOSED and (each.kind, each.target) == (fix.kind, fix.target)
        if same and (each.rule, each.where) not in left:
            _closed(each, queue, clock())
    return queue[fix.id]


def _scanned(kind: str, root: Path) -> list[Scanned]:
    module = scanner(kind)
    return list(module.scan(str(root), module.Options()))


def _placed(kind: str, root: Path, one: Scanned, each: Seen, *, queue: Queue, now: datetime) -> Fix:
    """Return a finding's fix: the one that is kept, or a new one whose clock starts now."""
    path = _file_of(root, one, each)
    name = fix_id(kind, str(root), each.rule_id, path, one.facts.get("name", "") + each.evidence)
    kept = queue.get(name)
    fresh = Fix(id=name, kind=kind, target=str(root), rule=_rule(each), severity=each.severity, title=each.title,
                detail=each.detail, path=path, where=_where(one), found_at=now)  # fmt: skip
    return kept if kept is not None and kept.state is not FixState.CLOSED else fresh


def _file_of(root: Path, one: Scanned, each: Seen) -> str:
    """Return the file to change, relative to the root; empty where the root is a file."""
    if root.is_file():
        return ""
    named = (each.location.path, one.facts.get("source", ""), one.path)
    return next((name for name in named if name and (root / name).is_file()), "")


@dataclass(frozen=True, slots=True)
class _Trials:
    """Changes tried on copies of one target; the same change is tried once."""

    kind: str
    root: Path
    before: Counter[_Key]
    clock: Clock
    tried: dict[tuple[str, tuple[Edit, ...]], Counter[_Key]] = field(default_factory=dict)

    def with_change(self, fix: Fix, one: Scanned, each: Seen) -> Fix:
        """Return a fix with the change that ends it, where one is known and works."""
        path = self.root / fix.path if fix.path else self.root
        if fix.state is FixState.APPLIED or not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return fix
        content = path.read_bytes()
        digest = sha256(content).hexdigest()
        if fix.proposed_at is not None and fix.before_sha256 == digest:
            return fix
        edits = tuple(_edits(content, path, one, each))
        works = bool(edits) and self._ends(fix, edits)
        return fix.model_copy(update={
            "edits": edits if works else (),
            "diff": _diff(content.decode(), edits, fix.path or self.root.name) if works else "",
            "before_sha256": digest,
            "proposed_at": self.clock() if works else None,
        })  # fmt: skip

    def _ends(self, fix: Fix, edits: tuple[Edit, ...]) -> bool:
        """Try a change on a copy: the finding is gone or rarer, and nothing new is found."""
        if (fix.path, edits) not in self.tried:
            with TemporaryDirectory() as folder:
                copy = _copied(self.root, Path(folder))
                path = copy / fix.path if fix.path else copy
                path.write_text(_edited(path.read_text(), edits))
                self.tried[fix.path, edits] = _counted(_scanned(self.kind, copy))
        after, wanted = self.tried[fix.path, edits], (fix.rule, fix.where)
        return after[wanted] < self.before[wanted] and not any(after[key] > self.before[key] for key in after)


def _edits(content: bytes, path: Path, one: Scanned, each: Seen) -> list[Edit]:
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError:
        return []
    name, version, fixed = (one.facts.get(fact, "") for fact in ("name", "version", "fixed"))
    if name and version and fixed and manifest(path.name):
        return list(bumped(lines, name, version=version, fixed=fixed))
    edit = patched(lines, each.rule_id, line=each.location.line)
    return [edit] if edit else []


def _ends(fix: Fix, edits: Sequence[Edit], *, root: Path, before: Counter[_Key]) -> bool:
    """Try a change on a copy: the finding is gone or rarer, and nothing new is found."""
    with TemporaryDirectory() as folder:
        copy = _copied(root, Path(folder))
        path = copy / fix.path if fix.path else copy
        path.write_text(_edited(path.read_text(), edits))
        after = _counted(_scanned(fix.kind, copy))
    wanted = (fix.rule, fix.where)
    return after[wanted] < before[wanted] and not any(after[key] > before[key] for key in after)


def _copied(root: Path, folder: Path) -> Path:
    copy = folder / root.name
    if root.is_file():
        shutil.copyfile(root, copy)
        return copy

    def left_out(here: str, names: list[str]) -> list[str]:
        places = [Path(here) / name for name in names]
        return [place.name for place in places if place.name in _SKIPPED or place.is_symlink() or not (
            place.is_dir() or (place.is_file() and place.stat().st_size <= _MOST_BYTES))]  # fmt: skip

    shutil.copytree(root, copy, ignore=left_out)
    return copy


def _edited(content: str, edits: Sequence[Edit]) -> str:
    lines = content.splitlines(keepends=True)
    for edit in edits:
        old = lines[edit.line - 1]
        lines[edit.line - 1] = edit.after + old[len(old.rstrip("\r\n")) :]
    return "".join(lines)


def _diff(content: str, edits: Sequence[Edit], name: str) -> str:
    before, after = (each.splitlines(keepends=True) for each in (content, _edited(content, edits)))
    return "".join(difflib.unified_diff(before, after, f"a/{name}", f"b/{name}", n=2))


def _counted(found: Sequence[Scanned]) -> Counter[_Key]:
    return Counter((_rule(each), _where(one)) for one in found for each in one.findings)


def _rule(each: Seen) -> str:
    """Name a problem: all advisories of a package are one, for one bump ends them."""
    return _FLAWED if each.rule_id.startswith(f"{_FLAWED}.") else each.rule_id


def _problems(one: Scanned, kind: str, level: Severity) -> Iterator[Seen]:
    """Give what has to be mended; the advisories of a package as one."""
    grave = [each for each in one.findings if each.severity.rank >= level.rank]
    if kind != _FLAWED or not grave or "name" not in one.facts:
        yield from grave
        return
    worst = max(grave, key=lambda each: each.severity.rank)
    values = {"name": one.facts["name"], "version": one.facts.get("version", "?"), "count": len(grave)}
    ids = ", ".join(each.rule_id.partition(".")[2] for each in grave[:8])
    yield worst.model_copy(update={
        "rule_id": _FLAWED, "title": text("deploy.fixing:flawed", **values),
        "detail": text("deploy.fixing:flawed-detail", **values, ids=ids), "evidence": one.facts["name"],
    })  # fmt: skip


def _closed(fix: Fix, queue: Queue, at: datetime) -> Fix:
    closed = fix.model_copy(update={"closed_at": at})
    queue.keep(closed)
    return closed


def _where(one: Scanned) -> str:
    """Name what a finding is about: a package whatever its version, or a file."""
    return one.facts.get("name") or one.path
