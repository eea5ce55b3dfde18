"""What a System is made of, and who answers for each part."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import ComponentId, Given, SystemId
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import given, said
from jingwei.manage import Component, ComponentKind, Made, ResponsibilityLink

router = APIRouter(tags=["components"], route_class=KeyedRoute, responses=refusals())

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Added(Given):
    """A component as it is declared; a file on the server's disk is never read for it."""

    kind: ComponentKind
    name: str = Field(min_length=1, max_length=200)
    digest: Digest
    """SHA-256; what is only declared cannot satisfy grade 4 or 5."""
    release: str = Field(default="", max_length=80)
    supplier: str = Field(default="", max_length=200)
    licence: str = Field(default="", max_length=80)


class Answering(Given):
    """Who answers."""

    party: str = Field(min_length=1, max_length=200)
    duty: str = Field(default="", max_length=4000)
    contact: str = Field(default="", max_length=200)
    document_sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    rests_on_id: str | None = Field(default=None, max_length=64)


@router.get("/systems/{system_id}/components", **said("faces.api:list-components"))
def list_components(caller: Asking, system_id: SystemId) -> Made:
    """List components, who answers for them, and what is wrong with that."""
    with caller.reading() as work:
        work.registry.system(system_id)
        return work.parts.of(system_id)


@router.post("/systems/{system_id}/components", status_code=HTTPStatus.CREATED, **said("faces.api:add-component"))
def add_component(caller: Asking, system_id: SystemId, added: Annotated[Added, given("add-component")]) -> Component:
    """Add a component, or a new version of one."""
    with caller.work("component.add") as work:
        made = work.parts.add(system_id, added.kind, added.name, actor=caller.actor, digest=added.digest,
                              release=added.release, supplier=added.supplier, licence=added.licence)  # fmt: skip
    caller.publish()
    return made


@router.post("/components/{component_id}/retire", **said("faces.api:retire-component"))
def retire_component(caller: Asking, component_id: ComponentId) -> Component:
    """Take a component out of use."""
    with caller.work("component.retire") as work:
        retired = work.parts.retire(component_id, actor=caller.actor)
    caller.publish()
    return retired


@router.post("/components/{component_id}/responsibility", **said("faces.api:answer-for-component"))
def answer_for_component(
    caller: Asking, component_id: ComponentId, answering: Annotated[Answering, given("answer-for-component")]
) -> ResponsibilityLink:
    """Name who answers for a component."""
    with caller.work("component.responsibility") as work:
        return work.parts.answer_for(component_id, answering.party, actor=caller.actor, duty=answering.duty,
                                     contact=answering.contact, document_sha256=answering.document_sha256,
                                     rests_on_id=answering.rests_on_id)  # fmt: skip
