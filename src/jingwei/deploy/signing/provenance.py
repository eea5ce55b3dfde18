"""Where a model comes from: SLSA provenance in an in-toto statement, signed with the key that signs the model."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jingwei.core.errors import Tampered
from jingwei.deploy.signing.envelope import opened, seal
from jingwei.deploy.signing.signature import PROVENANCE, Examination

_STATEMENT = "https://in-toto.io/Statement/v1"
_SLSA = "https://slsa.dev/provenance/v1"
_BUILD = "urn:jingwei:model-training:1"


class Source(BaseModel):
    """Something that a model was made from: data, a base model, code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str
    """Such as `git+https://…@commit` or `dataset:support-chats`."""
    digest: Mapping[str, str] = Field(min_length=1)
    """By algorithm: `sha256`, or `gitCommit`."""


class Provenance(BaseModel):
    """Who made a model, when, and from what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    builder: str
    """Who built it: a pipeline or a person's account."""
    sources: tuple[Source, ...] = ()
    parameters: Mapping[str, str] = {}
    """What the run was told."""
    started_at: datetime | None = None
    finished_at: datetime | None = None


def sign_provenance(provenance: Provenance, examined: Examination, key: Path, *, folder: Path,
                    name: str = PROVENANCE) -> Path:  # fmt: skip
    """State and sign where a model comes from, bound to the digest that its signature gives it.

    Args:
        provenance: what is stated.
        examined: a verification of the signed model without differences.
        key: file of the private key.
        folder: where the envelope is written.
        name: name of its file.

    Raises:
        Tampered: the model differs from what was signed: nothing is stated of it.
    """
    if examined.differences:
        raise Tampered("deploy.signing:differs", path=str(folder), count=len(examined.differences),
                       files=", ".join(each.path for each in examined.differences[:10]))  # fmt: skip
    times = {"startedOn": provenance.started_at, "finishedOn": provenance.finished_at}
    statement = {
        "_type": _STATEMENT,
        "subject": [{"name": folder.name, "digest": {"sha256": examined.digest}}],
        "predicateType": _SLSA,
        "predicate": {
            "buildDefinition": {
                "buildType": _BUILD,
                "externalParameters": dict(provenance.parameters),
                "resolvedDependencies": [{"uri": each.uri, "digest": dict(each.digest)} for each in provenance.sources],
            },
            "runDetails": {
                "builder": {"id": provenance.builder},
                "metadata": {key: moment.isoformat() for key, moment in times.items() if moment},
            },
        },
    }
    path = folder / name
    path.write_bytes(seal(statement, key))
    return path


def verify_provenance(path: Path, public: Path, *, digest: str) -> Provenance:
    """Return what is stated of a model.

    Raises:
        InputError: the file or the key is not there.
        Tampered: the signature does not hold, or it speaks of another model.
    """
    statement = opened(path, public)
    try:
        named = [each["digest"].get("sha256") for each in statement["subject"]]
        kinds = statement["_type"], statement["predicateType"]
        predicate: Mapping[str, Any] = statement["predicate"]
        definition, details = predicate["buildDefinition"], predicate["runDetails"]
        metadata = details.get("metadata", {})
        read = Provenance(
            builder=details["builder"]["id"],
            sources=tuple(
                Source(uri=each["uri"], digest=each["digest"]) for each in definition["resolvedDependencies"]
            ),
            parameters=definition["externalParameters"],
            started_at=metadata.get("startedOn"),
            finished_at=metadata.get("finishedOn"),
        )
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        raise Tampered("deploy.signing:envelope-other", path=str(path), kind="?") from error
    if digest not in named or kinds != (_STATEMENT, _SLSA):
        raise Tampered("deploy.signing:provenance-other", path=str(path))
    return read
