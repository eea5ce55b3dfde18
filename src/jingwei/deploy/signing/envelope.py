"""Statements in signed envelopes: DSSE, as in-toto writes it; what is signed is the type and the exact bytes."""

import base64
import binascii
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jingwei.core.errors import InputError, Tampered
from jingwei.deploy.signing.keys import holds, private_key, public_key, signed

STATEMENT = "application/vnd.in-toto+json"
LARGEST = 64 * 1024 * 1024


class _Mark(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    keyid: str = ""
    sig: str


class Envelope(BaseModel):
    """A signed envelope as it lies in a file."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    payload_type: str = Field(alias="payloadType")
    payload: str
    signatures: tuple[_Mark, ...] = Field(min_length=1, max_length=16)


def _authenticated(kind: str, payload: bytes) -> bytes:
    """Return the bytes that are signed: DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(kind.encode()), kind.encode(), len(payload), payload)


def seal(statement: dict[str, Any], key: Path, *, kind: str = STATEMENT) -> bytes:
    """Sign a statement and return the envelope's content."""
    payload = json.dumps(statement, ensure_ascii=False, sort_keys=True).encode()
    mark = {"keyid": "", "sig": base64.b64encode(signed(_authenticated(kind, payload), private_key(key))).decode()}
    made = {"payloadType": kind, "payload": base64.b64encode(payload).decode(), "signatures": [mark]}
    return json.dumps(made, indent=1).encode() + b"\n"


def opened(path: Path, key: Path, *, kind: str = STATEMENT) -> dict[str, Any]:
    """Read an envelope and return its statement, once one of its signatures was found to be the key's.

    Raises:
        InputError: the file is not there, or is no envelope.
        Tampered: no signature holds, or it is an envelope for something else.
    """
    envelope = read_envelope(path)
    if envelope.payload_type != kind:
        raise Tampered("deploy.signing:envelope-other", path=str(path), kind=envelope.payload_type[:80])
    try:
        payload = base64.b64decode(envelope.payload, validate=True)
        marks = [base64.b64decode(mark.sig, validate=True) for mark in envelope.signatures]
    except (ValueError, binascii.Error) as error:
        raise InputError("deploy.signing:envelope-unread", field="path", path=str(path)) from error
    content, public = _authenticated(envelope.payload_type, payload), public_key(key)
    if not any(holds(content, mark, public) for mark in marks):
        raise Tampered("deploy.signing:signature-invalid", path=str(path))
    return _statement(payload, path)


def read_envelope(path: Path) -> Envelope:
    """Read an envelope without judging it.

    Raises:
        InputError: the file is not there, too large, or no envelope.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise InputError("deploy.signing:envelope-unread", field="path", path=str(path))
        return Envelope.model_validate_json(content)
    except (OSError, ValidationError) as error:
        raise InputError("deploy.signing:envelope-unread", field="path", path=str(path)) from error


def _statement(payload: bytes, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise InputError("deploy.signing:envelope-unread", field="path", path=str(path)) from error
    if not isinstance(value, dict):
        raise InputError("deploy.signing:envelope-unread", field="path", path=str(path))
    return value
