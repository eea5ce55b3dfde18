"""Systems: list, show, register with the whole intake, change."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import Given, SystemId
from jingwei.faces.api.paging import PAGE, Limit, Offset, Page, page
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import both, given, line, said
from jingwei.manage import InUse, Status, System, SystemFile, Taken

router = APIRouter(prefix="/systems", tags=["systems"], route_class=KeyedRoute, responses=refusals())


class Edit(Given):
    """What changes; the rest stays."""

    purpose: Annotated[str, Field(min_length=1, max_length=4000)] | None = None
    upstream_url: Annotated[str, Field(max_length=500)] | None = None
    upstream_model: Annotated[str, Field(max_length=200)] | None = None
    upstream_key_env: Annotated[str, Field(max_length=80, pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")] | None = None


Domain = Annotated[str | None, Query(max_length=80, description=line("faces.api:of-domain"))]
InStatus = Annotated[Status | None, Query(description=line("faces.api:of-status"))]


@router.get("", **said("faces.api:list-systems"))
def list_systems(
    caller: Asking, domain: Domain = None, status: InStatus = None, offset: Offset = 0, limit: Limit = PAGE
) -> Page[System]:
    """List Systems by name."""
    with caller.reading() as work:
        return page(work.registry.systems(domain=domain, status=status), offset=offset, limit=limit)


_UPDATED: dict[int | str, dict[str, Any]] = {
    200: {"model": Taken, "description": both("faces.api:system-updated")}
}  # Any: OpenAPI


@router.post("", status_code=HTTPStatus.CREATED, responses=_UPDATED, **said("faces.api:take-system"))
def take_system(caller: Asking, file: Annotated[SystemFile, given("take-system")], response: Response) -> Taken:
    """Register a System, or bring one of that name up to date."""
    with caller.work("intake.take") as work:
        taken = work.intake.take(file, actor=caller.actor)
    caller.publish()
    if not taken.created:
        response.status_code = HTTPStatus.OK
    return taken


@router.get("/{system_id}", **said("faces.api:show-system"))
def show_system(caller: Asking, system_id: SystemId) -> System:
    """Show one System."""
    with caller.reading() as work:
        return work.registry.system(system_id)


@router.patch("/{system_id}", **said("faces.api:edit-system"))
def edit_system(caller: Asking, system_id: SystemId, edit: Annotated[Edit, given("edit-system")]) -> System:
    """Change a System."""
    with caller.work("system.edit") as work:
        edited = work.registry.edit(system_id, actor=caller.actor, **edit.model_dump())
    caller.publish()
    return edited


@router.get("/{system_id}/configuration", **said("faces.api:show-configuration"))
def show_configuration(caller: Asking, system_id: SystemId) -> InUse:
    """Show what is in use: the digests that evidence must be bound to."""
    with caller.reading() as work:
        return work.registry.in_use(system_id)
