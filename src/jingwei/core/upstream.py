"""The model's server: which addresses may be asked, and which environment variable holds its key.

Whoever registers a System names both. So neither may be used to reach what the person could not reach: a key is taken
only from variables that were named for this purpose, or the process's other secrets could be had by naming one of them
and a server of one's own; and the link-local addresses, where clouds answer with credentials, are never asked.
Loopback and private addresses are where models' servers live, and stay allowed.
"""

import os
from ipaddress import ip_address
from urllib.parse import urlsplit

from jingwei.core.errors import InputError

KEY_PREFIX = "JINGWEI_UPSTREAM_KEY"
"""A variable with a server's key begins so: `JINGWEI_UPSTREAM_KEY`, `JINGWEI_UPSTREAM_KEY_CHAT`."""
_METADATA_NAMES = frozenset({"metadata.google.internal", "metadata", "instance-data"})
_METADATA = frozenset({"fd00:ec2::254", "100.100.100.200"})
"""Metadata addresses that are not link-local."""


def upstream_key(name: str) -> str:
    """Return the key of a model's server; empty where none is named, set, or the name is not one of a server's key."""
    return os.environ.get(name, "") if name.startswith(KEY_PREFIX) else ""


def demand_key_name(name: str, *, field: str) -> None:
    """Refuse a variable that was not set for this purpose.

    Raises:
        InputError: it does not begin as such a name does.
    """
    if name and not name.startswith(KEY_PREFIX):
        raise InputError("core:upstream-key-name", field=field, name=name, prefix=KEY_PREFIX)


def demand_address(url: str, *, field: str) -> None:
    """Refuse an address that no model's server has.

    Raises:
        InputError: not HTTP, with a user or a password, or where a cloud keeps its machines' credentials.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        fits = parts.scheme in {"http", "https"} and bool(host) and parts.port != 0
    except ValueError:
        raise InputError("core:upstream-address", field=field) from None
    if not fits or any(character.isspace() or not character.isprintable() for character in url):
        raise InputError("core:upstream-address", field=field)
    if parts.username is not None or parts.password is not None:
        raise InputError("core:upstream-address-secret", field=field)
    if is_metadata(host):
        raise InputError("core:upstream-address-metadata", field=field, host=host)


def is_metadata(host: str) -> bool:
    """Tell whether a host, as written, is link-local or a cloud's metadata service."""
    if host.lower() in _METADATA_NAMES:
        return True
    try:
        address = ip_address(_plain(host.partition("%")[0]))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped.is_link_local or str(mapped) in _METADATA


def _plain(host: str) -> str:
    """Write an IPv4 address given as one number, or in hexadecimal or octal parts, as the system would read it."""
    parts = host.split(".")
    try:
        numbers = [int(part, 16 if part[:2].lower() == "0x" else 8 if part[:1] == "0" and part != "0" else 10)
                   for part in parts]  # fmt: skip
    except ValueError:
        return host
    if len(numbers) > 4 or any(number > 255 for number in numbers[:-1]):
        return host
    value = numbers[-1] + sum(number << (24 - 8 * place) for place, number in enumerate(numbers[:-1]))
    return str(ip_address(value)) if 0 <= value < 2**32 else host
