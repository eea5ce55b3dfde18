"""Check that ids are unique and every reference between packs leads somewhere."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from jingwei.catalog.document import Document, Spot
from jingwei.catalog.grading import GradingFile
from jingwei.catalog.pack import Pack
from jingwei.core.text import Both, text

ENTRIES = ("evidence_types", "risks", "measures", "guidelines", "controls", "practices", "focus_areas", "clocks",
           "filing", "grading_cases")  # fmt: skip
"""Sections whose entries carry an id of their own."""

_REFERENCES = (
    ("risks", "technical", "measures"),
    ("risks", "governance", "measures"),
    ("measures", "evidence", "evidence_types"),
    ("guidelines", "evidence", "evidence_types"),
    ("controls", "evidence", "evidence_types"),
    ("practices", "evidence", "evidence_types"),
    ("focus_areas", "evidence", "evidence_types"),
    ("focus_areas", "risks", "risks"),
    ("crosswalk", "frameworks", "frameworks"),
)
_KINDS = {
    "measures": "measure", "evidence_types": "evidence-type", "risks": "risk", "frameworks": "framework",
    "grading": "grading-rules",
}  # fmt: skip


class Loaded(NamedTuple):
    """A pack and the document it was read from."""

    pack: Pack
    document: Document


def check_ids(loaded: Sequence[Loaded]) -> None:
    """Refuse an id or a prefix that an earlier pack has taken, and an id outside its pack's prefixes.

    Raises:
        InputError: names the file, line and id.
    """
    owners: dict[str, str] = {}
    taken: dict[str, str] = {}
    for pack, document in loaded:
        for number, prefix in enumerate(pack.prefixes):
            if owners.setdefault(prefix, pack.pack) != pack.pack:
                problem = text("catalog:problem-prefix-taken", prefix=prefix, pack=owners[prefix])
                raise document.error(("prefixes", number), problem)
        for spot, each, prefixed in _ids(pack):
            if each in taken:
                raise document.error(spot, text("catalog:problem-id-taken", id=each, pack=taken[each]))
            if prefixed and not each.startswith(tuple(f"{prefix}-" for prefix in pack.prefixes)):
                known = ", ".join(pack.prefixes)
                raise document.error(spot, text("catalog:problem-prefix-wrong", id=each, prefixes=known))
            taken[each] = pack.pack


def _ids(pack: Pack) -> Iterator[tuple[Spot, str, bool]]:
    yield ("pack",), f"pack:{pack.pack}", False
    for number, framework in enumerate(pack.frameworks):
        yield ("frameworks", number, "id"), framework.id, False
    for number, fact in enumerate(pack.incident_facts):
        yield ("incident_facts", number, "id"), fact.id, False
    for section in ENTRIES:
        for number, entry in enumerate(getattr(pack, section)):
            yield (section, number, "id"), entry.id, True
    for number, scheme in enumerate(pack.filing):
        for place, check in enumerate(scheme.checks):
            yield ("filing", number, "checks", place, "id"), check.id, True
    if pack.grading:
        yield ("grading", "id"), pack.grading.id, True


def check_references(loaded: Sequence[Loaded], known: Mapping[str, AbstractSet[str]]) -> None:
    """Refuse a reference to what no pack defines.

    Args:
        loaded: every pack.
        known: section → the ids it defines over all packs.

    Raises:
        InputError: names the file, line, field and id.
    """
    for pack, document in loaded:
        for spot, section, each in _references(pack):
            if each not in known[section]:
                raise document.error(spot, _unknown(section, each))
        for number, kind in enumerate(pack.evidence_types):
            if kind.checks and kind.kind != "auto":
                raise document.error(("evidence_types", number, "checks"), text("catalog:problem-checks-by-hand"))


def _references(pack: Pack) -> Iterator[tuple[Spot, str, str]]:
    if pack.framework is not None:
        yield ("framework",), "frameworks", pack.framework
    for section, field, target in _REFERENCES:
        for number, entry in enumerate(getattr(pack, section)):
            listed = getattr(entry, field)
            keys = listed if isinstance(listed, dict) else range(len(listed))
            for key, each in zip(keys, listed, strict=True):
                yield (section, number, field, key), target, each
    for number, line in enumerate(pack.crosswalk):
        yield ("crosswalk", number, "evidence"), "evidence_types", line.evidence
    for number, case in enumerate(pack.grading_cases):
        yield ("grading_cases", number, "rules"), "grading", case.rules
    if pack.grading:
        yield from _grading_references(pack.grading)


def _grading_references(file: GradingFile) -> Iterator[tuple[Spot, str, str]]:
    for number, lane in enumerate(file.lanes):
        for place, each in enumerate(lane.adds):
            yield ("grading", "lanes", number, "adds", place), "evidence_types", each
    for number, demand in enumerate(file.add_by_fact):
        for place, each in enumerate(demand.evidence):
            yield ("grading", "add_by_fact", number, "evidence", place), "evidence_types", each


def _unknown(section: str, each: str) -> Both:
    return text("catalog:problem-reference", kind=text(f"catalog:kind-{_KINDS[section]}"), id=each)
