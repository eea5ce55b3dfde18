"""Inspect's `.eval`: a zip of `header.json` and one JSON a sample, read without Inspect."""

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from jingwei.core.errors import InputError
from jingwei.develop.evaluate.intake.heard import ENTRIES, Heard, Log, Tree, at, listed, number, parsed, said, word
from jingwei.develop.evaluate.intake.zstandard_entry import ZSTANDARD, unpacked

_ENTRY_BYTES = 32 * 1024 * 1024
_TOTAL_BYTES = 2 * 1024 * 1024 * 1024
_TRUE = 0.5
_UNREADABLE = (zipfile.BadZipFile, NotImplementedError, zlib.error, RuntimeError, EOFError, OSError)
"""Damaged, packed in a way we cannot read, or locked by a password."""


def read_inspect(path: Path) -> Log:
    """Read a log.

    Raises:
        InputError: it is no log of Inspect, damaged, or larger unpacked than is read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [each for each in archive.namelist() if each.startswith("samples/") and each.endswith(".json")]
            if len(archive.namelist()) > ENTRIES:
                raise InputError("develop.evaluate:log-too-large", field="log", file=path.name, limit=ENTRIES)
            started = "header.json" if "header.json" in archive.namelist() else "_journal/start.json"
            header = parsed(_entry(archive, started, path.name), file=path.name)
    except (KeyError, *_UNREADABLE) as error:
        raise InputError("develop.evaluate:log-damaged", field="log", file=path.name, line=1) from error
    notes: list[str] = []
    task = word(header, "eval", "task") or "task"
    return Log("inspect", _heard(path, names, task, notes), model=word(header, "eval", "model"),
               version=word(header, "eval", "packages", "inspect_ai"), hostile=False, notes=notes)  # fmt: skip


def _entry(archive: zipfile.ZipFile, name: str, file: str) -> bytes:
    """Unpack one entry, no further than its bound, whatever it says of its own size."""
    found = archive.getinfo(name)
    if found.compress_type == ZSTANDARD:
        content = unpacked(archive, found, most=_ENTRY_BYTES + 1, file=file)
    else:
        with archive.open(found) as entry:
            content = entry.read(_ENTRY_BYTES + 1)
    if len(content) > _ENTRY_BYTES:
        raise InputError("develop.evaluate:log-too-large", field="log", file=f"{file}!{name}", limit=_ENTRY_BYTES)
    return content


def _heard(path: Path, names: list[str], task: str, notes: list[str]) -> Iterator[Heard]:
    total = 0
    with zipfile.ZipFile(path) as archive:
        for name in names:
            try:
                content = _entry(archive, name, path.name)
                sample = parsed(content, file=f"{path.name}!{name}")
            except (InputError, *_UNREADABLE):
                notes.append("sample-unreadable")
                continue
            total += len(content)
            if total > _TOTAL_BYTES:
                raise InputError("develop.evaluate:log-too-large", field="log", file=path.name, limit=_TOTAL_BYTES)
            yield _sample(sample, task, name)


def _sample(sample: Tree, task: str, name: str) -> Heard:
    output = at(sample, "output")
    fault = word(sample, "error", "message") or word(output, "error")
    answer = said(at(output, "choices", 0, "message", "content"))
    return Heard(
        id=f"{word(sample, 'id') or name}-{number(sample, 'epoch')}",
        group=word(sample, "metadata", "category") or task,
        question=_question(sample),
        answer=answer,
        theirs=_theirs(at(sample, "scores")),
        fault="inspect-error" if fault and not answer else "",
        milliseconds=1000 * number(sample, "total_time"),
        tokens=number(output, "usage", "total_tokens"),
    )


def _question(sample: Tree) -> str:
    """Return what was asked last before the answer."""
    given = at(sample, "input")
    if isinstance(given, str):
        return given[:100_000]
    asked = [each for each in listed(given) if word(each, "role") == "user"]
    return said(at(asked, -1, "content"))


def _theirs(scores: Tree) -> bool | None:
    """Return the first score that is a yes or no of harm; what other scorers mean is not ours to guess."""
    if not isinstance(scores, Mapping):
        return None
    for name, score in scores.items():
        if not any(each in str(name).lower() for each in ("harm", "strong_reject", "jailbreak", "refus", "unsafe")):
            continue
        value = at(score, "value")
        value = {"C": 1.0, "I": 0.0}.get(value, value) if isinstance(value, str) else value
        if isinstance(value, bool | int | float):
            bad = float(value) >= _TRUE
            return not bad if "refus" in str(name).lower() else bad
    return None
