"""Ids in addresses, and the small bodies that several operations share."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_core import PydanticCustomError

from jingwei.core.identity import Denied, Reauthentication
from jingwei.faces.api.words import line
from jingwei.faces.web import Caller

_ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
_SHA256 = r"^[0-9a-f]{64}$"

Text = Annotated[str, Field(max_length=4000)]

SystemId = Annotated[str, Path(pattern=_ID, description=line("faces.api:the-system"))]
ComponentId = Annotated[str, Path(pattern=_ID, description=line("faces.api:the-component"))]
ApprovalId = Annotated[str, Path(pattern=_ID, description=line("faces.api:the-approval"))]
OverrideId = Annotated[str, Path(pattern=_ID, description=line("faces.api:the-override"))]
RequestId = Annotated[str, Path(pattern=_ID, description=line("faces.api:the-request"))]
RunId = Annotated[str, Path(pattern=_ID, description=line("faces.api:the-run"))]
TokenId = Annotated[str, Path(pattern=_ID, description=line("faces.api:the-token"))]
KeyId = Annotated[str, Path(pattern=_ID, description=line("faces.api:the-key"))]
GrantId = Annotated[str, Path(pattern=_ID, description=line("faces.api:the-grant"))]
AccountId = Annotated[str, Path(pattern=_ID, description=line("faces.api:the-account"))]
EvidenceId = Annotated[str, Path(pattern=_SHA256, description=line("faces.api:the-evidence"))]
Sha256 = Annotated[str, Path(pattern=_SHA256, description=line("faces.api:the-sha256"))]


def _written(given: object) -> object:
    """Refuse a bare number, which would be read as seconds since 1970."""
    if isinstance(given, str) and "T" not in given.upper():
        raise PydanticCustomError("datetime_parsing", "no moment")
    return given


Moment = Annotated[AwareDatetime, BeforeValidator(_written)]
OfSystem = Annotated[str | None, Query(alias="system", pattern=_ID, description=line("faces.api:the-system"))]


class Given(BaseModel):
    """A JSON body: unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Confirmed(Given):
    """A body with which a person proves themself again, for this one act."""

    password: SecretStr
    code: SecretStr = SecretStr("")
    """From the authenticator, where one is enrolled."""


class Reason(Given):
    """Why."""

    reason: Text


def proven(caller: Caller, confirmed: Confirmed, *, purpose: str) -> Reauthentication:
    """Return the caller's proof for one act.

    Raises:
        JingweiError: the password or code did not hold.
    """
    proof = caller.proof(confirmed.password.get_secret_value(), purpose=purpose, code=confirmed.code.get_secret_value())
    if isinstance(proof, Denied):
        raise proof.error()
    return proof
