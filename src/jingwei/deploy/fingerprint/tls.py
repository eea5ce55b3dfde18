"""What the TLS of a service shows: its version, and whether its certificate is one that a client would trust.

The first handshake verifies as any client would. Where it fails, a second one reads the certificate, and every request
goes on only to a server that shows that same certificate.
"""

import asyncio
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509

from jingwei.deploy.fingerprint.client import Patience
from jingwei.deploy.fingerprint.targets import Place

_SELF_SIGNED = frozenset({18, 19})
_EXPIRED = frozenset({10})
_OTHER_NAME = frozenset({62, 64})
_OLD = frozenset({"SSLv3", "TLSv1", "TLSv1.1"})


@dataclass(frozen=True, slots=True)
class Tls:
    """What the handshakes showed."""

    version: str
    faults: tuple[str, ...] = ()
    """Of `self-signed`, `expired`, `other-name`, `old`, `untrusted`."""
    until: str = ""


async def shake(place: Place, patience: Patience) -> tuple[Tls, ssl.SSLContext] | None:
    """Return what TLS shows and the context for the requests; nothing where there is no TLS."""
    strict = ssl.create_default_context()
    faults: list[str] = []
    try:
        version, raw = await _handshake(place, patience, strict)
        context = strict
    except ssl.SSLCertVerificationError as error:
        faults.append(_fault(error.verify_code))
        context = _reading()
        try:
            version, raw = await _handshake(place, patience, context)
        except (OSError, TimeoutError):
            return None
    except ssl.SSLError:
        context = _reading()
        try:
            version, raw = await _handshake(place, patience, context)
        except (OSError, TimeoutError):
            return None
    except (OSError, TimeoutError, ValueError):
        return None
    until, expired = _until(raw)
    if expired:
        faults.append("expired")
    if version in _OLD:
        faults.append("old")
    return Tls(version, tuple(dict.fromkeys(faults)), until), context


def _reading() -> ssl.SSLContext:
    """Return a context that reads whatever is shown: what is sent through it holds no secret."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    return context


async def _handshake(place: Place, patience: Patience, context: ssl.SSLContext) -> tuple[str, bytes]:
    async with asyncio.timeout(patience.connect):
        _, writer = await asyncio.open_connection(place.address, place.port, ssl=context, server_hostname=place.host)
    try:
        channel = writer.get_extra_info("ssl_object")
        return str(channel.version()), channel.getpeercert(binary_form=True) or b""
    finally:
        writer.transport.abort()


def _fault(code: int) -> str:
    if code in _SELF_SIGNED:
        return "self-signed"
    if code in _EXPIRED:
        return "expired"
    return "other-name" if code in _OTHER_NAME else "untrusted"


def _until(raw: bytes) -> tuple[str, bool]:
    try:
        until = x509.load_der_x509_certificate(raw).not_valid_after_utc
    except ValueError:
        return "", False
    return until.isoformat(timespec="minutes"), until < datetime.now(UTC)


def told(tls: Tls | None) -> Iterator[tuple[str, str]]:
    """Give the facts of a report."""
    if tls is not None:
        yield "tls", tls.version
        yield "tls_faults", " ".join(tls.faults)
        yield "tls_until", tls.until
