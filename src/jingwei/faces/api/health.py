"""Whether this process serves: for load balancers, without a key."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from jingwei.faces.api.failures import Failed
from jingwei.faces.api.words import line, said
from jingwei.platform import Platform

router = APIRouter(tags=["health"], responses={503: {"model": Failed, "description": line("faces.api:status-503")}})


class Health(BaseModel):
    """It serves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Literal["ok"] = "ok"


@router.get("/health", **said("faces.api:show-health"))
def show_health(request: Request) -> Health:
    """Tell that this process serves and its database answers."""
    platform: Platform = request.app.state.platform
    with platform.reading():
        return Health()
