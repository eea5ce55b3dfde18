"""The code scan: Python read by our own analysis, bandit beside it, other languages by semgrep where there is one."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.errors import InputError
from jingwei.core.text import text
from jingwei.deploy.code import lint, semgrep
from jingwei.deploy.code.examine import Examined, examine
from jingwei.deploy.code.sarif import read_sarif
from jingwei.deploy.code.source import language_of
from jingwei.deploy.code.tree import File, files
from jingwei.deploy.scanned import Scanned, Seen, plain

_BATCH_BYTES = 2 * 1024**2
"""How much Python is read together: what lies in one batch may call one another."""
_FLOWS = frozenset({"python", "notebook"})


class Options(BaseModel):
    """What a code scan can be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bandit: bool = True
    """Whether bandit looks at Python too, where it is installed (extra `code`)."""
    semgrep: str = ""
    """Path of the semgrep program; empty for the one on PATH, `off` for none."""
    sarif: str = ""
    """A SARIF file of another tool, whose findings are merged."""
    most_files: int = Field(default=50_000, gt=0)
    """Files looked at; more make the result incomplete."""
    most_bytes: int = Field(default=2_000_000, gt=0)
    """The largest file that is read."""


def scan(target: str, options: Options) -> Iterator[Scanned]:
    """Audit a source file, or a folder file by file.

    Raises:
        InputError: there is nothing at the path, no source code in it, or an option names what is not there.
    """
    root = Path(target)
    if not root.exists():
        raise InputError("deploy.code:not-there", field="target", path=plain(root))
    program = None if options.semgrep == "off" else semgrep.program(options.semgrep)
    told = read_sarif(Path(options.sarif)) if options.sarif else []
    listed: list[File] = []
    gone: list[File] = []
    for found in files(root):
        if found.gap or language_of(found.name):
            (gone if found.gap else listed).append(found)
        if len(listed) + len(gone) >= options.most_files:
            gone.append(File(root, ".", gap="gap-many-files"))
            break
    languages = Counter(language_of(each.name) for each in listed)
    if not set(languages) - {"text"} and not (root.is_file() and listed):
        raise InputError("deploy.code:no-code", field="target", path=plain(root))
    yield from _scanned(root, listed, options, program, told)
    yield from (unread(each.gap, each.name, limit=options.most_files) for each in gone)
    if program is None:
        yield from _unexamined(languages)


def unread(gap: str, place: str, /, **values: object) -> Scanned:
    """Return what is said of a thing that could not be looked at."""
    return Scanned(path=place, gaps=(text(f"deploy.code:{gap}").format(path=place, **values),))


def _scanned(root: Path, listed: list[File], options: Options, program: str | None,
             told: list[Seen]) -> Iterator[Scanned]:  # fmt: skip
    others: dict[str, list[Seen]] = {}
    foreign = [each.path for each in listed if language_of(each.name) not in {*_FLOWS, "text"}]
    if program is not None and foreign:
        answer = semgrep.run(program, foreign)
        others = answer.findings
        if answer.problem:
            yield unread("gap-semgrep", ".", name=answer.problem)
    names = [each.name for each in listed]
    for batch in _batches(listed):
        linted = _linted(batch, use=options.bandit)
        for one in examine(batch, most=options.most_bytes, files=names):
            yield _merged(one, linted, others, told)
    placed = set(names)
    for name in sorted({each.location.path for each in told} - placed):
        rest = tuple(each for each in told if each.location.path == name)
        yield Scanned(path=name or root.name, format="sarif", findings=rest)


def _linted(batch: list[File], *, use: bool) -> dict[str, list[Seen]]:
    if not use or not lint.available():
        return {}
    return lint.lint((each.path, each.name) for each in batch if language_of(each.name) == "python")


def _merged(one: Examined, linted: dict[str, list[Seen]], others: dict[str, list[Seen]], told: list[Seen]) -> Scanned:
    scanned = one.scanned
    findings = lint.merged(list(scanned.findings), linted.get(scanned.path, []))
    said = {(each.rule_id, each.location.line) for each in findings}
    for each in others.get(os.path.realpath(one.file.path), []):
        if (each.rule_id, each.location.line) not in said:
            place = each.location.model_copy(update={"path": scanned.path})
            findings.append(each.model_copy(update={"location": place}))
    findings += [each for each in told if each.location.path == scanned.path]
    return scanned.model_copy(update={"findings": tuple(findings)})


def _batches(listed: list[File]) -> Iterator[list[File]]:
    """Cut a tree into parts that are read together; neighbours stay together."""
    batch: list[File] = []
    size = 0
    for each in listed:
        weight = each.size if language_of(each.name) in _FLOWS else 0
        if batch and (size + weight > _BATCH_BYTES or len(batch) >= 2000):
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += weight
    if batch:
        yield batch


def _unexamined(languages: Counter[str]) -> Iterable[Scanned]:
    for name, count in sorted(languages.items()):
        if name not in {*_FLOWS, "text"}:
            yield unread("gap-other-languages", f"*.{name}", count=count, name=name)
