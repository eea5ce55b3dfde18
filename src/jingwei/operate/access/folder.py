"""Loading a folder: its documents, and `access.yaml`, which says whom each is for.

    documents:
      - {file: handbook.md, title: Staff handbook, groups: [staff], sections: [{heading: Salaries, groups: [hr]}]}

What `access.yaml` does not name is not taken in: a file nobody thought about is nobody's to see.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from jingwei.catalog import read_yaml, validated
from jingwei.core.errors import InputError
from jingwei.operate.access.acl import EVERYONE, Acl, Asker
from jingwei.operate.access.knowledge import KnowledgeBase
from jingwei.operate.access.paragraphs import LONGEST_DOCUMENT, Section

ACCESS_FILE = "access.yaml"


class _Narrower(Acl):
    heading: str = Field(min_length=1, max_length=400)


class _Listed(Acl):
    file: str = Field(min_length=1, max_length=400)
    title: str = ""
    sections: tuple[_Narrower, ...] = ()


class Access(BaseModel):
    """What `access.yaml` says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    documents: tuple[_Listed, ...] = Field(min_length=1)
    askers: tuple[Asker, ...] = ()
    """On whose behalf probes ask, beside everyone whom a list names."""


def read_access(folder: Path) -> Access:
    """Read a folder's `access.yaml`.

    Raises:
        InputError: it is missing or wrong.
    """
    return validated(Access, read_yaml(folder / ACCESS_FILE))


def askers(access: Access) -> tuple[Asker, ...]:
    """Give those on whose behalf to probe: each person and group that a list names, and a stranger."""
    lists = [acl for each in access.documents for acl in (each, *each.sections)]
    levels = sorted({0, *(acl.level for acl in lists)})
    people = {name for acl in lists for name in acl.people}
    groups = {name for acl in lists for name in acl.groups} - {EVERYONE}
    found = [Asker(id=name, level=level) for name in sorted(people) for level in levels]
    found += [Asker(id=f"member-of-{name}", groups=frozenset({name}), level=level) for name in sorted(groups)
              for level in levels]  # fmt: skip
    return (*access.askers, Asker(id="stranger"), *found)


def load_folder(folder: Path, base: KnowledgeBase) -> tuple[str, ...]:
    """Take in every document that the folder's `access.yaml` names; return their ids.

    Raises:
        InputError: `access.yaml` is missing or wrong, or names a file that is outside, missing, or no text.
    """
    listed = read_access(folder).documents
    texts = [_text(folder, each.file) for each in listed]  # all are read before the first is taken in
    return tuple(
        base.add(each.title or Path(each.file).stem, text, _acl(each), source=each.file,
                 sections=[Section(part.heading, _acl(part)) for part in each.sections])
        for each, text in zip(listed, texts, strict=True)
    )  # fmt: skip


def _acl(given: Acl) -> Acl:
    return Acl(people=given.people, groups=given.groups, level=given.level, denied=given.denied)


def _text(folder: Path, name: str) -> str:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise InputError("operate.access:no-file", field="documents.file", file=name)
    if path.stat().st_size > LONGEST_DOCUMENT * 4:
        raise InputError("operate.access:document-too-long", field="documents.file", limit=LONGEST_DOCUMENT)
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("operate.access:no-text", field="documents.file", file=name) from error
