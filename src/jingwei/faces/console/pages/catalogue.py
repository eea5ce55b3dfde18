"""The catalogue: packs, their entries, and what each refers to."""

from collections import Counter
from collections.abc import Collection, Iterator

from fastapi import APIRouter

from jingwei.catalog import Catalog, Control, Entry, EvidenceType, Pack, Requirement
from jingwei.core.errors import NotFound
from jingwei.core.plugins import check_names
from jingwei.core.text import Both, text
from jingwei.faces.console.caller import Asked, Asking, shows
from jingwei.faces.console.pages.proven import is_proven, places, proven_types
from jingwei.faces.console.views.catalogue import CatalogueView, Coverage, ItemLine, ItemView, PackLine, PackView
from jingwei.faces.console.views.listing import Query, listed
from jingwei.faces.console.views.parts import Label, Link
from jingwei.faces.console.wording import PACKAGE

router = APIRouter()
BLUE_BOOK = "caict-202510"
PLACES = (
    "management.develop", "management.deploy", "management.operate", "technology.develop", "technology.deploy",
    "technology.operate", "ecosystem.benchmark", "ecosystem.commitment", "ecosystem.verification",
    "ecosystem.sharing", "sector.finance", "sector.health", "sector.transport", "sector.energy", "sector.telecom",
)  # fmt: skip


def say(name: str, **values: object) -> Both:
    """Return a text of the console in both languages."""
    return text(f"{PACKAGE}:{name}", **values)


def entries(pack: Pack) -> Iterator[Entry]:
    """Return every numbered entry of a pack, in the order it is written."""
    yield from pack.frameworks
    yield from pack.evidence_types
    yield from pack.risks
    yield from pack.measures
    yield from pack.guidelines
    yield from pack.controls
    yield from pack.practices
    yield from pack.focus_areas
    yield from pack.filing
    yield from pack.clocks
    if pack.grading:
        yield from pack.grading.roles
        yield from pack.grading.reassess_on
    yield from pack.grading_cases


def catalogue_view(caller: Asking) -> CatalogueView:
    """List the packs, and count what checks can show."""
    catalog = caller.platform.catalog
    packs = tuple(_pack_line(catalog, pack) for pack in catalog.packs)
    checks = set(check_names())
    kinds: dict[str, Counter[str]] = {place: Counter() for place in PLACES}
    for control in catalog.controls.values():
        kind = _shown_by(catalog, control, checks)
        for place in places(control):
            kinds[place][kind] += 1
    coverage = tuple(
        Coverage(part=place, full=found["now"], partial=found["later"], none=found["people"])
        for place, found in kinds.items()
    )
    return CatalogueView(packs=packs, coverage=coverage)


def _shown_by(catalog: Catalog, control: Control, checks: Collection[str]) -> str:
    kinds = [catalog.evidence_types[each] for each in control.evidence]
    if any(set(checks) & set(kind.checks) for kind in kinds):
        return "now"
    return "later" if any(kind.kind == "auto" for kind in kinds) else "people"


def _pack_line(catalog: Catalog, pack: Pack) -> PackLine:
    framework = catalog.frameworks.get(pack.framework or "")
    about = framework.carried if framework else ""
    count = sum(1 for _ in entries(pack)) + len(pack.crosswalk)
    return PackLine(id=pack.pack, title=pack.title, about=about, count=count,
                    source=framework.title if framework else "")  # fmt: skip


def _pack(catalog: Catalog, pack_id: str) -> Pack:
    found = next((pack for pack in catalog.packs if pack.pack == pack_id), None)
    if found is None:
        raise NotFound(f"{PACKAGE}:error.not-found")
    return found


def pack_view(pack_id: str, caller: Asking, asked: Asked) -> PackView:
    """List one pack's entries, narrowed by search and by place on the board."""
    catalog = caller.platform.catalog
    pack = _pack(catalog, pack_id)
    types: frozenset[str] = frozenset()
    if pack.controls:
        with caller.reading() as work:
            types = proven_types(work)
    lines = [_line(entry, types) for entry in entries(pack) if _wanted(entry, asked, types)]
    framework = catalog.frameworks.get(pack.framework or "")
    listing = listed(lines, asked, order={"id": lambda line: line.id})
    return PackView(
        id=pack.pack,
        title=pack.title,
        about=framework.licence if framework else "",
        listing=listing,
        placed=bool(pack.controls),
        places=tuple((place, say(f"cell.{place}")) for place in PLACES),
    )


def _wanted(entry: Entry, asked: Query, types: Collection[str]) -> bool:
    place, standing = asked.filter("place"), asked.filter("standing")
    if isinstance(entry, Control):
        if place and place not in places(entry):
            return False
        if standing and (standing == "valid") != is_proven(entry, types):
            return False
    wanted = asked.q.lower()
    return not wanted or any(wanted in text.lower() for text in (entry.id, entry.title.zh, entry.title.en))


def _line(entry: Entry, types: Collection[str]) -> ItemLine:
    standing = ""
    tags: tuple[Label, ...] = ()
    if isinstance(entry, Control):
        standing = "valid" if is_proven(entry, types) else "missing"
        tags = tuple(say(f"cell.{place}") for place in places(entry))
    elif isinstance(entry, EvidenceType):
        tags = (say(f"source.{entry.kind}"), say(f"bound.{entry.bound_to.value}"))
    return ItemLine(id=entry.id, title=entry.title, about="", tags=tags, standing=standing)


def item_view(pack_id: str, entry_id: str, caller: Asking) -> ItemView:
    """Show one entry with everything it says and refers to."""
    catalog = caller.platform.catalog
    pack = _pack(catalog, pack_id)
    entry = next((each for each in entries(pack) if each.id == entry_id), None)
    if entry is None:
        raise NotFound(f"{PACKAGE}:error.not-found")
    links: list[tuple[Label, tuple[Link, ...]]] = []
    if isinstance(entry, Requirement):
        links.append(
            (say("item.shown-by"), tuple(_link(catalog, catalog.evidence_types[each]) for each in entry.evidence))
        )
    if isinstance(entry, EvidenceType):
        links.append((say("item.shows"), tuple(_link(catalog, each) for each in catalog.shown_by(entry.id))))
    return ItemView(
        pack_id=pack.pack,
        pack=pack.title,
        id=entry.id,
        title=entry.title,
        rows=tuple(_rows(catalog, entry)),
        links=tuple((name, group) for name, group in links if group),
    )


def _rows(catalog: Catalog, entry: Entry) -> Iterator[tuple[Label, Label]]:
    if isinstance(entry, Control):
        for place in places(entry):
            yield say("item.place"), say(f"cell.{place}")
        yield say("item.source"), entry.source
        for exemplar in entry.exemplars:
            yield say("item.exemplar"), exemplar
    if isinstance(entry, EvidenceType):
        yield say("item.kind"), say(f"source.{entry.kind}")
        yield say("item.bound"), say(f"bound.{entry.bound_to.value}")
        yield (
            say("item.validity"),
            say("item.days", days=entry.validity_days) if entry.validity_days else say("gate.on-change"),
        )
        yield say("item.checks"), ", ".join(entry.checks)
    if isinstance(entry, Requirement):
        for framework, ids in catalog.outside_ids(entry).items():
            yield catalog.frameworks[framework].title, ", ".join(ids)


def _link(catalog: Catalog, entry: Entry) -> Link:
    pack = next(pack for pack in catalog.packs if any(each.id == entry.id for each in entries(pack)))
    return Link(name=Both(zh=f"{entry.id} {entry.title.zh}", en=f"{entry.id} {entry.title.en}"),
                url=f"/catalogue/{pack.pack}/{entry.id}")  # fmt: skip


router.add_api_route("/catalogue", shows("catalogue.html", catalogue_view))
router.add_api_route("/catalogue/{pack_id}", shows("pack.html", pack_view))
router.add_api_route("/catalogue/{pack_id}/{entry_id}", shows("item.html", item_view))
