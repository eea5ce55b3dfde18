"""Serving: what the gateway may do at this moment, taken from the newest snapshot.

A reader task looks at the snapshot file several times a second. A new one takes effect at once for tokens, revocations
and states; detectors for a policy not seen before are built in a thread, and until they are there the System is not
served. Requests in flight keep the guard they began with.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from jingwei.core.clock import Clock
from jingwei.core.errors import InputError, Tampered, Unavailable
from jingwei.core.policy import Policy
from jingwei.core.signing import Verifier
from jingwei.core.snapshot import Content, LiveLexicon, Served, Snapshot, SnapshotReader, read_public_key
from jingwei.core.token import AssessmentToken, ReleaseToken
from jingwei.core.token import read as read_token
from jingwei.core.whereabouts import whereabouts
from jingwei.deploy.guard import Guard, with_lexicon
from jingwei.faces.gateway.lexicons import LiveWords, told_for, written
from jingwei.faces.gateway.refusal import Code, Refusal
from jingwei.faces.gateway.settings import GatewaySettings

SKEW = timedelta(seconds=5)
"""How far a snapshot may lie in the future: the relay runs on this host."""
RETRY = timedelta(seconds=5)
"""What could not be built is tried again after a while, though nothing changed: a file of words may come late."""
_log = logging.getLogger(__name__)


class Entry(NamedTuple):
    """One System, its release token read and verified."""

    served: Served
    release: ReleaseToken | None


class Ready(NamedTuple):
    """A guard that may judge, and the live lexicons that it judges with."""

    guard: Guard
    told: tuple[LiveLexicon, ...] = ()
    built: bool = True
    """False where its newest words could not be had and those before go on counting."""

    @property
    def lexicon(self) -> str:
        """Return the versions of its live lexicons, as an event says them."""
        return written(self.told)


@dataclass(frozen=True, slots=True)
class _Index:
    """The content of a snapshot, ready to look things up in."""

    by_key: Mapping[str, Entry] = field(default_factory=dict)
    by_system: Mapping[str, Entry] = field(default_factory=dict)
    revoked: frozenset[str] = frozenset()


class Serving:
    """Holds the newest snapshot and the guards built for it."""

    def __init__(self, settings: GatewaySettings, *, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._reader: SnapshotReader | None = None
        self._snapshot: Snapshot | None = None
        self._index = _Index()
        self._tampered = False
        self._mark: tuple[int, int, int] | None = None
        self._guards: dict[str, Ready] = {}
        self._words = LiveWords(settings.snapshot_path)
        self._again = clock()
        self.words_since = clock()
        """When a guard took other words last."""
        self._building: dict[str, asyncio.Task[None]] = {}

    async def watch(self) -> None:
        """Keep up with the snapshot file until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(self._settings.poll_seconds)

    async def refresh(self, *, built: bool = False) -> None:
        """Look at the snapshot file once.

        Args:
            built: also wait until every guard that is being built is there.
        """
        try:
            stat = self._settings.snapshot_path.stat()
            mark = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if mark == self._mark:
                return
            snapshot = await asyncio.to_thread(self._read)
        except (Unavailable, OSError):
            return  # the one we hold grows old, and then nothing is served
        except Tampered as error:
            _log.warning("snapshot refused: %s", error)
            self._tampered = True
            return
        self._mark = mark
        self._take(snapshot)
        if built:
            await asyncio.gather(*self._building.values())

    async def stop(self) -> None:
        """Stop building."""
        for task in self._building.values():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def fresh(self) -> None:
        """Demand a snapshot that may still be acted upon.

        Raises:
            Refusal: there is none, it is forged, or it is too old.
        """
        if self._tampered:
            raise Refusal(Code.SNAPSHOT_TAMPERED)
        age = self.age_seconds
        if age is None or age > self._settings.snapshot_limit_seconds or age < -SKEW.total_seconds():
            raise Refusal(Code.SNAPSHOT_STALE, limit=self._settings.snapshot_limit_seconds)

    @property
    def age_seconds(self) -> float | None:
        """Return the age of the snapshot, or None while there is none."""
        return (self._clock() - self._snapshot.at).total_seconds() if self._snapshot else None

    @property
    def snapshot(self) -> Snapshot | None:
        """Return the newest snapshot; whether it may be acted upon, `fresh` says."""
        return self._snapshot

    @property
    def verifier(self) -> Verifier | None:
        """Return the platform's public key as it was when the gateway started."""
        return self._reader.verifier if self._reader else None

    def by_key(self, hashed: str) -> Entry | None:
        """Find the System of an API key."""
        return self._index.by_key.get(hashed)

    def by_system(self, system_id: str) -> Entry | None:
        """Find a System."""
        return self._index.by_system.get(system_id)

    def is_revoked(self, token_id: str) -> bool:
        """Tell whether a token was withdrawn."""
        return token_id in self._index.revoked

    def guard(self, served: Served) -> Guard:
        """Return the guard of a System's present policy.

        Raises:
            Refusal: it is still being built.
        """
        return self.ready(served).guard

    def ready(self, served: Served) -> Ready:
        """Return the guard of a System's present policy, and which live lexicons it holds.

        Raises:
            Refusal: it is still being built.
        """
        found = self._guards.get(served.policy.digest)
        if found is None:
            raise Refusal(Code.POLICY_LOADING)
        return found

    def shadow(self, served: Served) -> Guard | None:
        """Return the guard of a System's candidate policy; none where there is none, or not yet."""
        found = self._guards.get(served.shadow.digest) if served.shadow else None
        return found.guard if found else None

    @property
    def building(self) -> bool:
        """Tell whether the detectors of some policy are still being built."""
        return bool(self._building)

    @property
    def behind(self) -> int:
        """Return how many guards could not take their newest words."""
        return sum(not each.built for each in self._guards.values())

    @property
    def count(self) -> int:
        """Return how many Systems the snapshot names."""
        return len(self._index.by_system)

    def _read(self) -> Snapshot:
        if self._reader is None:
            self._reader = SnapshotReader(self._settings.snapshot_path, read_public_key(self._settings.key_path))
        return self._reader.read()

    def _take(self, snapshot: Snapshot) -> None:
        old = self._snapshot
        if old and (snapshot.at < old.at or snapshot.sequence < old.sequence):
            _log.warning("an older snapshot was put in the place of a newer one; it is not used")
            return
        self._snapshot, self._tampered = snapshot, False
        changed = old is None or snapshot.content is not old.content
        if changed:
            self._index = self._indexed(snapshot.content)
        if changed or self._clock() >= self._again:
            self._again = self._clock() + RETRY
            self._build_guards(snapshot.content)

    def _indexed(self, content: Content) -> _Index:
        entries = {served.system_id: Entry(served, self._release(served)) for served in content.systems}
        by_key = {hashed: entry for entry in entries.values() for hashed in entry.served.key_hashes}
        return _Index(by_key, entries, frozenset(content.revoked))

    def _release(self, served: Served) -> ReleaseToken | None:
        if not served.release_token or self._reader is None:
            return None
        try:
            token = read_token(served.release_token, self._reader.verifier)
        except Tampered:
            return None
        return token if isinstance(token, ReleaseToken) else None

    def _build_guards(self, content: Content) -> None:
        wanted = {served.policy.digest: served.policy for served in content.systems}
        wanted |= {served.shadow.digest: served.shadow for served in content.systems if served.shadow}
        self._guards = {name: ready for name, ready in self._guards.items() if name in wanted}
        self._words.keep({each.base for each in content.lexicons})
        for name, policy in wanted.items():
            ready = self._guards.get(name)
            if name not in self._building and (ready is None or ready.told != told_for(content.lexicons, policy)):
                self._building[name] = asyncio.create_task(self._build(name, policy))

    async def _build(self, name: str, policy: Policy) -> None:
        """Build a guard, or give the one there is the newest words; requests under way keep the one they have."""
        try:
            told: tuple[LiveLexicon, ...] | None = None
            while told != (newest := self._told(policy)):
                told = newest
                self.words_since = self._clock()
                self._guards[name] = await asyncio.to_thread(self._built, policy, told, self._guards.get(name))
        except Exception as error:  # noqa: BLE001 - the edge of a task: unlogged it would vanish, and the System is not served
            _log.error("the detectors of a policy could not be built; its System is not served: %s", whereabouts(error))
        finally:
            self._building.pop(name, None)

    def _told(self, policy: Policy) -> tuple[LiveLexicon, ...]:
        return told_for(self._snapshot.content.lexicons, policy) if self._snapshot else ()

    def _built(self, policy: Policy, told: tuple[LiveLexicon, ...], present: Ready | None) -> Ready:
        guard = present.guard if present else Guard.build(policy)
        if not told and (present is None or not present.told):
            return Ready(guard)
        try:
            return Ready(with_lexicon(guard, self._words.lexicon(told, policy)), told)
        except (InputError, Tampered, Unavailable) as error:
            if present is None:  # words that the policy names are missing altogether: nothing is served without them
                raise
            _log.error("live words could not be taken; those before go on counting: %s", whereabouts(error))
            return present._replace(built=False)


def token_is_current(token: ReleaseToken | AssessmentToken, now: datetime) -> bool:
    """Tell whether a moment lies within a token's life."""
    return token.issued_at - SKEW <= now < token.expires_at
