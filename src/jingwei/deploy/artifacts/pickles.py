"""Pickles: every stream of a file followed to its end, and every global that it names judged by position and use."""

import re
from itertools import islice

from jingwei.core.finding import Severity
from jingwei.deploy.artifacts import lookups, operations, pushes, tuples  # noqa: F401 - they fill the machine's tables
from jingwei.deploy.artifacts.examination import Examination
from jingwei.deploy.artifacts.globals import Standing, standing, verdict
from jingwei.deploy.artifacts.globals import Use as How
from jingwei.deploy.artifacts.machine import Inner, Machine, Trace
from jingwei.deploy.artifacts.memo import STRING
from jingwei.deploy.artifacts.notes import Notes
from jingwei.deploy.artifacts.source import Held, Source, Stretch
from jingwei.deploy.scanned import plain

_MOST_STREAMS = 100_000
_MOST_CALLS = 40
_LONGEST_TEXT = 64 * 1024 * 1024
_TRIAL = 200_000
_BEHIND, _MOST_TRIES, _TRIED = 8 * 1024 * 1024, 256, 20_000
_BEGINS = re.compile(
    rb"\x80[\x00-\x05]|[ci][\w.]{2,80}\r?\n[\w.]{1,80}\n|\x8c.[\w.]{2,80}\x94?\x8c.[\w.]{1,80}\x94?\x93", re.DOTALL
)
"""Where a stream may begin again behind a break."""
_TOLD_BEHIND = frozenset({Standing.DANGEROUS, Standing.DANGEROUS_CALL})
_FIRST = b"\x80(cC]})NIKMJSVXUTFLP\x82\x83\x84\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x95\x96\x97G\x42"
"""Opcodes that a pickle without a protocol mark may begin with."""
_TORCH_STREAMS = 5
"""Magic number, protocol, system, the object, storage keys; raw storages follow."""


def looks_pickled(source: Source, at: int = 0) -> bool:
    """Tell whether a pickle begins here: by its mark, or by a trial where it has none."""
    head = source.read(at, 2)
    if len(head) == 2 and head[0] == 0x80 and head[1] <= 5:
        return True
    if not head or head[0] not in _FIRST:
        return False
    trace = Machine(source, at, most_operations=_TRIAL).run()
    names_something = any(standing(*name) is Standing.DANGEROUS for name in trace.uses)
    return names_something or trace.reason == "gap-operations" or (trace.stopped and trace.end - at > 3)


def scan_pickle(source: Source, path: str, examination: Examination, *, start: int = 0, depth: int = 0,
                most: int = _MOST_STREAMS) -> int | None:  # fmt: skip
    """Examine every stream from `start` on, and return the position behind the last; nothing where it breaks."""
    at, legacy, notes = start, False, examination.notes
    for count in range(most):
        if examination.watch is not None:
            examination.watch(source, path, at)
        machine = Machine(source, at)
        trace = machine.run()
        _tell(trace, path, notes)
        examination.cover(at, trace.end)
        for inner in trace.inner:
            _inside(machine, inner, path, examination, depth=depth)
        legacy = legacy or (count == 0 and trace.torch_magic)
        if not trace.stopped:
            notes.gap(trace.reason, path, position=trace.end)
            _behind_break(source, path, examination, at=trace.end)
            return None
        at = trace.end
        if legacy and count + 1 == _TORCH_STREAMS:
            notes.format("torch-legacy")
            examination.cover(at, source.size)
            return source.size
        if at >= source.size:
            break
        if not legacy and not looks_pickled(source, at):
            return at if most == 1 else trailing(source, path, examination, at=at)
    else:
        if most == _MOST_STREAMS:
            notes.gap("gap-operations", path, position=at)
    if legacy:
        notes.gap("gap-truncated", path, position=at)
    return at


def _behind_break(source: Source, path: str, examination: Examination, *, at: int) -> None:
    """Tell of names behind a break that no pickle should hold: another unpickler may go past it."""
    rest = source.read(at, _BEHIND)
    for found in islice(_BEGINS.finditer(rest), _MOST_TRIES):
        trace = Machine(source, at + found.start(), most_operations=_TRIED).run()
        worst = [name for name in trace.uses if standing(*name) in _TOLD_BEHIND]
        if worst:
            _tell(trace, path, examination.notes)
            return


def _inside(machine: Machine, inner: Inner, path: str, examination: Examination, *, depth: int) -> None:
    """Examine bytes that lie inside: what the pickle loads itself as any file, what looks like a pickle as one."""
    place = f"{path}!{inner.start}"
    if inner.size:
        source: Source = Stretch(machine.source, inner.start, inner.size)
    else:
        text = machine.string(inner.start << 3 | STRING, longest=_LONGEST_TEXT)
        if text is None:
            examination.notes.gap("gap-header-size", place, limit=_LONGEST_TEXT)
            return
        source = Held(text.encode("latin-1", "replace"))
    if inner.loaded:
        examination.inside(source, place, depth + 1)
    elif Machine(source, 0).run().stopped and depth < examination.limits.depth:
        consumed = any(use.how is not How.NAMED and verdict(*name, use.how) for name, use in machine.trace.uses.items())
        severity = Severity.HIGH if consumed else Severity.MEDIUM
        for (module, name), use in Machine(source, 0).run().uses.items():
            judged = verdict(module, name, use.how)
            if judged is not None and judged[1].rank >= Severity.HIGH.rank:
                shown = f"{module}.{name}"
                examination.notes.find("pickle.nested", path, inner.start, severity=severity,
                                           evidence=use.words or shown, name=shown)  # fmt: skip


def trailing(source: Source, path: str, examination: Examination, *, at: int) -> int:
    """Say so when something follows that nothing reads; padding with zeros is nothing, and a pickle is examined."""
    if looks_pickled(source, at):
        scan_pickle(source, path, examination, start=at)
        return source.size
    if source.size - at > 4096 or source.read(at, 4096).strip(b"\0\n\r "):
        examination.notes.find("pickle.trailing-data", path, at, bytes=source.size - at)
    examination.cover(at, source.size)
    return source.size


def _tell(trace: Trace, path: str, notes: Notes) -> None:
    """Judge every name by the worst use of it, and tell the calls in words."""
    for (module, name), use in trace.uses.items():
        judged = verdict(module, name, use.how)
        if judged is None:
            continue
        rule, severity = judged
        shown = use.words or f"{module}.{name}"
        if use.via and severity.rank >= Severity.HIGH.rank:
            notes.find("pickle.reached", path, use.offset, severity=severity, evidence=shown,
                       name=f"{module}.{name}", via=use.via, call=shown)  # fmt: skip
        else:
            notes.find(rule, path, use.offset, severity=severity, evidence=shown, name=f"{module}.{name}")
    for rule, offset, name, words in trace.oddities:
        notes.find(rule, path, offset, evidence=words or name, name=name)
    calls = [plain(use.words) for use in trace.uses.values() if use.how is not How.NAMED]
    told = notes.facts["calls"].split("\n") if "calls" in notes.facts else []
    if calls:
        notes.facts["calls"] = "\n".join([*told, *calls][:_MOST_CALLS])
