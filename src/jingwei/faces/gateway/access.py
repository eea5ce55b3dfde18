"""Access: who asks, for which System, and by what right.

Two ways lead in. A **System's API key** needs a live release token for that System. An **assessment token**, for one
check run before release, needs a direct connection from this machine, a proof signed with the run's own key for this
very request, a nonce never seen before, and to be listed by the platform now. Both need a fresh snapshot and the
enforced policy to be the one the token was issued for. Whatever cannot be shown is a no.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import NamedTuple

from jingwei.core.clock import Clock
from jingwei.core.errors import Tampered
from jingwei.core.principal import principal_of_key, principal_of_run
from jingwei.core.proof import HEADER, LEEWAY_SECONDS, verify_proof
from jingwei.core.signing import Verifier, decode
from jingwei.core.snapshot import Served, ServedKey, key_hash
from jingwei.core.token import ASSESSMENT_LIFETIME, AssessmentToken
from jingwei.core.token import read as read_token
from jingwei.deploy.guard import Guard
from jingwei.faces.gateway.refusal import Code, Refusal
from jingwei.faces.gateway.serving import Entry, Ready, Serving, token_is_current
from jingwei.faces.gateway.wire import Request

_RELEASE_STATES = frozenset({"approved", "live"})
_ASSESSMENT_STATES = frozenset({"draft", "assessed", "approved", "live"})
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
_MAX_AUTHORIZATION = 8192
_MOST_KNOWN = 4096
_KEYED_APART = frozenset({"/v1/messages", "/v1/models"})
"""Where Anthropic's clients show their key in a header of its own."""


@dataclass(frozen=True, slots=True)
class Access:
    """A caller that may be served."""

    served: Served
    guard: Guard
    trial: bool = False
    run_id: str = ""
    principal: str = ""
    """By what name the caller is known to policies and to whoever approves its calls."""
    tenant: str = ""
    lexicon: str = ""
    """Versions of the live lexicons that the guard judges with."""
    key: ServedKey | None = None
    """What is known of the key that asked, where one did."""


class _Known(NamedTuple):
    """Who a key stands for, as long as its System and its guard are these very ones."""

    entry: Entry
    ready: Ready
    access: Access


class Nonces:
    """Remembers nonces as empty files: shared by all gateway processes of this host, and kept over a restart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._swept = 0.0

    def spend(self, token_id: str, nonce: str) -> bool:
        """Mark a nonce as used; false when it was used before or cannot be remembered."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._sweep()
            name = sha256(f"{token_id}|{nonce}".encode()).hexdigest()
            os.close(os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError:
            return False
        return True

    def _sweep(self) -> None:
        """Forget what is too old to be accepted again anyway."""
        now = time.time()
        if now - self._swept < LEEWAY_SECONDS:
            return
        self._swept = now
        for path in self._folder.iterdir():
            if now - path.stat().st_mtime > LEEWAY_SECONDS * 4:
                path.unlink(missing_ok=True)


class Door:
    """Lets callers in, or raises a Refusal."""

    def __init__(self, serving: Serving, *, clock: Clock, nonces: Nonces) -> None:
        self._serving = serving
        self._clock = clock
        self._nonces = nonces
        self._known: dict[str, _Known] = {}

    def admit(self, request: Request, body: bytes) -> Access:
        """Find out who asks and whether to serve.

        Raises:
            Refusal: no, and why; it names the System once the caller is known.
        """
        self._serving.fresh()
        credential = _bearer(request)
        hashed = key_hash(credential)
        entry = self._serving.by_key(hashed)
        if entry:
            with _about(entry.served.system_id):
                return self._by_release(entry, hashed)
        if credential.count(".") == 2:
            return self._by_assessment(credential, request, body)
        raise Refusal(Code.KEY_UNKNOWN)

    def _by_release(self, entry: Entry, hashed: str) -> Access:
        served, token = entry
        if served.status not in _RELEASE_STATES:
            raise Refusal(Code.STATUS, status=served.status)
        if not served.release_token:
            raise Refusal(Code.TOKEN_MISSING)
        if token is None:
            raise Refusal(Code.TOKEN_INVALID)
        if token.system_id != served.system_id:
            raise Refusal(Code.TOKEN_OTHER_SYSTEM)
        self._check_life(token.id, current=token_is_current(token, self._now))
        if token.policy_digest != served.policy.digest or served.policy.system_id != served.system_id:
            raise Refusal(Code.POLICY_MISMATCH)
        ready = self._serving.ready(served)
        kept = self._known.get(hashed)
        if kept is not None and kept.entry is entry and kept.ready is ready:
            return kept.access
        principal, tenant = principal_of_key(served, hashed)
        known = next((each for each in served.keys if each.hash == hashed), None) or ServedKey(hash=hashed)
        access = Access(served, ready.guard, principal=principal, tenant=tenant, lexicon=ready.lexicon, key=known)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[hashed] = _Known(entry, ready, access)
        return access

    def _by_assessment(self, credential: str, request: Request, body: bytes) -> Access:
        demand_loopback(request)
        token = self._assessment_token(credential)
        with _about(token.system_id):
            return self._by_token(token, credential, request, body)

    def _by_token(self, token: AssessmentToken, credential: str, request: Request, body: bytes) -> Access:
        entry = self._serving.by_system(token.system_id)
        if entry is None:
            raise Refusal(Code.TOKEN_OTHER_SYSTEM)
        served = entry.served
        self._check_life(token.id, current=token_is_current(token, self._now))
        if token.expires_at - token.issued_at > ASSESSMENT_LIFETIME:
            raise Refusal(Code.TOKEN_TOO_LONG)
        if credential not in served.assessment_tokens:
            raise Refusal(Code.TOKEN_UNLISTED)
        if served.status not in _ASSESSMENT_STATES:
            raise Refusal(Code.STATUS, status=served.status)
        if token.policy_digest != served.policy.digest or served.policy.system_id != served.system_id:
            raise Refusal(Code.POLICY_MISMATCH)
        ready = self._serving.ready(served)
        self._check_proof(token, request, body)
        return Access(served, ready.guard, trial=True, run_id=token.run_id, principal=principal_of_run(token.run_id),
                      lexicon=ready.lexicon)  # fmt: skip

    def _assessment_token(self, credential: str) -> AssessmentToken:
        verifier = self._serving.verifier
        try:
            token = read_token(credential, verifier) if verifier else None
        except Tampered as error:
            raise Refusal(Code.TOKEN_INVALID) from error
        if not isinstance(token, AssessmentToken):  # a release token is no credential: it never leaves the platform
            raise Refusal(Code.TOKEN_OTHER_SYSTEM)
        return token

    def _check_proof(self, token: AssessmentToken, request: Request, body: bytes) -> None:
        header = request.header(HEADER.lower())
        if not header:
            raise Refusal(Code.PROOF_MISSING)
        try:
            proof = verify_proof(
                header,
                token_id=token.id,
                caller=Verifier(decode(token.caller_key)),
                now=self._now,
                request={"method": request.method, "path": request.path},
                body=body,
            )
        except (Tampered, ValueError) as error:
            raise Refusal(Code.PROOF_INVALID) from error
        if not self._nonces.spend(token.id, proof.nonce):
            raise Refusal(Code.PROOF_REPLAYED)

    def _check_life(self, token_id: str, *, current: bool) -> None:
        if self._serving.is_revoked(token_id):
            raise Refusal(Code.TOKEN_REVOKED)
        if not current:
            raise Refusal(Code.TOKEN_EXPIRED)

    @property
    def _now(self) -> datetime:
        return self._clock()


@contextmanager
def _about(system_id: str) -> Iterator[None]:
    try:
        yield
    except Refusal as refusal:
        refusal.system_id = system_id
        raise


def _bearer(request: Request) -> str:
    """Return the key that a caller shows."""
    written = request.header("authorization")
    apart = request.header("x-api-key")
    if (
        request.path in _KEYED_APART
        and written is None
        and apart
        and not request.repeats("x-api-key")
        and len(apart) <= _MAX_AUTHORIZATION
    ):
        return apart.strip()
    if not written or request.repeats("authorization"):
        raise Refusal(Code.KEY_MISSING)
    scheme, _, credential = written.partition(" ")
    if scheme.lower() != "bearer" or not credential or len(written) > _MAX_AUTHORIZATION:
        raise Refusal(Code.KEY_MISSING)
    return credential.strip()


def demand_loopback(request: Request) -> None:
    """Demand a direct connection from this machine: behind a proxy anyone would look as if he were here."""
    if any(request.header(name) is not None for name in _FORWARDED):
        raise Refusal(Code.NOT_LOOPBACK)
    try:
        address = ip_address(request.client)
    except ValueError as error:
        raise Refusal(Code.NOT_LOOPBACK) from error
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    if not (mapped or address).is_loopback:
        raise Refusal(Code.NOT_LOOPBACK)
