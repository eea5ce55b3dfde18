"""Which addresses may be asked: this machine, and what somebody who answers for it has named in a scope file.

    owner: Network team, Li Wei
    reason: Quarterly inventory
    until: 2026-12-31T00:00:00Z
    networks: [10.20.0.0/24]
    hosts: [models.example.com]

The decision is about the pinned address, never about the name alone: a name is resolved once, every address it gives
must be in scope, and all requests go to the one that was decided on.
"""

import ipaddress
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from jingwei.core.errors import InputError
from jingwei.core.text import Both, text

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_LARGEST_FILE = 256 * 1024
_WIDEST = {4: 16, 6: 64}
"""Shortest prefix of a network: wider ones are nobody's own."""
_LONGEST_DAYS = 366
_NEVER = (
    ipaddress.ip_network("169.254.0.0/16"), ipaddress.ip_network("fe80::/10"), ipaddress.ip_network("224.0.0.0/4"),
    ipaddress.ip_network("ff00::/8"), ipaddress.ip_network("0.0.0.0/8"), ipaddress.ip_network("::/128"),
    ipaddress.ip_network("fd00:ec2::/32"),
)  # fmt: skip
"""Link-local with its cloud metadata services, multicast, the unspecified address: never asked."""


class Scope(BaseModel):
    """What one owner allows to be asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: Annotated[str, Field(min_length=2, max_length=200)]
    """Who answers for the machines."""
    reason: Annotated[str, Field(min_length=2, max_length=500)]
    until: datetime
    """Aware; at most a year from now."""
    networks: tuple[Network, ...] = ()
    hosts: tuple[str, ...] = ()
    """Names and single addresses."""

    @field_validator("until")
    @classmethod
    def _aware(cls, until: datetime) -> datetime:
        if until.tzinfo is None:
            raise ValueError("needs a time zone")
        return until

    @field_validator("networks")
    @classmethod
    def _narrow(cls, networks: tuple[Network, ...]) -> tuple[Network, ...]:
        for network in networks:
            if network.prefixlen < _WIDEST[network.version]:
                raise ValueError(f"{network} is wider than /{_WIDEST[network.version]}")
        return networks

    def covers(self, host: str, address: Address) -> bool:
        """Tell whether an address may be asked under a name."""
        named = {each.casefold().rstrip(".") for each in self.hosts}
        if host.casefold().rstrip(".") in named or str(address) in named:
            return True
        return any(address.version == network.version and address in network for network in self.networks)


def read_scope(path: str, now: datetime) -> Scope:
    """Read a scope file.

    Raises:
        InputError: it is not there, says something else than a scope, or has run out.
    """
    try:
        with Path(path).open("rb") as file:
            raw = file.read(_LARGEST_FILE + 1)
        small = len(raw) <= _LARGEST_FILE and not any(mark in raw for mark in b"&*")  # no aliases: small stays small
        scope = Scope.model_validate(yaml.safe_load(raw) if small else None)
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise InputError("deploy.fingerprint:scope-unreadable", field="scope", path=path, why=_why(error)) from error
    if not now < scope.until:
        raise InputError("deploy.fingerprint:scope-over", field="scope.until", owner=scope.owner,
                         until=scope.until.astimezone(UTC).isoformat(timespec="minutes"))  # fmt: skip
    if (scope.until - now).days > _LONGEST_DAYS:
        raise InputError("deploy.fingerprint:scope-too-long", field="scope.until", days=_LONGEST_DAYS)
    return scope


def _why(error: Exception) -> Both | str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(str(each) for each in first['loc'])}: {first['msg']}"
    if isinstance(error, OSError):
        return text("deploy.fingerprint:scope-not-there")
    return text("deploy.fingerprint:scope-not-one")


def pin(host: str, scope: Scope | None) -> str:
    """Resolve a host once and return the address that all requests go to.

    Raises:
        InputError: it has no address, or one that may not be asked.
    """
    addresses = _addresses(host)
    for address in addresses:
        if any(address.version == network.version and address in network for network in _NEVER):
            raise InputError("deploy.fingerprint:never-asked", field="target", host=host, address=address)
        if not address.is_loopback and (scope is None or not scope.covers(host, address)):
            code = "deploy.fingerprint:out-of-scope" if scope else "deploy.fingerprint:needs-scope"
            raise InputError(code, field="target" if scope else "scope", host=host, address=address)
    return str(addresses[0])


def _addresses(host: str) -> list[Address]:
    try:
        return [_plain(ipaddress.ip_address(host))]
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise InputError("deploy.fingerprint:no-address", field="target", host=host) from error
    every = dict.fromkeys(_plain(ipaddress.ip_address(str(each[4][0]).partition("%")[0])) for each in found)
    return sorted(every, key=lambda address: address.version)


def _plain(address: Address) -> Address:
    """Read an IPv4 address out of one that is only wrapped in IPv6."""
    wrapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return wrapped or address
