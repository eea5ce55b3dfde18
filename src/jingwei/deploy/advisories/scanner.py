"""`jingwei scan advisories`: every component held against known flaws, offline, with the age of that knowledge."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from jingwei.core.canonical import canonical
from jingwei.core.clock import utc_now
from jingwei.core.errors import InputError
from jingwei.core.text import text
from jingwei.deploy.advisories.held import Held, held_scanned, hold, store_scanned, what_is_known
from jingwei.deploy.advisories.vex import Statement, read_vex, write_cyclonedx_vex, write_openvex
from jingwei.deploy.bom import Component, collect, reference
from jingwei.deploy.bom.reading import line_of
from jingwei.deploy.scanned import Scanned


class Options(BaseModel):
    """What a scan can be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: str = ""
    """Your own advisories: an OSV zip, folder or record, or a folder that such files are dropped into."""
    shipped: bool = True
    """Use the advisories that come with Jingwei."""
    vex: str = ""
    """A VEX document (OpenVEX or CycloneDX), or a folder of them: what it silences stays visible."""
    write_vex: str = ""
    """Write what was found as VEX here."""
    vex_format: Literal["openvex", "cyclonedx"] = "openvex"
    """Format of the written VEX."""


def scan(target: str, options: Options) -> Iterator[Scanned]:
    """Give the store with its age, then each component that something can be known of.

    Raises:
        InputError: nothing is there, or it is of no kind that is known; a VEX document cannot be read.
        Unavailable: the server does not answer.
    """
    today = utc_now().date()
    statements = vex_statements(options.vex)
    known = what_is_known(options.store, shipped=options.shipped, today=today)
    first = True
    kept: list[Held] = []
    for component in components(target):
        if first:
            yield store_scanned(known, options.store, today=today)
            first = False
        held = hold(component, known.knowledge, statements)
        if held is not None:
            kept += [held] if options.write_vex else []
            yield held_scanned(held, known.knowledge, today=today)
        elif component.gap:
            yield unread(component)
    if first:
        raise InputError("deploy.advisories:nothing", field="target", path=line_of(target))
    if options.write_vex:
        _write(kept, options)


def components(target: str) -> Iterator[Component]:
    """Give what a target is made of, each component once: from a BOM if it is one, else from what lies there.

    Raises:
        InputError: nothing is there, or it is of no kind that is known.
        Unavailable: the server does not answer.
    """
    seen: set[str] = set()
    for one in collect(target, verified=False):
        place = f"{reference(one)}|{one.path if one.gap else ''}"
        if place not in seen:
            seen.add(place)
            yield one


def unread(component: Component) -> Scanned:
    """Return what could not be read as a scan tells it."""
    return Scanned(path=line_of(component.path or component.shown, 400), format=component.kind,
                   gaps=(text(f"deploy.bom:{component.gap}", name=component.name),))  # fmt: skip


def vex_statements(given: str) -> tuple[Statement, ...]:
    """Read a VEX document, or every one of a folder.

    Raises:
        InputError: nothing is there, or it is none.
    """
    if not given:
        return ()
    path = Path(given).expanduser()
    if path.is_file():
        return read_vex(path)
    found = sorted(path.glob("*.json")) if path.is_dir() else []
    if not found:
        raise InputError("deploy.advisories:bad-vex", field="vex", path=line_of(given))
    return tuple(statement for each in found for statement in read_vex(each))


def _write(kept: Sequence[Held], options: Options) -> None:
    at = utc_now()
    found = [(held.component, flaw, said) for held in kept
             for flaw, said in zip(held.matched.affected, held.statements, strict=True)]  # fmt: skip
    written = (
        write_openvex(found, author="Jingwei", at=at)
        if options.vex_format == "openvex"
        else write_cyclonedx_vex(found, at=at)
    )
    path = Path(options.write_vex).expanduser()
    try:
        path.write_bytes(canonical(written))
    except OSError as error:
        raise InputError("deploy.advisories:cannot-write", field="write_vex", path=line_of(str(path))) from error
