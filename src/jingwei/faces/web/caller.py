"""Who asks: an account at work on the platform, whichever way it signed in."""

import logging
from contextlib import AbstractContextManager
from dataclasses import dataclass

from jingwei.core.errors import JingweiError
from jingwei.core.identity import Actor, Denied, Reauthentication
from jingwei.platform import Platform, Work

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """An account, asking the platform for something."""

    platform: Platform
    actor: Actor

    def reading(self) -> AbstractContextManager[Work]:
        """Open the services to read."""
        return self.platform.reading(self.actor)

    def work(self, reason: str) -> AbstractContextManager[Work]:
        """Open the services to change something, for a reason such as `release.sign`."""
        return self.platform.work(self.actor, reason)

    def proof(self, password: str, *, purpose: str, code: str = "") -> Reauthentication | Denied:
        """Check password and code again for one act; a denial is returned, so that it stays counted."""
        with self.work("account.confirm") as work:
            return work.accounts.reauthenticate(self.actor.id, password, purpose=purpose, code=code)

    def publish(self) -> None:
        """Tell gateways at once. The change is committed: where telling fails, the relay's next round tells them."""
        try:
            self.platform.relay.publish()
        except (JingweiError, OSError):
            _log.exception("snapshot not published at once; the relay tries again within a second")
