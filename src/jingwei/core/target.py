"""Targets: what a check examines."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class TargetKind(StrEnum):
    """The kinds of thing a check can look at."""

    FILE = "file"
    """A file or folder on this machine; `locator` is its path."""
    ENDPOINT = "endpoint"
    """An OpenAI-compatible server; `locator` is its base URL, such as `http://127.0.0.1:8080/v1`."""
    ENVIRONMENT = "environment"
    """An installed Python environment; `locator` is the path of its interpreter."""
    GATEWAY = "gateway"
    """A running Jingwei gateway in front of a System; `locator` is its base URL."""
    SYSTEM = "system"
    """A registered System as a whole; `locator` is its id."""


class Target(BaseModel):
    """One thing to examine. Holds no secret: those travel in the run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: TargetKind
    locator: str
    name: str = ""
    """What to call it: the model alias of an endpoint, the display name of a file."""
