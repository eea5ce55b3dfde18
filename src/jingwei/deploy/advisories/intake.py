"""New advisories by file drop: OSV zips, folders and records, lists of exploited flaws, likelihoods, component rules.

What lies in the store's folder is read and compiled once, beside the old store, and put in its place in one step; it is
compiled anew when a file comes, goes or changes. A record that cannot be read is counted and told, the rest is used.
"""

import csv
import gzip
import hashlib
import os
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import yaml

from jingwei.core.errors import InputError
from jingwei.deploy.advisories.advisory import Advisory
from jingwei.deploy.advisories.component_rules import is_component_rule, read_component_rule
from jingwei.deploy.advisories.osv import NotOsv, read_osv_many
from jingwei.deploy.advisories.store import SourceOf, Store, write_store

COMPILED = "advisories.sqlite"
_LARGEST_RECORD = 32 * 1024 * 1024
_LARGEST_RULE = 256 * 1024
_LARGEST_LIST = 256 * 1024 * 1024
_MOST_RECORDS = 2_000_000
_MOST_UNPACKED = 8 * 1024**3
_MOST_FILES = 2_000_000
_LONGEST_LINE = 4096
_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class _Drop:
    """What was read so far."""

    today: date
    signals: dict[str, tuple[bool, float | None]] = field(default_factory=dict)
    refused: int = 0
    counts: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    days: dict[tuple[str, str], str] = field(default_factory=lambda: defaultdict(str))

    def take(self, read: Iterator[Advisory] | tuple[Advisory, ...]) -> Iterator[Advisory]:
        for advisory in read:
            place = (advisory.source, advisory.ecosystem)
            self.counts[place] += 1
            self.days[place] = max(self.days[place], min(advisory.modified, self.today.isoformat()))
            yield advisory

    def signal(self, name: str, *, exploited: bool = False, likelihood: float | None = None) -> None:
        before = self.signals.get(name, (False, None))
        self.signals[name] = (before[0] or exploited, likelihood if likelihood is not None else before[1])


def open_store(path: Path, *, today: date) -> Store:
    """Open a store: a compiled file, or a folder, zip or record that is compiled first if anything in it changed.

    Raises:
        InputError: it is no store, and nothing in it could be read.
    """
    if path.is_file() and path.suffix == ".sqlite":
        return Store(path)
    if not path.exists():
        raise InputError("deploy.advisories:no-store", field="store", path=str(path))
    compiled = path / COMPILED if path.is_dir() else path.with_name(f".{path.name}.{COMPILED}")
    state = _state(path)
    if compiled.is_file():
        held = _held(compiled)
        if held is not None and held.about.get("state") == state:
            return held
    try:
        return compile_store(path, compiled, today=today, state=state)
    except OSError:  # a folder that may be read but not written: compiled for this run alone
        folder = Path(tempfile.mkdtemp(prefix="jingwei-advisories-"))
        return compile_store(path, folder / COMPILED, today=today, state=state)


def _held(compiled: Path) -> Store | None:
    try:
        return Store(compiled)
    except InputError:
        return None


def compile_store(path: Path, compiled: Path, *, today: date, state: str = "") -> Store:
    """Compile what lies at a path into one file.

    Raises:
        OSError: the file cannot be written.
        InputError: what was written cannot be read back.
    """
    drop = _Drop(today=today)
    advisories = list(_advisories(path, drop))
    sources = [SourceOf(name, ecosystem, drop.days[name, ecosystem], count, "")
               for (name, ecosystem), count in drop.counts.items()]  # fmt: skip
    signals = ((name, exploited, likelihood) for name, (exploited, likelihood) in drop.signals.items())
    write_store(compiled, advisories, sources=sources, made=today.isoformat(), signals=signals,
                about={"state": state, "refused": str(drop.refused)})  # fmt: skip
    return Store(compiled)


def _state(path: Path) -> str:
    """Return a digest of the names, sizes and times of what lies there, without reading it."""
    seen = hashlib.sha256()
    for each in _files(path):
        try:
            status = each.stat()
        except OSError:  # gone since it was listed
            continue
        seen.update(f"{each.relative_to(path.parent)}|{status.st_size}|{status.st_mtime_ns}\n".encode(errors="replace"))
    return seen.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    count = 0
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        for name in sorted(names):
            each = Path(folder) / name
            if not name.startswith(".") and name != COMPILED and each.is_file():
                count += 1
                if count > _MOST_FILES:
                    return
                yield each


def _advisories(path: Path, drop: _Drop) -> Iterator[Advisory]:
    for each in _files(path):
        source = each.relative_to(path).parts[0] if path.is_dir() else each.name
        try:
            yield from _from_file(each, source.partition(".")[0][:40], drop)
        except (OSError, zipfile.BadZipFile, EOFError, gzip.BadGzipFile):
            drop.refused += 1


def _from_file(path: Path, source: str, drop: _Drop) -> Iterator[Advisory]:
    name = path.name.lower()
    if name.endswith(".zip"):
        yield from _from_zip(path, source, drop)
    elif name.endswith((".csv", ".csv.gz")):
        _likelihoods(path, drop)
    elif name.endswith((".json", ".yaml", ".yml")):
        yield from _from_bytes(path.read_bytes() if path.stat().st_size <= _LARGEST_LIST else b"", name, source, drop)


def _from_zip(path: Path, source: str, drop: _Drop) -> Iterator[Advisory]:
    unpacked = 0
    with zipfile.ZipFile(path) as archive:
        for number, member in enumerate(archive.infolist()):
            unpacked += member.file_size
            if number >= _MOST_RECORDS or unpacked > _MOST_UNPACKED:
                drop.refused += 1
                return
            if member.is_dir() or not member.filename.lower().endswith((".json", ".yaml", ".yml")):
                continue
            if member.file_size > _LARGEST_RECORD:
                drop.refused += 1
                continue
            try:
                with archive.open(member) as file:
                    content = file.read(_LARGEST_RECORD + 1)
            except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError):
                drop.refused += 1
                continue
            yield from _from_bytes(content, member.filename.lower(), source, drop)


def _from_bytes(content: bytes, name: str, source: str, drop: _Drop) -> Iterator[Advisory]:
    try:
        value = _value(content, name)
        if is_component_rule(value):
            read = read_component_rule(value, source=source, modified=drop.today.isoformat())
            yield from drop.take((read,) if read else ())
        elif isinstance(value, dict) and isinstance(value.get("vulnerabilities"), list) and "id" not in value:
            _exploited(value["vulnerabilities"], drop)
        elif value is not None:
            yield from drop.take(tuple(read_osv_many(value, source=source)))
    except (ValueError, KeyError, RecursionError, yaml.YAMLError, NotOsv):
        drop.refused += 1


def _value(content: bytes, name: str) -> Any:  # Any: whatever was dropped
    if name.endswith(".json"):
        return orjson.loads(content)
    if len(content) > _LARGEST_RULE:
        raise ValueError
    text = content.decode("utf-8")
    if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, Loader=_LOADER)):
        raise ValueError  # a few lines of aliases can stand for more than memory holds
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader


def _exploited(entries: list[Any], drop: _Drop) -> None:
    """Read CISA's list of flaws that are known to be exploited."""
    for each in entries[:_MOST_RECORDS]:
        if isinstance(each, dict) and isinstance(each.get("cveID"), str):
            drop.signal(each["cveID"][:40], exploited=True)


def _likelihoods(path: Path, drop: _Drop) -> None:
    """Read FIRST's table of likelihoods (EPSS)."""
    with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as stream:
        lines = (line.decode("utf-8", "replace") for line in iter(lambda: stream.readline(_LONGEST_LINE), b""))
        for number, row in enumerate(csv.reader(line for line in lines if not line.startswith("#"))):
            if number >= _MOST_RECORDS:
                return
            if len(row) >= 2 and row[0].startswith("CVE-"):
                try:
                    drop.signal(row[0][:40], likelihood=min(max(float(row[1]), 0.0), 1.0))
                except ValueError:
                    drop.refused += 1
