"""A pickle step by step, in words: what each operation pushes, names, builds and would call. Nothing is run."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from pickletools import opcodes
from typing import NamedTuple

from jingwei.deploy.artifacts.examination import Examination, Limits
from jingwei.deploy.artifacts.machine import Machine
from jingwei.deploy.artifacts.notes import Notes
from jingwei.deploy.artifacts.scan import look
from jingwei.deploy.artifacts.source import FileSource, Source
from jingwei.deploy.artifacts.words import words
from jingwei.deploy.scanned import plain

MOST_STEPS = 2_000
"""Steps that are told of one file; a person reads them."""


class Step(NamedTuple):
    """One operation of a pickle."""

    path: str
    """The file, or the member of an archive that the pickle is."""
    offset: int
    operation: str
    """CPython's name of it, such as `REDUCE`."""
    words: str
    """What lies on top of the stack after it, or the call that it makes."""


def trace(path: Path | str, *, most: int = MOST_STEPS) -> Iterator[Step]:
    """Give the steps of every pickle in a file, those inside archives too.

    Raises:
        OSError: the file cannot be read.
    """
    told: list[Step] = []

    def watch(source: Source, name: str, start: int) -> None:
        for step in _steps(source, name, start):
            if len(told) >= most:
                return
            told.append(step)

    examination = Examination(Notes(), Limits(), look, watch=watch)
    with FileSource(Path(path)) as source:
        examination.inside(source, plain(Path(path).name), 0)
    return iter(told)


def _steps(source: Source, name: str, start: int) -> Iterator[Step]:
    machine = Machine(source, start, most_operations=1)
    more = True
    while more:
        at = machine.at
        code = source.read(at, 1)
        if not code:
            return
        found = machine.run()
        more = found.reason == "gap-operations"
        if not more and not found.stopped:
            return
        calls = [use.words for use in found.uses.values() if use.offset == at and use.words]
        top = words(machine, machine.stack[-1]) if machine.stack and more else ""
        yield Step(plain(name), at, _names().get(code, "?"), plain(calls[-1] if calls else top))


@lru_cache(maxsize=1)
def _names() -> dict[bytes, str]:
    return {each.code.encode("latin-1"): each.name for each in opcodes}
