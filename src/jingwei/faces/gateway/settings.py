"""Settings of one gateway process."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.snapshot import PUBLIC_KEY
from jingwei.core.text import Both


class GatewaySettings(BaseModel):
    """Everything a gateway is told besides its snapshot."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    snapshot_path: Path
    spool_path: Path
    public_key_path: Path | None = None
    """The platform's public key; by default `platform.pub` beside the snapshot. Read once, when the gateway starts."""
    standalone: bool = False
    """True where no platform stands behind: the snapshot is the gateway's own, and nobody released anything."""
    snapshot_limit_seconds: float = Field(default=5.0, gt=0)
    """An older snapshot means refuse."""
    poll_seconds: float = Field(default=0.25, gt=0)
    max_body_bytes: int = Field(default=1024 * 1024, gt=0)
    max_answer_bytes: int = Field(default=8 * 1024 * 1024, gt=0)
    body_seconds: float = Field(default=15.0, gt=0)
    """How long a caller may take to send its body."""
    head_seconds: float = Field(default=10.0, gt=0)
    """How long a caller may take to send the head of a request."""
    connect_seconds: float = Field(default=3.0, gt=0)
    idle_seconds: float = Field(default=60.0, gt=0)
    """Longest silence of the model's server."""
    total_seconds: float = Field(default=300.0, gt=0)
    max_upstream_connections: int = Field(default=2048, gt=0)
    """Requests to models' servers at one time; further ones wait."""
    fallback_upstreams: dict[str, tuple[str, ...]] = {}
    """Further servers of the same model, by the address of the first, asked in this order where it does not answer."""
    upstream_dialects: dict[str, Literal["openai", "anthropic"]] = {}
    """What a model's server speaks, by its address; OpenAI's chat where nothing is said."""
    breaker_failures: int = Field(default=10, gt=0)
    """So many failures in a row, and a model's server is left alone for a while."""
    breaker_seconds: float = Field(default=15.0, gt=0)
    manual_fallback: Both | None = None
    """How people go on without the model meanwhile, where a System's own policy does not say. None: a general text."""
    telemetry_url: str = ""
    """OTLP address for spans over HTTP, such as `http://127.0.0.1:4318/v1/traces`; empty: none are made."""
    telemetry_share: float = Field(default=0.05, ge=0, le=1)
    """Share of the requests that leave spans."""
    drain_seconds: int = Field(default=30, gt=0)
    """How long answers under way may go on after the gateway was told to stop."""

    @property
    def key_path(self) -> Path:
        """Return where the platform's public key lies."""
        return self.public_key_path or self.snapshot_path.with_name(PUBLIC_KEY)
