"""The configuration digest: what evidence about behaviour is bound to.

A red-team result holds for one model behind one prompt with one set of tools under one policy in one gateway
version. Change any of them and the result proves nothing about what now runs, so it lapses.
"""

from collections.abc import Iterable
from hashlib import sha256

from pydantic import BaseModel, ConfigDict

from jingwei.core.canonical import Json, digest

ABSENT = "none"
"""Stands for a part that is not there: no guard in front, no tools given."""


class Configuration(BaseModel):
    """The parts of a running configuration, each as a digest (or `none`), and which of them a check saw itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    prompt: str = ABSENT
    tools: str = ABSENT
    policy: str = ABSENT
    gateway: str = ABSENT
    """The gateway's version, or `none`."""
    observed: tuple[str, ...] = ()
    """Names of the parts whose digest the check observed rather than was told, sorted."""

    @property
    def digest(self) -> str:
        """Return the digest of the parts alone: what was observed does not change what runs."""
        return digest({"model": self.model, "prompt": self.prompt, "tools": self.tools, "policy": self.policy,
                       "gateway": self.gateway})  # fmt: skip

    @property
    def fully_observed(self) -> bool:
        """Tell whether every part was seen by the check itself."""
        return set(self.observed) >= {"model", "prompt", "tools", "policy", "gateway"}


def gateway_part(version: str, *, upstream_url: str, upstream_model: str) -> str:
    """Return what a gateway is, for one System: its version, and the model's server that it passes requests on to.

    The server is part of it: the same prompts behind the same policy prove nothing about another server.
    """
    return f"{version}+{digest({'url': upstream_url, 'model': upstream_model})[:12]}"


def deployment_digest(gateway: str, policy: str) -> str:
    """Return the digest of a deployment: the gateway's version and the policy it enforces."""
    return digest({"gateway": gateway, "policy": policy})


def prompt_digest(template: str) -> str:
    """Return the digest of a System's prompt, before a canary is put in: the SHA-256 of its file."""
    return sha256(template.encode()).hexdigest()


def tools_digest(definitions: Iterable[Json]) -> str:
    """Return the digest of a set of tool definitions, whatever their order, or `none` where there are none."""
    return tools_digest_of(digest(definition) for definition in definitions)


def tools_digest_of(digests: Iterable[str]) -> str:
    """Return the digest of a set of tools from the digest of each one's definition."""
    ordered = sorted(digests)
    return digest(list(ordered)) if ordered else ABSENT
