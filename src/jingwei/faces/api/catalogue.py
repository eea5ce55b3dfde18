"""The catalogue: what the frameworks ask, and how much of it a program can show."""

from collections.abc import Mapping
from enum import StrEnum

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from jingwei.catalog import (
    Clock,
    Control,
    Coverage,
    Entry,
    EvidenceType,
    FilingScheme,
    FocusArea,
    Framework,
    GradingCase,
    Guideline,
    Measure,
    Practice,
    Risk,
)  # fmt: skip
from jingwei.core.errors import NotFound
from jingwei.core.plugins import check_names
from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.paging import PAGE, Limit, Offset, Page, page
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import said
from jingwei.platform import Platform

router = APIRouter(prefix="/catalog", tags=["catalog"], route_class=KeyedRoute, responses=refusals())

AnyEntry = (
    Control | Risk | Measure | Guideline | Practice | FocusArea | EvidenceType | Clock | FilingScheme | GradingCase
    | Framework
)  # fmt: skip


class Kind(StrEnum):
    """The kinds of entry."""

    FRAMEWORKS = "frameworks"
    CONTROLS = "controls"
    RISKS = "risks"
    MEASURES = "measures"
    GUIDELINES = "guidelines"
    PRACTICES = "practices"
    FOCUS_AREAS = "focus_areas"
    EVIDENCE_TYPES = "evidence_types"
    CLOCKS = "clocks"
    FILING = "filing"
    GRADING_CASES = "grading_cases"


class Covered(BaseModel):
    """How far a framework's requirements are shown by programs rather than by people."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    framework: str
    total: int
    automatic: int
    automatable: int
    by_people: int

    @classmethod
    def of(cls, coverage: Coverage) -> "Covered":
        """Show a coverage."""
        return cls(**coverage._asdict())


@router.get("/frameworks", **said("faces.api:list-frameworks"))
def list_frameworks(caller: Asking) -> list[Framework]:
    """List the frameworks."""
    return list(caller.platform.catalog.frameworks.values())


@router.get("/coverage", **said("faces.api:show-coverage"))
def show_coverage(caller: Asking) -> list[Covered]:
    """Count, for each framework, how its requirements are shown."""
    catalog, checks = caller.platform.catalog, check_names()
    counted = [catalog.coverage(each, checks) for each in catalog.frameworks]
    return [Covered.of(each) for each in counted if each.total]


@router.get("/entries/{kind}", **said("faces.api:list-catalog"))
def list_catalog(caller: Asking, kind: Kind, offset: Offset = 0, limit: Limit = PAGE) -> Page[AnyEntry]:
    """List the entries of one kind."""
    return page(list(_entries(caller.platform, kind).values()), offset=offset, limit=limit)  # type: ignore[arg-type]


@router.get("/entries/{kind}/{entry}", **said("faces.api:show-catalog"))
def show_catalog(caller: Asking, kind: Kind, entry: str) -> AnyEntry:
    """Show one entry."""
    found = _entries(caller.platform, kind).get(entry)
    if found is None:
        raise NotFound("faces.api:entry-unknown", field="entry", entry=entry[:60], kind=kind.value)
    return found  # type: ignore[return-value]  # each mapping holds one of the kinds


def _entries(platform: Platform, kind: Kind) -> Mapping[str, Entry]:
    entries: Mapping[str, Entry] = getattr(platform.catalog, kind.value)
    return entries
