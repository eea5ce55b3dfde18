"""One thing a system is made of, before it is written into a BOM."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Kind = Literal["library", "model", "dataset", "prompt", "service"]


class Component(BaseModel):
    """A library, model, dataset, prompt or service, with what could be read of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    name: str
    version: str = ""
    licence: str = ""
    """As the component states it: an SPDX expression where it gives one."""
    sha256: str = ""
    """Of the file, of a folder's listing, or of a library's RECORD."""
    supplier: str = ""
    requires: tuple[str, ...] = ()
    """Names of the libraries it asks for, normalised."""
    facts: dict[str, str] = {}
    """What else it says of itself: a model's architecture, a service's address."""
    changed: tuple[str, ...] = ()
    """Installed files whose content is not what the RECORD says."""
    gap: str = ""
    """Key of the reason why it could not be read in full."""
