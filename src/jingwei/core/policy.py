"""Policy: what the guard enforces for one System, compiled from its grade and controls.

A policy travels to gateways inside the relay's signed snapshot. Its digest is part of the configuration that
behavioural evidence is bound to, so a weakened policy lapses that evidence.
"""

from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.canonical import digest
from jingwei.core.text import Both
from jingwei.core.value import Value


class Category(StrEnum):
    """What a detector can find; the unit of policy."""

    KEYWORD = "keyword"
    PII = "pii"
    SECRET = "secret"  # noqa: S105 - not a password
    INJECTION = "injection"
    HARM = "harm"
    TOPIC = "topic"
    """Outside what the System is there for."""
    EMOTION = "emotion"
    """Distress, crisis, dependence: a signal that somebody may need a person."""
    GROUNDING = "grounding"
    """An answer that the passages it was given do not support."""
    RULE = "rule"
    """An expert rule of the System that an answer or action broke: the second check."""
    SESSION = "session"
    """What only several turns together show: slow escalation, asking again after a refusal, a request cut up."""


class Decision(StrEnum):
    """The guard's answer, mildest first; several findings compose to the strictest."""

    ALLOW = "allow"
    LABEL = "label"
    REDACT = "redact"
    SAFE_ANSWER = "safe_answer"
    """Nothing of it passes; the person is given a helpful answer instead."""
    HOLD = "hold"
    BLOCK = "block"

    @property
    def rank(self) -> int:
        """Return 0 for allow up to 5 for block."""
        return _RANKS[self]

    @property
    def passes(self) -> bool:
        """Tell whether the text, or what redaction left of it, goes on."""
        return _RANKS[self] < _RANKS[Decision.SAFE_ANSWER]


_RANKS = {decision: rank for rank, decision in enumerate(Decision)}


class Effect(StrEnum):
    """What a tool call does to the world outside; the mildest first."""

    READ_ONLY = "read_only"
    REVERSIBLE_WRITE = "reversible_write"
    IRREVERSIBLE = "irreversible"


class FailMode(StrEnum):
    """What happens when a detector crashes or times out."""

    CLOSED = "closed"
    OPEN = "open"


class CategoryRule(BaseModel):
    """What to do about one category, in each direction."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    category: Category
    inbound: Decision = Decision.BLOCK
    outbound: Decision = Decision.BLOCK
    threshold: float = Field(default=0.5, ge=0, le=1)
    """Findings scored below this are only counted."""
    on_failure: FailMode = FailMode.CLOSED
    timeout_milliseconds: int = Field(default=500, gt=0)
    when: str = Field(default="", max_length=2_000)
    """A condition in the language of `core.rules`; the rule counts only where it holds. Empty: always."""


class ToolRule(BaseModel):
    """One tool the System may use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    server: str = ""
    """Name of the MCP server that offers it; empty for a tool of the application itself."""
    effect: Effect = Effect.READ_ONLY
    needs_person: bool = False
    """Hold each call until a person confirms it."""
    watched: bool = False
    """Call it only while a person watches the session."""
    arguments: str = Field(default="", max_length=2_000)
    """A condition in the language of `core.rules` over `arguments`, which must hold. Empty: none."""
    pinned: str = ""
    """Digest of the tool's definition as it was accepted; a definition that differs is held (rug pull)."""
    reads_untrusted: bool = False
    """Its results come from outside: from then on the session is tainted."""
    sends_outside: bool = False
    """It carries content out: a tainted session needs a person for it."""


class ToolServer(BaseModel):
    """One MCP server that a System's agent may reach, through the gateway only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    """The last part of its address at the gateway, and `server` of its tools."""
    url: str = Field(max_length=500)
    """Its streamable-HTTP endpoint."""
    key_env: str = Field(default="", max_length=80, pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")
    """Name of the environment variable that holds its key; empty sends none. The caller's own is never passed on."""


class Scope(BaseModel):
    """What a System is there for, in words and examples: its service boundary."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: Both
    examples: tuple[str, ...] = ()
    """Requests that belong to it."""
    outside: tuple[str, ...] = ()
    """Requests that do not."""


class ExpertRule(BaseModel):
    """One rule of the trade that an answer or action must satisfy, whatever the model says: the second check.

    Source: Blue Book, energy sector, double check of what a model decides.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")
    title: Both
    must: str = Field(min_length=1, max_length=2_000)
    """A condition in the language of `core.rules` over `answer`, `action`, `arguments`, `confidence`, `features`."""
    applies: str = Field(default="", max_length=2_000)
    """Where it applies; empty: always."""
    numbers: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")], Annotated[str, Field(max_length=200)]] = {}
    """Numbers to read from an answer, as `numbers.load`: a name, and the words around the number, as `load {} %`."""
    decision: Decision = Decision.HOLD


class Judge(BaseModel):
    """A model's server that is asked for an opinion: OpenAI-compatible, such as one that serves Qwen3Guard."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    """Base URL, such as `http://127.0.0.1:8090/v1`."""
    model: str
    speaks: Literal["json", "qwen3guard"] = "json"
    """`qwen3guard`: it answers in that model family's own lines. `json`: any model that follows instructions."""
    key_env: str = ""
    categories: tuple[Category, ...] = (Category.HARM, Category.INJECTION)
    timeout_milliseconds: int = Field(default=800, gt=0)


class LocalClassifier(BaseModel):
    """A text classifier in ONNX form on the gateway's own disk (extra `onnx`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str
    """Holds `model.onnx` and `tokenizer.json`; no code of it is run."""
    labels: tuple[str, ...]
    """What the outputs stand for, in their order: a category, or empty for none."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of `model.onnx`: another file is not loaded."""
    most_tokens: int = Field(default=512, gt=0, le=8192)


class Limits(BaseModel):
    """How much one API key may use; zero: no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests_per_minute: int = Field(default=0, ge=0)
    tokens_per_day: int = Field(default=0, ge=0)
    concurrent_requests: int = Field(default=0, ge=0)


class Policy(Value):
    """The whole policy of one System."""

    system_id: str
    grade: int = Field(ge=1, le=5)
    rules: tuple[CategoryRule, ...]
    words: tuple[str, ...] = ()
    """Keywords this organisation adds to the built-in lexicon."""
    word_topics: dict[str, str] = Field(default_factory=dict)
    """What some of them are about: a class of GB/T 45654 appendix A, a built-in topic, or one of its own."""
    allowed_words: tuple[str, ...] = ()
    """Whitelist: phrases never flagged as keywords."""
    canaries: tuple[str, ...] = ()
    """Markers planted in the System's prompt; seen on the way out, the prompt is leaking."""
    tools: tuple[ToolRule, ...] = ()
    """Tools the model may call; any other call is blocked."""
    tool_rules: str = Field(default="", max_length=4_000_000)
    """Who may call which tool, in Cedar; empty: everyone with a key may call every listed tool."""
    mcp_servers: tuple[ToolServer, ...] = ()
    """MCP servers its agent may reach; each tool of theirs must be listed under the server's name."""
    on_disagreement: Decision = Decision.HOLD
    """What follows where a model's reasoning and its tool call do not agree."""
    lexicons: tuple[str, ...] = ("organisation",)
    """Live lexicons that apply: their words change from minute to minute and are no part of this policy's digest; what
    was applied is named in each event. They only add words (decision 0008)."""
    scope: Scope | None = None
    expert_rules: tuple[ExpertRule, ...] = ()
    judge: Judge | None = None
    """A second opinion on what the local models find; none by default, and nothing then leaves the host."""
    classifiers: tuple[LocalClassifier, ...] = ()
    """Further local models whose opinion counts."""
    restore_personal_data: bool = False
    """Send placeholders to the model instead of personal data, and put the data back into its answer."""
    limits: Limits = Limits()
    record_share: float = Field(default=0.0, ge=0, le=1)
    """Share of the traffic whose redacted text is recorded, to replay a candidate policy on."""
    watch_idle_seconds: int = Field(default=60, gt=0)
    """A watching person who gave no sign for so long is away."""
    approval_seconds: int = Field(default=900, gt=0)
    """How long a person's approval of one tool call is good for."""
    streaming: Literal["lagged", "held", "end"] = "lagged"
    """How a streamed answer follows the models, which judge it sentence by sentence. `lagged`: it runs at most one
    sentence ahead of them; `held`: a sentence leaves when it is judged; `end`: nothing leaves before the whole is.
    Words, personal data, secrets and rules are judged before a character leaves, in all three."""
    explicit_label: Both | None = None
    """Text put at the end of every generated answer (GB 45438-2025), or none."""
    max_input_characters: int = Field(default=100_000, gt=0)
    safe_answer: Both
    """What the user reads instead of a blocked message."""
    safe_answers: dict[Category, Both] = Field(default_factory=dict)
    """A more helpful one for some categories, such as where to turn in distress."""
    manual_fallback: Both | None = None
    """What people are told while the model's server is left alone: how to go on without it. None: a general text."""

    @property
    def given_words(self) -> tuple[str | tuple[str, str], ...]:
        """Return the keywords, each with its topic where it has one."""
        return tuple((word, self.word_topics[word]) if word in self.word_topics else word for word in self.words)

    @cached_property
    def digest(self) -> str:
        """Return the digest of the whole policy."""
        unused = set() if self.word_topics else {"word_topics"}  # a policy from before there were any keeps its digest
        return digest(self.model_dump(mode="json", exclude=unused))
