"""Who asks: the account behind an API key, with the platform it may ask."""

from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPBearer

from jingwei.core.errors import Refused, Unauthenticated
from jingwei.faces.api.words import both
from jingwei.faces.web import Caller
from jingwei.platform import Platform

_BEARER = HTTPBearer(auto_error=False, description=both("faces.api:bearer"))
__all__ = ["Asking", "Caller", "identified"]


def identified(request: Request) -> Caller:
    """Find out who asks, by the API key.

    Raises:
        Unauthenticated: there is no key, or it is unknown, has expired or was revoked.
        Refused: it is a System's key, which only a gateway takes.
    """
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Unauthenticated("faces.api:key-missing")
    platform: Platform = request.app.state.platform
    with platform.reading() as work:
        holder = work.keys.holder(key.strip())
    if holder is None:
        raise Unauthenticated("faces.api:key-unknown")
    if holder.actor is None:
        raise Refused("faces.api:key-of-a-system")
    return Caller(platform, holder.actor)


async def _caller(request: Request, _key: Annotated[object, Security(_BEARER)]) -> Caller:
    found: Caller = request.state.caller  # put there by the route, before it read the body
    return found


Asking = Annotated[Caller, Security(_caller)]
