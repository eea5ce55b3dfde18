"""What is put under test, as a person writes it: a URL, or a YAML file that describes an endpoint, an app, a function.

A file names the environment variable that holds a key, never the key. A function and a command are run on this machine,
so a file with one is read from the terminal and from Python, never through the platform.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from jingwei.core.errors import InputError, NotFound
from jingwei.develop.evaluate.endpoint import Limits
from jingwei.develop.evaluate.json_path import steps_of
from jingwei.develop.evaluate.purse import Prices
from jingwei.develop.evaluate.suite import ToolDefinition
from jingwei.develop.evaluate.suite_file import PlainLoader

_LARGEST = 256 * 1024
_ADDRESS = r"^https?://[^/?#@\s]+([/?#]\S*)?$"
"""Without user and password: a key has its variable."""
WHOLE_BODY = "text"
"""Given for `answer` where the whole body is the answer."""


class _Described(BaseModel):
    """What every target may say of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key_env: str = Field(default="", pattern="^([A-Za-z_][A-Za-z0-9_]*)?$")
    """Name of the variable with its key."""
    prices: Prices = Prices()
    timeout_seconds: float = Field(default=60, gt=0, le=600)
    retries: int = Field(default=3, ge=0, le=10)
    backoff_seconds: float = Field(default=0.5, ge=0, le=30)
    requests_per_minute: float = Field(default=0, ge=0)
    concurrency: int = Field(default=4, ge=1, le=256)
    system_prompt: str = ""
    """The app's own prompt; may hold {canary} and {tools}. For a model's endpoint it replaces the suites'."""
    canary: str = Field(default="", max_length=80)
    """A marker planted in the app's prompt, which must not come out."""
    tools: tuple[ToolDefinition, ...] | None = None
    forbidden_tools: tuple[str, ...] | None = None
    """Tools that must not be called; none given means the suite's."""

    @property
    def limits(self) -> Limits:
        """Return how patient the client is."""
        return Limits(self.timeout_seconds, self.retries, self.backoff_seconds, self.requests_per_minute)


class ApiTarget(_Described):
    """A model's endpoint, in one of the two dialects."""

    kind: Literal["openai", "anthropic"]
    url: str = Field(pattern=_ADDRESS)
    model: str = ""
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    """Sent with each request; a null takes a default away."""
    headers: dict[str, str] = Field(default_factory=dict)
    file: str = ""
    """Name of the model's file, where this machine serves it; its address changes from run to run."""
    file_sha256: str = Field(default="", pattern="^([0-9a-f]{64})?$")
    """Stands for the address then: the same file is the same target."""


class Exchanged(BaseModel):
    """One request of an app: `{message}`, `{messages}` and `{session}` are put in as values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["POST", "PUT", "GET"] = "POST"
    path: str = ""
    """Added to the target's URL."""
    query: dict[str, str] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    body: JsonValue = None
    form: dict[str, str] = Field(default_factory=dict)
    """Sent as a form, where the app takes no JSON."""


class SessionStart(Exchanged):
    """How a conversation begins."""

    id: str = ""
    """JSON path of its id in the answer; none where a cookie is enough."""

    @field_validator("id")
    @classmethod
    def _is_a_path(cls, path: str) -> str:
        steps_of(path)
        return path


class KeyHeader(BaseModel):
    """Where the key goes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    header: str = "Authorization"
    prefix: str = "Bearer "


class AppTarget(_Described):
    """An app with an HTTP interface of its own."""

    kind: Literal["http"]
    url: str = Field(pattern=_ADDRESS)
    send: Exchanged
    answer: str
    """JSON path of the answer's text, such as `$.data.reply`; `text` where the whole body is the answer."""
    calls: str = ""
    """JSON path of the list of tool calls, each `{name, arguments}` or a chat API's."""
    error: str = ""
    """JSON path of what is only there when something went wrong."""
    blocked: str = ""
    """JSON path of what is true, or there, when a guard withheld the answer."""
    blocked_status: tuple[int, ...] = ()
    """Statuses by which a guard in front says that it withheld the answer."""
    asked_tokens: str = ""
    answered_tokens: str = ""
    session: SessionStart | None = None
    cookies: bool = False
    """Whether each conversation keeps the cookies it is given."""
    key: KeyHeader = KeyHeader()

    @field_validator("answer", "calls", "error", "blocked", "asked_tokens", "answered_tokens")
    @classmethod
    def _is_a_path(cls, path: str) -> str:
        steps_of("" if path == WHOLE_BODY else path)
        return path


class FunctionTarget(_Described):
    """A Python function: takes the message, or the messages where it takes two arguments; returns the answer."""

    kind: Literal["callable"]
    function: str = Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")
    """`module:function`; the file's folder is looked in first."""


class McpTarget(_Described):
    """An agent behind an MCP server: one of its tools answers a message."""

    kind: Literal["mcp"]
    url: str = Field(default="", pattern=f"^$|{_ADDRESS}")
    command: tuple[str, ...] = ()
    """A program that speaks MCP on its standard input and output, and its arguments."""
    tool: str
    arguments: dict[str, JsonValue] = Field(default_factory=lambda: dict[str, JsonValue](message="{message}"))

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if bool(self.url) == bool(self.command):
            raise ValueError("url / command")
        return self


TargetFile = Annotated[ApiTarget | AppTarget | FunctionTarget | McpTarget, Field(discriminator="kind")]
_FILE: TypeAdapter[ApiTarget | AppTarget | FunctionTarget | McpTarget] = TypeAdapter(TargetFile)


def read_target(given: str, *, model: str = "") -> ApiTarget | AppTarget | FunctionTarget | McpTarget:
    """Read a target.

    Args:
        given: a URL, or the path of a YAML file.
        model: the model to ask, before what the file says.

    Raises:
        NotFound: there is no such file.
        InputError: the URL or the file is wrong; the message names the place.
    """
    if "://" in given:
        return _of_url(given, model)
    path = Path(given).expanduser()
    if not path.is_file():
        raise NotFound("develop.evaluate:target-unknown", field="target", given=given)
    try:
        source: Any = yaml.load(_bounded(path).decode(), Loader=PlainLoader)  # noqa: S506 - a safe loader
        found = _FILE.validate_python(source)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "kind"
        raise InputError("develop.evaluate:target-wrong", field=f"target:{where}", name=path.name, where=where,
                         problem=first["msg"]) from error  # fmt: skip
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InputError("develop.evaluate:target-wrong", field="target", name=path.name, where="-",
                         problem=str(error).splitlines()[0]) from error  # fmt: skip
    return found.model_copy(update={"model": model}) if model and isinstance(found, ApiTarget) else found


def _bounded(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise InputError("develop.evaluate:target-wrong", field="target", name=path.name, where="-",
                         problem=f"> {_LARGEST:,} B")  # fmt: skip
    return content


def _of_url(given: str, model: str) -> ApiTarget:
    """Read a URL: the dialect shows in its path, if it ends in one."""
    parts = urlsplit(given)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InputError("develop.evaluate:url-wrong", field="target", url=given)
    if parts.username or parts.password:
        raise InputError("develop.evaluate:url-key", field="target", host=parts.hostname)
    base = given.rstrip("/")
    if base.endswith("/messages"):
        return ApiTarget(kind="anthropic", url=base.removesuffix("/messages"), model=model)
    return ApiTarget(kind="openai", url=base.removesuffix("/chat/completions"), model=model)
