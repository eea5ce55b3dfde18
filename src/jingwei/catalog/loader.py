"""Read our packs and an organisation's own into one catalogue, and check every reference between them."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import as_file, files
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from jingwei.catalog.catalog import Catalog
from jingwei.catalog.clocks import Clock
from jingwei.catalog.compiled import compiled_grading, compiled_rule, fact_literals
from jingwei.catalog.document import read_yaml, validated
from jingwei.catalog.entry import Entry
from jingwei.catalog.grading import Fact, GradingRules
from jingwei.catalog.pack import Pack
from jingwei.catalog.references import ENTRIES, Loaded, check_ids, check_references
from jingwei.core.errors import InputError
from jingwei.core.rules import Rule
from jingwei.core.text import text

MAX_PACKS = 100
"""In one folder: a bound on what a mistaken path can make us read."""
AnyEntry = TypeVar("AnyEntry", bound=Entry)


@lru_cache(maxsize=8)
def load_catalog(extra_folders: tuple[Path, ...] = ()) -> Catalog:
    """Return the catalogue of our packs and of those in the given folders.

    The answer is kept for the life of the process: a changed pack is read at the next start.

    Raises:
        InputError: a pack is wrong; the message names the file, the line, the field and the mend.
    """
    with as_file(files("jingwei.catalog") / "packs") as own:
        loaded = [_loaded(path) for folder in (own, *extra_folders) for path in _pack_paths(folder)]
    check_ids(loaded)
    grading = {pack.grading.id: compiled_grading(pack.grading, document) for pack, document in loaded if pack.grading}
    known = {section: {each.id for pack, _ in loaded for each in getattr(pack, section)}
             for section in (*ENTRIES, "frameworks")}  # fmt: skip
    check_references(loaded, known | {"grading": set(grading)})
    _check_cases(loaded, grading)
    return _assembled(loaded, grading)


def _pack_paths(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError("catalog:folder-missing", field="packs", folder=folder)
    paths = sorted(path for path in folder.iterdir() if path.suffix in {".yaml", ".yml"} and path.is_file())
    if len(paths) > MAX_PACKS:
        raise InputError("catalog:folder-too-full", field="packs", folder=folder, count=len(paths), limit=MAX_PACKS)
    return paths


def _loaded(path: Path) -> Loaded:
    document = read_yaml(path)
    return Loaded(validated(Pack, document), document)


def _check_cases(loaded: Sequence[Loaded], grading: Mapping[str, GradingRules]) -> None:
    for pack, document in loaded:
        for number, case in enumerate(pack.grading_cases):
            rules = grading[case.rules]
            for name, value in case.facts.items():
                known = rules.facts[name].value_ids if name in rules.facts else ()
                if value not in known:
                    problem = text("catalog:problem-case-fact", name=name, value=value, known=", ".join(known) or "—")
                    raise document.error(("grading_cases", number, "facts", name), problem)


def _assembled(loaded: Sequence[Loaded], grading: Mapping[str, GradingRules]) -> Catalog:
    packs = tuple(pack for pack, _ in loaded)
    incident_facts = {fact.id: fact for pack in packs for fact in pack.incident_facts}
    return Catalog(
        packs=packs,
        frameworks=_by_id(pack.frameworks for pack in packs),
        evidence_types=_by_id(pack.evidence_types for pack in packs),
        risks=_by_id(pack.risks for pack in packs),
        measures=_by_id(pack.measures for pack in packs),
        guidelines=_by_id(pack.guidelines for pack in packs),
        controls=_by_id(pack.controls for pack in packs),
        practices=_by_id(pack.practices for pack in packs),
        focus_areas=_by_id(pack.focus_areas for pack in packs),
        crosswalk=_crosswalk(packs),
        incident_facts=MappingProxyType(incident_facts),
        clocks=_by_id(pack.clocks for pack in packs),
        clock_rules=MappingProxyType(dict(_clock_rules(loaded, incident_facts))),
        filing=_by_id(pack.filing for pack in packs),
        grading=MappingProxyType(dict(grading)),
        grading_cases=_by_id(pack.grading_cases for pack in packs),
    )


def _by_id(sections: Iterator[tuple[AnyEntry, ...]]) -> Mapping[str, AnyEntry]:
    return MappingProxyType({entry.id: entry for entry in chain.from_iterable(sections)})


def _crosswalk(packs: Sequence[Pack]) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Merge the lines of all packs: a customer's line adds frameworks to an evidence type of ours."""
    merged: dict[str, dict[str, tuple[str, ...]]] = {}
    for line in chain.from_iterable(pack.crosswalk for pack in packs):
        known = merged.setdefault(line.evidence, {})
        for framework, ids in line.frameworks.items():
            known[framework] = tuple(dict.fromkeys((*known.get(framework, ()), *ids)))
    return MappingProxyType(merged)


def _clock_rules(loaded: Sequence[Loaded], facts: Mapping[str, Fact]) -> Iterator[tuple[str, Rule]]:
    literals = fact_literals(facts)
    for pack, document in loaded:
        clocks: tuple[Clock, ...] = pack.clocks
        for number, clock in enumerate(clocks):
            yield clock.id, compiled_rule(clock.when, literals, document, ("clocks", number, "when"))
