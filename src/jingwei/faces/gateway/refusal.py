"""Refusals: every way the gateway says no, as a code with its HTTP status and its text in both languages."""

from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus

from jingwei.core.text import Both, text


class Code(StrEnum):
    """Why a request was not served; stable for programs, and the reason of its event."""

    NOT_FOUND = "not-found"
    METHOD = "method-not-allowed"
    MEDIA_TYPE = "media-type"
    BODY_TOO_LARGE = "body-too-large"
    BODY_SLOW = "body-slow"
    BODY_UNREADABLE = "body-unreadable"
    REQUEST_INVALID = "request-invalid"
    KEY_MISSING = "key-missing"
    KEY_UNKNOWN = "key-unknown"
    SNAPSHOT_STALE = "snapshot-stale"
    SNAPSHOT_TAMPERED = "snapshot-tampered"
    POLICY_LOADING = "policy-loading"
    STATUS = "status-not-served"
    TOKEN_MISSING = "token-missing"  # noqa: S105 - not a password
    TOKEN_INVALID = "token-invalid"  # noqa: S105
    TOKEN_EXPIRED = "token-expired"  # noqa: S105
    TOKEN_REVOKED = "token-revoked"  # noqa: S105
    TOKEN_OTHER_SYSTEM = "token-other-system"  # noqa: S105
    TOKEN_UNLISTED = "token-unlisted"  # noqa: S105
    TOKEN_TOO_LONG = "token-too-long"  # noqa: S105
    POLICY_MISMATCH = "policy-mismatch"
    NOT_LOOPBACK = "not-loopback"
    PROOF_MISSING = "proof-missing"
    PROOF_INVALID = "proof-invalid"
    PROOF_REPLAYED = "proof-replayed"
    OTHER_RUN = "other-run"
    SPOOL = "spool-unwritable"
    UPSTREAM_DOWN = "upstream-down"
    UPSTREAM_SLOW = "upstream-slow"
    UPSTREAM_REJECTED = "upstream-rejected"
    UPSTREAM_DENIED = "upstream-denied"
    UPSTREAM_BUSY = "upstream-busy"
    UPSTREAM_GARBAGE = "upstream-garbage"
    UPSTREAM_STOPPED = "upstream-stopped"
    UPSTREAM_OPEN = "upstream-open"
    CONTENT = "content-filter"
    SESSION_INVALID = "session-invalid"
    SESSION_UNKNOWN = "session-unknown"
    SESSIONS = "sessions-unwritable"
    SERVER_UNKNOWN = "server-unknown"
    RATE = "rate-limited"
    CONCURRENT = "too-many-at-once"
    TOKENS = "tokens-spent"
    CLIENT_GONE = "client-gone"
    INTERNAL = "internal"


_STATUS = {
    Code.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Code.METHOD: HTTPStatus.METHOD_NOT_ALLOWED,
    Code.MEDIA_TYPE: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Code.BODY_TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Code.BODY_SLOW: HTTPStatus.REQUEST_TIMEOUT,
    Code.BODY_UNREADABLE: HTTPStatus.BAD_REQUEST,
    Code.REQUEST_INVALID: HTTPStatus.BAD_REQUEST,
    Code.KEY_MISSING: HTTPStatus.UNAUTHORIZED,
    Code.KEY_UNKNOWN: HTTPStatus.UNAUTHORIZED,
    Code.SNAPSHOT_STALE: HTTPStatus.SERVICE_UNAVAILABLE,
    Code.SNAPSHOT_TAMPERED: HTTPStatus.SERVICE_UNAVAILABLE,
    Code.POLICY_LOADING: HTTPStatus.SERVICE_UNAVAILABLE,
    Code.SPOOL: HTTPStatus.SERVICE_UNAVAILABLE,
    Code.SESSION_INVALID: HTTPStatus.BAD_REQUEST,
    Code.SESSION_UNKNOWN: HTTPStatus.NOT_FOUND,
    Code.SESSIONS: HTTPStatus.SERVICE_UNAVAILABLE,
    Code.SERVER_UNKNOWN: HTTPStatus.NOT_FOUND,
    Code.RATE: HTTPStatus.TOO_MANY_REQUESTS,
    Code.CONCURRENT: HTTPStatus.TOO_MANY_REQUESTS,
    Code.TOKENS: HTTPStatus.TOO_MANY_REQUESTS,
    Code.UPSTREAM_DOWN: HTTPStatus.BAD_GATEWAY,
    Code.UPSTREAM_SLOW: HTTPStatus.GATEWAY_TIMEOUT,
    Code.UPSTREAM_REJECTED: HTTPStatus.BAD_REQUEST,
    Code.UPSTREAM_DENIED: HTTPStatus.BAD_GATEWAY,
    Code.UPSTREAM_BUSY: HTTPStatus.TOO_MANY_REQUESTS,
    Code.UPSTREAM_GARBAGE: HTTPStatus.BAD_GATEWAY,
    Code.UPSTREAM_STOPPED: HTTPStatus.BAD_GATEWAY,
    Code.UPSTREAM_OPEN: HTTPStatus.SERVICE_UNAVAILABLE,
    Code.CONTENT: HTTPStatus.BAD_REQUEST,
    Code.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
}


_LIMITS = frozenset({Code.RATE, Code.CONCURRENT, Code.TOKENS})


class Refusal(Exception):  # noqa: N818 - the domain's word
    """The gateway does not serve; raised inside the gateway only and answered at its edge.

    Args:
        code: why.
        retry_seconds: after how long to try again; 0: not known.
        told: what else the caller is told of a verdict.
        values: what fills the places of the text.
    """

    def __init__(self, code: Code, *, retry_seconds: int = 0, told: Mapping[str, object] | None = None,
                 **values: object) -> None:  # fmt: skip
        self.code = code
        self.told = told
        self.retry_seconds = retry_seconds
        self.place = str(values.get("place", ""))
        """The field that is wrong, if it is one."""
        self.system_id = ""
        """The System the request was about, once that is known."""
        self.message: Both = text(f"faces.gateway:{code}", retry_seconds=retry_seconds, **values)
        super().__init__(code)

    @property
    def status(self) -> int:
        """Return the HTTP status; 403 where the code has no other."""
        return int(_STATUS.get(self.code, HTTPStatus.FORBIDDEN))

    @property
    def is_upstream(self) -> bool:
        """Tell whether the model's server is to blame rather than the caller."""
        return self.code.startswith("upstream-")

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that go with it."""
        return {"retry-after": str(self.retry_seconds)} if self.retry_seconds else {}

    @property
    def is_limit(self) -> bool:
        """Tell whether the caller asked for more than its key may use."""
        return self.code in _LIMITS

    @property
    def body(self) -> dict[str, object]:
        """Return the error in the shape OpenAI's clients read, with the Chinese text beside it."""
        kind = "upstream_error" if self.is_upstream else "rate_limit_error" if self.is_limit else "gateway_refusal"
        more: dict[str, object] = {"jingwei": self.told} if self.told else {}
        more |= {"param": self.place} if self.place else {}
        return {"error": {"message": self.message.en, "zh": self.message.zh, "type": kind, "code": str(self.code),
                          **more}}  # fmt: skip
