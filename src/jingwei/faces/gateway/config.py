"""The gateway's own configuration: one YAML file for `jingwei gateway --config FILE`.

With a platform it names the snapshot that the platform's relay writes. **Standalone** it names Systems itself: a policy
file, a model's server and keys for each, and nobody has released anything; health and configuration say so.

    listen: 127.0.0.1:8011          listen: 127.0.0.1:8011
    snapshot: gateway/snapshot.json standalone: true
    spool: gateway/spool            policy: guard.yaml
                                    upstream: {url: http://127.0.0.1:8080/v1}
                                    keys: [{name: intranet, env: INTRANET_KEY}]
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from jingwei.catalog import Document, read_yaml, validated
from jingwei.core.errors import InputError
from jingwei.core.policy import Limits, Policy
from jingwei.core.snapshot import ServedKey, key_hash
from jingwei.core.text import text
from jingwei.core.upstream import demand_address, demand_key_name
from jingwei.faces.gateway.settings import GatewaySettings

SHORTEST_KEY = 16
_FIXED = frozenset({"snapshot_path", "spool_path", "public_key_path", "standalone"})
_STRICT = ConfigDict(frozen=True, extra="forbid")


class Server(BaseModel):
    """A model's server."""

    model_config = _STRICT

    url: str = Field(max_length=500)
    model: str = Field(default="", max_length=200)
    """Name sent instead of the caller's; empty leaves that."""
    key_env: str = Field(default="", max_length=80)
    """Environment variable that holds its key."""
    dialect: Literal["openai", "anthropic"] = "openai"
    """What it speaks."""
    fallbacks: tuple[str, ...] = Field(default=(), max_length=8)
    """Further servers of the same model, asked in this order where it does not answer."""


def _server(given: object) -> object:
    return {"url": given} if isinstance(given, str) else given


class Key(BaseModel):
    """One key of a System: in the environment, or by its SHA-256; never in the file."""

    model_config = _STRICT

    name: str = Field(min_length=1, max_length=80)
    env: str = Field(default="", max_length=80)
    hash: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    tenant: str = Field(default="", max_length=80)
    limits: Limits | None = None


class LocalSystem(BaseModel):
    """One System of a gateway without a platform."""

    model_config = _STRICT

    name: str = Field(default="local", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    policy: str = Field(default="", max_length=500)
    """Policy file, relative to this file; empty: the policy that is shipped."""
    upstream: Annotated[Server, BeforeValidator(_server)]
    keys: tuple[Key, ...] = Field(min_length=1, max_length=1000)


class GatewayFile(BaseModel):
    """The file as a person writes it."""

    model_config = _STRICT

    listen: str = Field(default="127.0.0.1:8011", max_length=300)
    workers: int = Field(default=1, ge=1, le=64)
    spool: str = Field(default="gateway/spool", max_length=500)
    snapshot: str = Field(default="", max_length=500)
    public_key: str = Field(default="", max_length=500)
    standalone: bool = False
    policy: str = Field(default="", max_length=500)
    upstream: Annotated[Server | None, BeforeValidator(_server)] = None
    keys: tuple[Key, ...] = ()
    """`policy`, `upstream` and `keys` of the only System; several go under `systems`."""
    systems: tuple[LocalSystem, ...] = ()
    settings: dict[str, Any] = {}  # Any: each is checked as the field of GatewaySettings that it names
    """Further settings by name, such as `max_body_bytes`."""

    @property
    def local(self) -> tuple[LocalSystem, ...]:
        """Return the Systems named here."""
        if self.systems or self.upstream is None:
            return self.systems
        return (LocalSystem(policy=self.policy, upstream=self.upstream, keys=self.keys),)


class Standing(NamedTuple):
    """One local System, its policy read and its keys known."""

    name: str
    policy: Policy
    upstream: Server
    keys: tuple[ServedKey, ...]


class GatewayConfig(NamedTuple):
    """What a gateway needs to run."""

    host: str
    port: int
    workers: int
    settings: GatewaySettings
    systems: tuple[Standing, ...]
    """Those of a gateway without a platform."""


def read_config(path: Path) -> GatewayConfig:
    """Read a configuration.

    Raises:
        InputError: it is missing or wrong; the message names the file, the line, the field and the mend.
    """
    document = read_yaml(path)
    written = validated(GatewayFile, document)
    _demand_one_way(written, document)
    spool = path.parent / written.spool
    snapshot = spool.parent / "standalone" / "snapshot.json" if written.standalone else path.parent / written.snapshot
    host, port = _address(written.listen, document)
    if wrong := written.settings.keys() & _FIXED:
        raise document.error(("settings", min(wrong)), text("faces.gateway:config-elsewhere"))
    try:
        settings = GatewaySettings(
            snapshot_path=snapshot, spool_path=spool, standalone=written.standalone,
            public_key_path=path.parent / written.public_key if written.public_key else None,
            **{**written.settings, **_fallbacks(written), **_dialects(written)},
        )  # fmt: skip
    except ValidationError as error:
        first = error.errors()[0]
        raise document.error(("settings", *first["loc"]),
                             text("faces.gateway:config-setting", why=first["msg"])) from error  # fmt: skip
    return GatewayConfig(host, port, written.workers, settings, tuple(_standing(written, document, path.parent)))


def _fallbacks(written: GatewayFile) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the servers that stand in for others, as the settings know them; empty where none is named."""
    named = {each.upstream.url: each.upstream.fallbacks for each in written.local if each.upstream.fallbacks}
    return {"fallback_upstreams": {**written.settings.get("fallback_upstreams", {}), **named}} if named else {}


def _dialects(written: GatewayFile) -> dict[str, dict[str, str]]:
    """Return what the servers speak, as the settings know it; empty where all speak OpenAI's chat."""
    named = {each.upstream.url: each.upstream.dialect for each in written.local if each.upstream.dialect != "openai"}
    return {"upstream_dialects": {**written.settings.get("upstream_dialects", {}), **named}} if named else {}


def _demand_one_way(written: GatewayFile, document: Document) -> None:
    """Demand that either a platform tells the gateway of its Systems, or this file does."""
    if written.standalone and (written.snapshot or written.public_key):
        raise document.error(("snapshot" if written.snapshot else "public_key",),
                             text("faces.gateway:config-two-ways"))  # fmt: skip
    if not written.standalone and (not written.snapshot or written.keys or written.local or written.policy):
        raise document.error((), text("faces.gateway:config-no-way"))
    if written.standalone and not written.local:
        raise document.error(("standalone",), text("faces.gateway:config-no-system"))


def _standing(written: GatewayFile, document: Document, folder: Path) -> Iterator[Standing]:
    from jingwei.deploy.guard.policy_file import (  # noqa: PLC0415 - a gateway with a platform reads no such file
        default_policy,
        read_policy,
    )

    names: set[str] = set()
    for number, each in enumerate(written.local):
        at = ("systems", number) if written.systems else ()
        if each.name in names:
            raise document.error((*at, "name"), text("faces.gateway:config-name-twice", name=each.name))
        names.add(each.name)
        try:
            demand_address(each.upstream.url, field="upstream.url")
            for url in each.upstream.fallbacks:
                demand_address(url, field="upstream.fallbacks")
            demand_key_name(each.upstream.key_env, field="upstream.key_env")
        except InputError as error:
            raise document.error((*at, *str(error.field).split(".")), error.message) from error
        policy = read_policy(folder / each.policy) if each.policy else default_policy()
        named = {name: getattr(policy, name) for name in Policy.model_fields}
        keys = tuple(_key(key, document, (*at, "keys", place)) for place, key in enumerate(each.keys))
        yield Standing(each.name, Policy.model_validate(named | {"system_id": each.name}), each.upstream, keys)


def _key(key: Key, document: Document, at: tuple[str | int, ...]) -> ServedKey:
    if bool(key.env) == bool(key.hash):
        raise document.error(at, text("faces.gateway:config-key-one"))
    hashed = key.hash
    if key.env:
        value = os.environ.get(key.env, "")
        if len(value) < SHORTEST_KEY:
            raise document.error((*at, "env"), text("faces.gateway:config-key-unset", name=key.env,
                                                    least=SHORTEST_KEY))  # fmt: skip
        hashed = key_hash(value)
    return ServedKey(hash=hashed, name=key.name, tenant=key.tenant, limits=key.limits)


def _address(listen: str, document: Document) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) <= 65_535:
        raise document.error(("listen",), text("faces.gateway:config-listen"))
    return host.strip("[]"), int(port)
