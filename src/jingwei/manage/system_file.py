"""`system.yaml`: everything an intake asks for, as one file a team keeps beside its code."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from jingwei.catalog import read_yaml, validated
from jingwei.core.errors import InputError
from jingwei.core.policy import Category, ToolRule, ToolServer
from jingwei.core.text import Both
from jingwei.manage.model import ComponentKind

MAX_FILES = 10_000
"""In one component: a bound on what a mistaken path can make us read."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Upstream(_Value):
    """The model's server."""

    url: str = Field(default="", max_length=500)
    model: str = Field(default="", max_length=200)
    key_env: str = Field(default="", max_length=80, pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")
    """Name of the environment variable that holds the server's key; never the key."""


class ResponsibilityEntry(_Value):
    """Who answers for a component."""

    party: str = Field(min_length=1, max_length=200)
    duty: str = ""
    contact: str = Field(default="", max_length=200)
    document: str = ""
    """File with the responsibility document, relative to this file."""
    rests_on: str = ""
    """Name of the component of the same file that this one rests on."""


class ComponentEntry(_Value):
    """One component; with files, each file becomes a component version of its own."""

    kind: Literal["model", "dataset", "agent", "service", "library", "vendor"]
    name: str = Field(min_length=1, max_length=200)
    release: str = Field(default="", max_length=80)
    files: tuple[str, ...] = Field(default=(), max_length=MAX_FILES)
    """Relative to this file, and inside its folder; their digests are computed, not told."""
    digest: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    """SHA-256 as declared, where the files are elsewhere."""
    supplier: str = Field(default="", max_length=200)
    licence: str = Field(default="", max_length=80)
    responsibility: ResponsibilityEntry | None = None


class GuardEntry(_Value):
    """What the organisation adds to the guard policy that its grade compiles to."""

    words: tuple[str, ...] = ()
    allowed_words: tuple[str, ...] = ()
    canaries: tuple[str, ...] = ()
    thresholds: dict[Category, Annotated[float, Field(ge=0, le=1)]] = {}
    """Lower thresholds by category, for a narrow purpose; a policy is never weaker than its grade demands."""
    explicit_label: Both | None = None
    safe_answer: Both | None = None
    manual_fallback: Both | None = None
    """How people go on by hand while the model's server is left alone because it fails."""
    max_input_characters: int | None = Field(default=None, gt=0)
    tool_rules: str = Field(default="", max_length=4_000_000)
    """Who may call which tool, in Cedar."""
    mcp_servers: tuple[ToolServer, ...] = ()
    """MCP servers that the System's agent may reach, through the gateway only."""


class SystemFile(_Value):
    """The whole intake of one System."""

    name: str = Field(min_length=1, max_length=120)
    purpose: str = Field(min_length=1, max_length=4000)
    owner: str = Field(default="", max_length=120)
    """Login of the owner; whoever registers where it is empty."""
    domain: str = Field(default="default", min_length=1, max_length=80, pattern=r"^[^*\s]+$")
    upstream: Upstream = Upstream()
    facts: dict[str, str]
    components: tuple[ComponentEntry, ...] = ()
    prompt: str = ""
    """File with the System's prompt."""
    tools: tuple[ToolRule, ...] = ()
    responsibility: ResponsibilityEntry | None = None
    """Who answers for the application itself: its prompt and its tools."""
    guard: GuardEntry = GuardEntry()


def read_system(path: Path) -> SystemFile:
    """Read a `system.yaml`.

    Raises:
        InputError: names the file, the line, the field, what is wrong and the mend.
    """
    return validated(SystemFile, read_yaml(path))


def inside(folder: Path, name: str, *, field: str) -> Path:
    """Return the path of a file named in a `system.yaml`; it must lie in the folder and be a plain file.

    Raises:
        InputError: it leads outside the folder, or is not there.
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise InputError("manage:file-outside", field=field, name=name)
    if not path.is_file():
        raise InputError("manage:file-missing", field=field, name=name)
    return path


ALL_KINDS: tuple[ComponentKind, ...] = ("model", "dataset", "prompt", "tool", "agent", "service", "library", "vendor")
"""Kinds whose components an intake replaces as a whole."""
