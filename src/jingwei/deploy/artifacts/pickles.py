"""Pickles: every stream of a file followed to its end, and every global that it names judged by position and use."""

from jingwei.deploy.artifacts import operations, pushes  # noqa: F401 - they fill the machine's opcodes
from jingwei.deploy.artifacts.examination import Examination
from jingwei.deploy.artifacts.globals import Standing, standing, verdict
from jingwei.deploy.artifacts.machine import Machine, Trace
from jingwei.deploy.artifacts.notes import Notes
from jingwei.deploy.artifacts.source import Source

_MOST_STREAMS = 100_000
_TRIAL = 200_000
_FIRST = b"\x80(cC]})NIKMJSVXUTF\x8c\x88\x89\x8a\x8e\x8f\x95G\x42"
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


def scan_pickle(source: Source, path: str, examination: Examination, *, start: int = 0,
                most: int = _MOST_STREAMS) -> int | None:  # fmt: skip
    """Examine every stream from `start` on, and return the position behind the last; nothing where it breaks."""
    at, legacy, notes = start, False, examination.notes
    for count in range(most):
        trace = Machine(source, at).run()
        _tell(trace, path, notes)
        examination.cover(at, trace.end)
        legacy = legacy or (count == 0 and trace.torch_magic)
        if not trace.stopped:
            notes.gap(trace.reason, path, position=trace.end)
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


def trailing(source: Source, path: str, examination: Examination, *, at: int) -> int:
    """Say so when something follows that nothing reads; padding with zeros is nothing."""
    if source.size - at > 4096 or source.read(at, 4096).strip(b"\0\n\r "):
        examination.notes.find("pickle.trailing-data", path, at, bytes=source.size - at)
    examination.cover(at, source.size)
    return source.size


def _tell(trace: Trace, path: str, notes: Notes) -> None:
    for (module, name), use in trace.uses.items():
        judged = verdict(module, name, called=use.called)
        if judged is not None:
            rule, severity = judged
            notes.find(rule, path, use.offset, severity=severity, name=f"{module}.{name}")
    for rule, offset, name in trace.oddities:
        notes.find(rule, path, offset, name=name)
