"""What is to be asked: an address of the web, `host:port`, a host with every known port, or a file of such lines."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from jingwei.core.errors import InputError
from jingwei.deploy.fingerprint.scope import Scope, pin

_LARGEST_FILE = 1024 * 1024
_MOST_LINES = 10_000
_HOST = re.compile(r"[\w.-]{1,253}|[0-9a-fA-F:.]{2,45}")
_PREFIX = re.compile(r"(?:/[\w.~%+=@,;:-]{1,100}){0,8}")


@dataclass(frozen=True, slots=True)
class Place:
    """One service to ask, its address decided."""

    host: str
    address: str
    port: int
    scheme: str = ""
    """`http` or `https`; empty where it is to be found out."""
    prefix: str = ""
    """Set before every path, for a service behind one."""
    expected: bool = True
    """Named by port: that nobody listens there is then worth telling."""

    @property
    def authority(self) -> str:
        """Return the host and port as a `Host` header and an address write them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"http": 80, "https": 443}.get(self.scheme) else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """Return the address a person would type."""
        return f"{self.scheme or 'http'}://{self.authority}{self.prefix}"


def places(target: str, ports: tuple[int, ...], scope: Scope | None) -> Iterator[Place]:
    """Give every place that a target names.

    Args:
        target: what to ask.
        ports: asked where only a host is named.
        scope: what may be asked besides this machine.

    Raises:
        InputError: it is no address, has none, or may not be asked.
    """
    yield from _places(target, ports, scope)


def listed(target: str) -> list[str]:
    """Return the lines of a file of targets, or the target itself.

    Raises:
        InputError: the file holds no address, or too many.
    """
    path = Path(target)
    if "://" in target or not ("/" in target or path.suffix) or not path.is_file():
        return [target]
    with path.open("rb") as file:
        raw = file.read(_LARGEST_FILE + 1)
    lines = [line.partition("#")[0].strip() for line in raw.decode("utf-8", "replace").splitlines()]
    lines = [line for line in lines if line]
    if not lines or len(raw) > _LARGEST_FILE or len(lines) > _MOST_LINES:
        raise InputError("deploy.fingerprint:targets-file", field="target", path=str(path), most=_MOST_LINES)
    return lines


def _places(target: str, ports: tuple[int, ...], scope: Scope | None) -> Iterator[Place]:
    written = target if "://" in target else f"//{_bracketed(target)}"
    try:
        parts = urlsplit(written)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise InputError("deploy.fingerprint:not-a-target", field="target", target=target[:100]) from error
    prefix = parts.path.rstrip("/")
    odd = parts.username is not None or parts.query or parts.fragment or not _PREFIX.fullmatch(prefix)
    if odd or ".." in prefix or parts.scheme not in {"", "http", "https"} or not _HOST.fullmatch(host) or port == 0:
        raise InputError("deploy.fingerprint:not-a-target", field="target", target=target[:100])
    address = pin(host, scope)
    if port is None and parts.scheme:
        port = 443 if parts.scheme == "https" else 80
    if port is not None:
        yield Place(host, address, port, parts.scheme, prefix)
        return
    for each in ports:
        yield Place(host, address, each, "", prefix, expected=False)


def _bracketed(target: str) -> str:
    """Put the brackets around a bare IPv6 address."""
    return f"[{target}]" if target.count(":") > 1 and "[" not in target else target
