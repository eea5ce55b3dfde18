"""What is said to the thing under test and what comes back; every subject speaks through these values."""

from collections.abc import Mapping
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Role = Literal["system", "user", "assistant", "tool"]


class Image(BaseModel):
    """A picture in a message, in the clear: the case made it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    media_type: Literal["image/png", "image/jpeg"] = "image/png"
    content: bytes


class Call(BaseModel):
    """A tool call; `arguments` as read from its JSON, an empty mapping where that could not be read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    arguments: Mapping[str, JsonValue] = Field(default_factory=dict)
    id: str = ""


class Message(BaseModel):
    """One message of a conversation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role
    content: str = ""
    images: tuple[Image, ...] = ()
    calls: tuple[Call, ...] = ()
    """Of an assistant's message."""
    call_id: str = ""
    """Of a tool's message: which call it answers."""


class Ask(BaseModel):
    """One request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    messages: tuple[Message, ...]
    tools: tuple[JsonValue, ...] = ()
    """Definitions in the shape of the chat API."""
    session: str = ""
    """The same for all requests of one conversation; subjects that keep state use it."""

    @property
    def pictured(self) -> bool:
        """Tell whether there are pictures in it, which not every subject can take."""
        return any(each.images for each in self.messages)


class Usage(BaseModel):
    """Tokens of one request, as the subject counts them; 0 where it does not say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    asked: int = 0
    answered: int = 0


class Answer(BaseModel):
    """What came back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = ""
    calls: tuple[Call, ...] = ()
    reasoning: str = ""
    """The trace of thought, where the subject shows one."""
    blocked: bool = False
    """A guard in front of the model withheld the answer and said so."""
    usage: Usage = Usage()

    @property
    def tool_calls(self) -> tuple[str, ...]:
        """Return the names of the tools called in the answer's own field."""
        return tuple(call.name for call in self.calls)


class Fault(BaseModel):
    """Why no answer could be had: a stable code such as `timeout`, `status-500` or `not-json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str


class Subject(Protocol):
    """The thing under test: an endpoint, an app, an agent, a function."""

    async def ask(self, ask: Ask) -> Answer | Fault:
        """Answer one request; what it did wrong is a value.

        Raises:
            Unavailable: it cannot be reached at all, or does not accept the key.
        """
        ...

    async def close(self) -> None:
        """Let go of what is open."""
        ...


class Exchange(BaseModel):
    """One request and what came of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ask: Ask
    answer: Answer | None = None
    fault: Fault | None = None
    milliseconds: int = 0


class Transcript(BaseModel):
    """Everything one attempt said and heard."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    exchanges: tuple[Exchange, ...]
    state: Mapping[str, JsonValue] = Field(default_factory=dict)
    """What a strategy saw beside the words: an environment before and after, the control's result."""

    @property
    def answer(self) -> Answer | None:
        """Return the last answer; None where the last request failed."""
        return self.exchanges[-1].answer if self.exchanges else None

    @property
    def fault(self) -> Fault | None:
        """Return what went wrong in the last request."""
        return self.exchanges[-1].fault if self.exchanges else None
