"""One thing a system is made of, before it is written into a BOM."""

from typing import Literal

from packageurl import PackageURL
from packaging.utils import canonicalize_name
from pydantic import BaseModel, ConfigDict

Kind = Literal["library", "model", "dataset", "prompt", "service", "tool", "agent", "weights", "hardware"]


class Component(BaseModel):
    """A library, model, dataset, prompt, tool, agent, service, file of weights or device, with what is known of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    name: str
    version: str = ""
    """Empty: not known."""
    licence: str = ""
    """As the component states it: an SPDX expression where it gives one."""
    sha256: str = ""
    """Of the file, of a folder's listing, or of a library's RECORD."""
    supplier: str = ""
    requires: tuple[str, ...] = ()
    """Names of the libraries it asks for, normalised."""
    rests_on: tuple[str, ...] = ()
    """Names of what it was made from: base models, datasets, its files of weights."""
    facts: dict[str, str] = {}
    """What else it says of itself: a model's architecture, a service's address."""
    changed: tuple[str, ...] = ()
    """Installed files whose content is not what the RECORD says."""
    gap: str = ""
    """Key of the reason why it could not be read in full."""
    purl: str = ""
    """Package URL: what the rest of the world calls it. Made of the name for a Python library that gives none."""
    path: str = ""
    """Where it was found, relative to what was looked at."""

    @property
    def package_url(self) -> str:
        """Return its package URL; empty where it has none."""
        if self.purl or self.kind != "library" or (self.gap and not self.version):
            return self.purl
        return package_url("pypi", canonicalize_name(self.name), self.version)

    @property
    def shown(self) -> str:
        """Return what to call it in a list: its name and version."""
        return f"{self.name}@{self.version}" if self.version else self.name


def package_url(kind: str, name: str, version: str = "", *, namespace: str = "", **qualifiers: str) -> str:
    """Return a package URL; empty where the name makes none."""
    try:
        return PackageURL(kind, namespace or None, name, version or None, qualifiers or None).to_string()
    except (ValueError, TypeError):  # a name of slashes or spaces alone leaves nothing
        return ""
