"""What must be looked at again."""

from fastapi import APIRouter

from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import SystemId
from jingwei.faces.api.paging import PAGE, Limit, Offset, Page, page
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import said
from jingwei.manage import Reassessment

router = APIRouter(tags=["reassessment"], route_class=KeyedRoute, responses=refusals())


@router.get("/reassessments", **said("faces.api:list-due"))
def list_due(caller: Asking, offset: Offset = 0, limit: Limit = PAGE) -> Page[Reassessment]:
    """List the live Systems that must be looked at again, and why."""
    with caller.reading() as work:
        return page(work.reassess.due(), offset=offset, limit=limit)


@router.get("/systems/{system_id}/reassessments", **said("faces.api:list-due-for"))
def list_due_for(caller: Asking, system_id: SystemId) -> list[Reassessment]:
    """List the reasons for one System."""
    with caller.reading() as work:
        return work.reassess.due_for(work.registry.system(system_id))
