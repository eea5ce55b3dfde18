"""Standalone: a gateway without a platform, for one program's own use.

It writes the snapshot that a platform would have written, with a key of its own, and renews it while it runs. What it
issues to itself is no release: nobody graded, checked or signed anything, and `standalone` stands wherever the gateway
tells about itself.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from jingwei.core.clock import Clock, utc_now
from jingwei.core.ids import new_id
from jingwei.core.signing import Signer
from jingwei.core.snapshot import Content, Served, Snapshot, write_public_key, write_snapshot
from jingwei.core.token import ReleaseToken, issue
from jingwei.faces.gateway.config import Standing

STANDALONE = "standalone"
LIFETIME = timedelta(hours=2)
RENEWED = timedelta(hours=1)
EVERY_SECONDS = 1.0
_log = logging.getLogger(__name__)


class Standalone:
    """Tells a gateway of its own Systems.

    Args:
        systems: as the configuration names them.
        snapshot_path: where the gateway reads.
        clock: the time.
    """

    def __init__(self, systems: tuple[Standing, ...], snapshot_path: Path, *, clock: Clock = utc_now) -> None:
        self._systems = systems
        self._path = snapshot_path
        self._clock = clock
        self._signer = Signer.at(snapshot_path.with_name("local.key"))
        self._content = Content()
        self._issued_at = clock() - LIFETIME
        self._sequence = int(clock().timestamp() * 1000)

    def write(self) -> None:
        """Write the snapshot as of now.

        Raises:
            OSError: the folder cannot be written.
        """
        now = self._clock()
        if now - self._issued_at >= RENEWED:
            self._issued_at = now
            self._content = Content(systems=tuple(self._served(each) for each in self._systems))
            write_public_key(self._path.parent, self._signer.verifier)
        self._sequence += 1
        write_snapshot(self._path, Snapshot.sealed(self._content, at=now, sequence=self._sequence, signer=self._signer))

    @contextmanager
    def renewing(self) -> Iterator[None]:
        """Keep the snapshot fresh meanwhile.

        Raises:
            OSError: the folder cannot be written.
        """
        self.write()
        ending = threading.Event()
        thread = threading.Thread(target=self._renew, args=(ending,), name=STANDALONE, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ending.set()
            thread.join()

    def _renew(self, ending: threading.Event) -> None:
        while not ending.wait(EVERY_SECONDS):
            try:
                self.write()
            except OSError as error:  # the disk may have room again; meanwhile the snapshot grows old
                _log.error("the local snapshot could not be written: %s", error.strerror)

    def _served(self, system: Standing) -> Served:
        token = ReleaseToken(
            id=new_id("tok"), system_id=system.name, policy_digest=system.policy.digest, issued_at=self._issued_at,
            expires_at=self._issued_at + LIFETIME, configuration_digest=STANDALONE, evidence_digest=STANDALONE,
            decision_id=STANDALONE,
        )  # fmt: skip
        return Served(
            system_id=system.name, name=system.name, status="live", upstream_url=system.upstream.url,
            upstream_model=system.upstream.model, upstream_key_env=system.upstream.key_env, policy=system.policy,
            release_token=issue(token, self._signer), key_hashes=tuple(key.hash for key in system.keys),
            keys=system.keys,
        )  # fmt: skip
