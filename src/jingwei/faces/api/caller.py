"""Who asks: the account behind an API key, with the platform it may ask."""

import logging
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPBearer

from jingwei.core.errors import JingweiError, Refused, Unauthenticated
from jingwei.core.identity import Actor
from jingwei.faces.api.words import both
from jingwei.platform import Platform, Work

_BEARER = HTTPBearer(auto_error=False, description=both("faces.api:bearer"))
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """A program that acts for an account."""

    platform: Platform
    actor: Actor

    def reading(self) -> AbstractContextManager[Work]:
        """Open the services to read."""
        return self.platform.reading(self.actor)

    def work(self, reason: str) -> AbstractContextManager[Work]:
        """Open the services to change something, for a reason such as `release.sign`."""
        return self.platform.work(self.actor, reason)

    def publish(self) -> None:
        """Tell gateways at once. The change is committed: where telling fails, the relay's next round tells them."""
        try:
            self.platform.relay.publish()
        except (JingweiError, OSError):
            _log.exception("snapshot not published at once; the relay tries again within a second")


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
