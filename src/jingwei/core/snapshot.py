"""The snapshot: all that a gateway of this host is told, signed by the platform and written by its relay.

A gateway has no database. It reads one file, again and again, and refuses to serve when the file is missing,
forged, or older than its limit. The file has two lines:

    {"at": …, "content": <SHA-256 of line 2>, "sequence": …, "watching": […], "signature": …}
    {"approvals": […], "lexicons": […], "revoked": […], "systems": […]}

The signature covers the first line, and the first line the second. So the relay can renew the time every second, and
a gateway can check it, at the price of one small signature: content that did not change is neither written out nor
parsed again. The platform's public key lies beside it as `platform.pub`, its raw 32 bytes.
"""

import os
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Self

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from jingwei.core.clock import stamp
from jingwei.core.errors import Tampered, Unavailable
from jingwei.core.policy import Limits, Policy
from jingwei.core.signing import Signature, Signer, Verifier
from jingwei.core.value import Value

PUBLIC_KEY = "platform.pub"
LEXICONS = "lexicons"
"""Folder of the base files of live lexicons, beside the snapshot."""
MAX_BYTES = 256 * 1024 * 1024
"""A snapshot beyond this is refused unread: no policy is this large."""


class ServedKey(BaseModel):
    """One API key of a System."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hash: str
    """`key_hash` of the key."""
    name: str = ""
    """The agent or program it was given to: the principal of its calls."""
    tenant: str = ""
    limits: Limits | None = None
    """Its own limits; none: the policy's."""


class LiveLexicon(BaseModel):
    """The newest version of one live lexicon.

    The bulk lies in a file beside the snapshot, `lexicons/<base>.words`, written once for each base: an image made by
    `detect.lexicon.compile_base`, to be loaded only where its SHA-256 is the one told here. What changed since travels
    here itself, so that one word is live within a second. A word is known by its folded form: one that is added again
    has another topic from then on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """`organisation`, or the id of a System."""
    version: str
    """Its number and the head of the digest that stands for its whole history, such as `12.3f9a0c81be72`."""
    base: str = ""
    """SHA-256 of the base file; empty: none."""
    added: tuple[tuple[str, str], ...] = ()
    """(word, topic) pairs since the base."""
    removed: tuple[str, ...] = ()


class Approval(BaseModel):
    """A person's permission for one tool call, good for one use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    host: str
    """The host whose gateway asked; only there it is accepted."""
    system_id: str
    principal: str
    server: str
    tool: str
    arguments_digest: str
    policy_digest: str
    expires_at: datetime


class Presence(BaseModel):
    """A person who watches a session of an agent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system_id: str
    session: str
    """Digest of the session id; empty: all sessions of the System."""
    seen_at: datetime
    """The last sign of life: a key, a movement, a visible page."""


class Served(BaseModel):
    """One System as a gateway knows it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system_id: str
    name: str
    status: str
    """`draft`, `assessed`, `approved`, `live`, `suspended` or `retired`; release traffic needs approved or live."""
    upstream_url: str
    """Base URL of the model's server, such as `http://127.0.0.1:8080/v1`."""
    upstream_model: str = ""
    """Model name sent upstream; empty leaves the caller's."""
    upstream_key_env: str = ""
    """Name of the environment variable that holds the upstream key; empty sends none."""
    policy: Policy
    release_token: str | None = None
    assessment_tokens: tuple[str, ...] = ()
    key_hashes: tuple[str, ...] = ()
    """`key_hash` of each API key of the System."""
    keys: tuple[ServedKey, ...] = ()
    """What more is known of some of these keys."""
    shadow: Policy | None = None
    """A candidate policy: judged beside the one in force, enforced never."""
    configuration: dict[str, str] = {}
    """Digests of `model`, `prompt` and `tools` as registered."""


class Content(Value):
    """What changes seldom: the second line."""

    systems: tuple[Served, ...] = ()
    revoked: tuple[str, ...] = ()
    """Ids of tokens that were withdrawn and have not yet expired."""
    lexicons: tuple[LiveLexicon, ...] = ()
    approvals: tuple[Approval, ...] = ()

    @cached_property
    def line(self) -> bytes:
        """Return the content as it is written and hashed."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)

    @cached_property
    def digest(self) -> str:
        """Return the SHA-256 of the line."""
        return sha256(self.line).hexdigest()


class Snapshot(BaseModel):
    """One signed moment of what may be served."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    sequence: int
    content: Content
    watching: tuple[Presence, ...] = ()
    signature: Signature

    @classmethod
    def sealed(cls, content: Content, *, at: datetime, sequence: int, signer: Signer,
               watching: tuple[Presence, ...] = ()) -> Self:  # fmt: skip
        """Sign a content as it stands at a moment; sealing the same object again is cheap."""
        signature = signer.sign(_covered(at, content.digest, sequence, watching))
        return cls(at=at, sequence=sequence, content=content, watching=watching, signature=signature)

    @property
    def systems(self) -> tuple[Served, ...]:
        """Return the Systems served."""
        return self.content.systems

    @property
    def revoked(self) -> tuple[str, ...]:
        """Return the ids of withdrawn tokens."""
        return self.content.revoked


class _Head(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    content: str
    sequence: int
    watching: tuple[Presence, ...] = ()
    """Who watches at this moment: it changes every few seconds, so it lies here and not in the content."""
    signature: Signature


class _Parsed(NamedTuple):
    digest: str
    content: Content


def key_hash(key: str) -> str:
    """Return how an API key is named in a snapshot: keys are long and random, so a plain SHA-256 hides them."""
    return sha256(key.encode()).hexdigest()


def write_public_key(folder: Path, verifier: Verifier) -> Path:
    """Put the platform's public key beside the snapshot."""
    return _replace(folder / PUBLIC_KEY, verifier.public)


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Replace the snapshot file in one move: a reader sees the old or the new one, whole.

    Raises:
        OSError: the folder cannot be written, or the disk is full; the old file then stays.
    """
    head = _Head(
        at=snapshot.at,
        content=snapshot.content.digest,
        sequence=snapshot.sequence,
        watching=snapshot.watching,
        signature=snapshot.signature,
    )
    _replace(path, orjson.dumps(head.model_dump(mode="json")) + b"\n" + snapshot.content.line + b"\n")


class SnapshotReader:
    """Reads the snapshot file time after time; parses the content only when it changed."""

    def __init__(self, path: Path, verifier: Verifier) -> None:
        self.path = path
        self.verifier = verifier
        self._parsed: _Parsed | None = None

    def read(self) -> Snapshot:
        """Read and verify the file.

        Raises:
            Unavailable: there is no such file, or it cannot be read.
            Tampered: it is damaged, or not what the platform's key signed.
        """
        try:
            with self.path.open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise Unavailable("core:snapshot-unreadable", path=self.path.name) from error
        if len(raw) > MAX_BYTES:
            raise Tampered("core:snapshot-damaged")
        first, _, second = raw.partition(b"\n")
        try:
            head = _Head.model_validate_json(first)
        except ValidationError as error:
            raise Tampered("core:snapshot-damaged") from error
        self.verifier.verify(_covered(head.at, head.content, head.sequence, head.watching), head.signature)
        content = self._content(head.content, second.rstrip(b"\n"))
        return Snapshot(at=head.at, sequence=head.sequence, content=content, watching=head.watching,
                        signature=head.signature)  # fmt: skip

    def _content(self, expected: str, line: bytes) -> Content:
        if sha256(line).hexdigest() != expected:
            raise Tampered("core:snapshot-damaged")
        if self._parsed is None or self._parsed.digest != expected:
            try:
                self._parsed = _Parsed(expected, Content.model_validate_json(line))
            except ValidationError as error:
                raise Tampered("core:snapshot-damaged") from error
        return self._parsed.content


def read_snapshot(path: Path, verifier: Verifier) -> Snapshot:
    """Read and verify a snapshot once; a process that reads again keeps a `SnapshotReader`.

    Raises:
        Unavailable: there is no such file, or it cannot be read.
        Tampered: it is damaged, or not what the platform's key signed.
    """
    return SnapshotReader(path, verifier).read()


def read_public_key(path: Path) -> Verifier:
    """Read the platform's public key.

    Raises:
        Unavailable: it is missing or not 32 bytes long.
    """
    try:
        public = path.read_bytes()
    except OSError as error:
        raise Unavailable("core:snapshot-key-unreadable", path=path.name) from error
    if len(public) != 32:
        raise Unavailable("core:snapshot-key-unreadable", path=path.name)
    return Verifier(public)


def _covered(at: datetime, content: str, sequence: int, watching: tuple[Presence, ...]) -> dict[str, object]:
    present = [each.model_dump(mode="json") for each in watching]
    return {"kind": "snapshot", "at": stamp(at), "content": content, "sequence": sequence, "watching": present}


def _replace(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123 - mode at birth
        file.write(content)
    draft.replace(path)
    return path
