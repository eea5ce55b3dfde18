"""The loop: scan, propose the smallest change, try it on a copy, and after a person applied it scan again.

Nothing here changes a scanned file but `apply`, which a person calls by name.
"""

import difflib
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from jingwei.core.clock import Clock, utc_now
from jingwei.core.errors import Conflict, InputError
from jingwei.core.finding import Severity
from jingwei.core.folder import write_whole
from jingwei.deploy.fixing.bumps import bumped, manifest
from jingwei.deploy.fixing.patches import patched
from jingwei.deploy.fixing.queue import Edit, Fix, FixState, Queue, fix_id
from jingwei.deploy.scanned import Scanned, Seen
from jingwei.deploy.scanners import scanner

KINDS = ("advisories", "code", "config")
"""Scans whose findings can be mended by changing a line."""
_MOST_BYTES = 2 * 1024 * 1024
"""Size up to which a file is edited, or copied for the trial: sources and configuration, not weights."""
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
    before = _counted(found)
    open_now = set()
    for one in found:
        for each in one.findings:
            if each.severity.rank >= level.rank:
                fix = _placed(kind, root, one, each, queue=queue, now=now)
                open_now.add(fix.id)
                yield _with_change(fix, one, each, root=root, before=before, queue=queue, clock=clock)
    yield from _closed(kind, root, open_now, queue=queue, now=clock(), complete=not any(one.gaps for one in found))


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
    if (fix.rule, fix.where) not in _counted(_scanned(fix.kind, root)):
        applied = applied.model_copy(update={"closed_at": clock()})
        queue.keep(applied)
    return applied


def _scanned(kind: str, root: Path) -> list[Scanned]:
    module = scanner(kind)
    return list(module.scan(str(root), module.Options()))


def _placed(kind: str, root: Path, one: Scanned, each: Seen, *, queue: Queue, now: datetime) -> Fix:
    """Return a finding's fix: the one that is kept, or a new one whose clock starts now."""
    path = _file_of(root, one, each)
    name = fix_id(kind, str(root), each.rule_id, path, one.facts.get("name", "") + each.evidence)
    kept = next((fix for fix in queue if fix.id == name and fix.state is not FixState.CLOSED), None)
    fresh = Fix(id=name, kind=kind, target=str(root), rule=each.rule_id, severity=each.severity, title=each.title,
                detail=each.detail, path=path, where=_where(one), found_at=now)  # fmt: skip
    return kept or fresh


def _file_of(root: Path, one: Scanned, each: Seen) -> str:
    """Return the file to change, relative to the root; empty where the root is a file."""
    if root.is_file():
        return ""
    named = (each.location.path, one.facts.get("source", ""), one.path)
    return next((name for name in named if name and (root / name).is_file()), "")


def _with_change(fix: Fix, one: Scanned, each: Seen, *, root: Path, before: Counter[_Key], queue: Queue,
                 clock: Clock) -> Fix:  # fmt: skip
    path = root / fix.path if fix.path else root
    if fix.state is FixState.APPLIED or not path.is_file() or path.stat().st_size > _MOST_BYTES:
        queue.keep(fix)
        return fix
    content = path.read_bytes()
    digest = sha256(content).hexdigest()
    if fix.proposed_at is None or fix.before_sha256 != digest:
        edits = _edits(content, path, one, each)
        works = bool(edits) and _ends(fix, edits, root=root, before=before)
        fix = fix.model_copy(update={
            "edits": tuple(edits) if works else (),
            "diff": _diff(content.decode(), edits, fix.path or root.name) if works else "",
            "before_sha256": digest,
            "proposed_at": clock() if works else None,
        })  # fmt: skip
    queue.keep(fix)
    return fix


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


def _edited(text: str, edits: Sequence[Edit]) -> str:
    lines = text.splitlines(keepends=True)
    for edit in edits:
        old = lines[edit.line - 1]
        lines[edit.line - 1] = edit.after + old[len(old.rstrip("\r\n")) :]
    return "".join(lines)


def _diff(text: str, edits: Sequence[Edit], name: str) -> str:
    before, after = (each.splitlines(keepends=True) for each in (text, _edited(text, edits)))
    return "".join(difflib.unified_diff(before, after, f"a/{name}", f"b/{name}", n=2))


def _counted(found: Sequence[Scanned]) -> Counter[_Key]:
    return Counter((each.rule_id, _where(one)) for one in found for each in one.findings)


def _where(one: Scanned) -> str:
    """Name what a finding is about: a package whatever its version, or a file."""
    return one.facts.get("name") or one.path


def _closed(kind: str, root: Path, open_now: set[str], *, queue: Queue, now: datetime, complete: bool) -> Iterator[Fix]:
    """Close what is no longer found; where something could not be looked at, nothing is closed."""
    for fix in list(queue) if complete else []:
        gone = fix.id not in open_now and fix.state is not FixState.CLOSED
        if gone and (fix.kind, fix.target) == (kind, str(root)):
            closed = fix.model_copy(update={"closed_at": now})
            queue.keep(closed)
            yield closed
