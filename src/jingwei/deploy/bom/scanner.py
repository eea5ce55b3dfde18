"""`jingwei scan bom`: what a target is made of, one component at a time; writes the document, compares with another."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from jingwei.core.clock import utc_now
from jingwei.core.errors import InputError
from jingwei.core.text import text
from jingwei.deploy.bom.collect import collect
from jingwei.deploy.bom.component import Component
from jingwei.deploy.bom.difference import Change, diff
from jingwei.deploy.bom.document import write_bom
from jingwei.deploy.bom.findings import change_finding, duplicates, findings_of
from jingwei.deploy.bom.hardware import hardware
from jingwei.deploy.bom.identity import reference
from jingwei.deploy.bom.reading import line_of
from jingwei.deploy.bom.reading_documents import read_bom
from jingwei.deploy.bom.spdx import write_spdx
from jingwei.deploy.scanned import Scanned, Seen


class Options(BaseModel):
    """What a scan can be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verify_files: bool = True
    """Hash installed files and compare them with what each package's RECORD says."""
    hardware: bool = False
    """List the processor, the memory, the accelerators and the kernel of this machine too."""
    against: str = ""
    """An older BOM: what changed since becomes findings."""
    write: str = ""
    """Write the document here."""
    document: Literal["cyclonedx-1.6", "cyclonedx-1.7", "spdx-3.0.1"] = "cyclonedx-1.6"
    """Format of the written document."""
    name: str = ""
    """Name of the system in the document; the target's own without it."""
    version: str = ""
    """Version of the system in the document."""


def scan(target: str, options: Options) -> Iterator[Scanned]:
    """Give each component, each once, and then what changed since an older BOM.

    Raises:
        InputError: nothing is there, or it is of no kind that is known.
        Unavailable: the server does not answer.
    """
    old = read_bom(Path(options.against).expanduser()) if options.against else None
    known: dict[str, Component] = {}
    told: dict[str, tuple[Seen, ...]] = {}
    parts = collect(target, verified=options.verify_files)
    for one in (part for source in (parts, hardware() if options.hardware else ()) for part in source):
        place = reference(one)
        if place in known and not one.gap:
            continue
        known[place] = one
        told[place] = tuple(findings_of(one))
        yield scanned(one, told[place])
    for one, finding in duplicates(list(known.values())):
        told[reference(one)] = (*told[reference(one)], finding)
        yield scanned(one, (finding,))
    if not known:
        raise InputError("deploy.bom:nothing", field="target", path=line_of(target))
    for change in diff(old, list(known.values())) if old is not None else ():
        yield changed(change)
    if options.write:
        _write(target, options, list(known.values()), told)


def scanned(one: Component, findings: Sequence[Seen] = ()) -> Scanned:
    """Return a component as a scan tells it."""
    facts = {"kind": one.kind, "version": one.version, "licence": one.licence, "supplier": one.supplier,
             "purl": one.package_url, "found-in": one.path, **one.facts}  # fmt: skip
    return Scanned(
        path=line_of(one.path if one.kind == "weights" and one.path else one.shown, 400),
        sha256=one.sha256 if len(one.sha256) == 64 else "", format=one.kind, findings=tuple(findings),
        gaps=(text(f"deploy.bom:{one.gap}", name=one.name),) if one.gap else (),
        facts={name: value for name, value in facts.items() if value},
    )  # fmt: skip


def changed(change: Change) -> Scanned:
    """Return a change as a scan tells it."""
    one = change.component
    facts = {"change": change.what, "kind": one.kind, "before": change.before, "after": change.after}
    return Scanned(path=line_of(one.shown, 400), format="change", findings=(change_finding(change),),
                   facts={name: value for name, value in facts.items() if value})  # fmt: skip


def _write(target: str, options: Options, components: list[Component], told: dict[str, tuple[Seen, ...]]) -> None:
    name = options.name or Path(target).resolve().name or text("deploy.bom:unnamed").en
    if options.document == "spdx-3.0.1":
        written = write_spdx(components, name=name, version=options.version, at=utc_now())
    else:
        edition: Literal["1.6", "1.7"] = "1.7" if options.document.endswith("1.7") else "1.6"
        written = write_bom(
            components, name=name, version=options.version, at=utc_now(), edition=edition, findings=told
        )
    path = Path(options.write).expanduser()
    try:
        path.write_bytes(written)
    except OSError as error:
        raise InputError("deploy.bom:cannot-write", field="write", path=line_of(str(path))) from error
