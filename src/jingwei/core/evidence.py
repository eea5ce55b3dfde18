"""Evidence: an immutable, content-addressed, signed result.

Evidence counts only while it is unexpired **and** while what it is bound to is what is in use. A correction is a
new run, never an edit. Its id is the SHA-256 of its canonical content; the platform's key signs that content.
"""

from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict

from jingwei.core.canonical import digest
from jingwei.core.configuration import Configuration
from jingwei.core.errors import Tampered
from jingwei.core.finding import Finding
from jingwei.core.signing import Signature, Signer, Verifier
from jingwei.core.target import Target
from jingwei.core.text import Both


class Outcome(StrEnum):
    """What an examination concluded. Incomplete is never a pass: something could not be looked at."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    INCOMPLETE = "incomplete"


class BoundTo(StrEnum):
    """What a piece of evidence proves something about; the catalogue gives one for each evidence type."""

    ORG = "org"
    SYSTEM = "system"
    RELEASE = "release"
    CONFIGURATION = "configuration"
    DEPLOYMENT = "deployment"
    MODEL_VERSION = "model_version"
    DATASET_VERSION = "dataset_version"
    VENDOR = "vendor"


class Binding(BaseModel):
    """The version of a thing that evidence holds for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    to: BoundTo
    digest: str
    observed: bool
    """False when the digest was only declared: such evidence cannot satisfy grade 4 or 5."""


class Measure(BaseModel):
    """One measured number, with its 95 % interval and sample size where it has them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Stable name, such as `attack_success_rate`."""
    title: Both
    value: float
    unit: Literal["ratio", "count", "seconds", "milliseconds", "bytes", "score"] = "ratio"
    low: float | None = None
    high: float | None = None
    samples: int | None = None

    @property
    def upper(self) -> float:
        """Return the upper end of its interval; the value itself where it has none."""
        return self.value if self.high is None else self.high


class Artefact(BaseModel):
    """A file kept beside the evidence in the blob store."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    media_type: str
    sha256: str
    size: int


class Source(BaseModel):
    """Who produced the evidence: a check, or a person through a record or a document."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["auto", "record", "document"]
    name: str
    """Check id for `auto`; else the evidence type's producer."""
    version: str = ""
    actor_id: str = ""
    """Account id of the person who entered it; empty for `auto`."""
    run_id: str = ""


class Draft(BaseModel):
    """What a check concludes, before the platform adds time, source and signature."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str
    """Evidence type of the catalogue, such as `EV-REDTEAM`."""
    outcome: Outcome
    summary: Both
    bindings: tuple[Binding, ...] = ()
    configuration: Configuration | None = None
    """Given where the binding is a configuration: its parts, so that a page can say which one changed."""
    measures: tuple[Measure, ...] = ()
    findings: tuple[Finding, ...] = ()
    artefacts: tuple[Artefact, ...] = ()
    examined: int = 1
    """How many units (files, prompts, rows) were looked at."""
    skipped: tuple[Both, ...] = ()
    """What was not looked at, and why. Not empty means the outcome is not a pass."""


class Evidence(Draft):
    """A finished, signed result."""

    system_id: str | None
    target: Target
    source: Source
    started_at: datetime
    finished_at: datetime
    signature: Signature

    @cached_property
    def content(self) -> dict[str, object]:
        """Return what is hashed and signed: everything but the signature."""
        return self.model_dump(mode="json", exclude={"signature"})

    @cached_property
    def id(self) -> str:
        """Return the SHA-256 of the content."""
        return digest(self.content)

    def verify(self, verifier: Verifier) -> None:
        """Check the signature.

        Raises:
            Tampered: the content or the signature was changed, or another key signed.
        """
        verifier.verify(self.content, self.signature)


def seal(draft: Draft, *, system_id: str | None, target: Target, source: Source, started_at: datetime,
         finished_at: datetime, signer: Signer) -> Evidence:  # fmt: skip
    """Turn a draft into signed evidence.

    Raises:
        Tampered: the draft claims a pass over something it skipped.
    """
    if draft.skipped and draft.outcome is Outcome.PASS:
        raise Tampered("core:evidence-pass-with-gaps", type=draft.type)
    unsigned = Evidence(
        **dict(draft),
        system_id=system_id,
        target=target,
        source=source,
        started_at=started_at,
        finished_at=finished_at,
        signature=Signature(key_id="", value=""),
    )
    return unsigned.model_copy(update={"signature": signer.sign(unsigned.content)})
