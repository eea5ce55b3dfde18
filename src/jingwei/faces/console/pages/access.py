"""What opens a System at the gateway: making and ending its keys, revoking its tokens."""

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from jingwei.core.errors import NotFound
from jingwei.faces.console.caller import Asking, Caller, Posted
from jingwei.faces.console.views.access import KeyLine, NewKeyView, TokenLine
from jingwei.faces.console.wording import PACKAGE
from jingwei.platform import Work

router = APIRouter()
_MOST_TOKENS = 20
_LONGEST_NAME = 80


def keys_of(work: Work, system_id: str, caller: Caller) -> tuple[KeyLine, ...]:
    """List a System's keys, newest first."""
    now = caller.platform.clock()
    return tuple(
        KeyLine(id=key.id, name=key.name, created_at=key.created_at,
                ended=key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now))
        for key in reversed(work.keys.keys(system_id=system_id))
    )  # fmt: skip


def tokens_of(work: Work, system_id: str, caller: Caller) -> tuple[TokenLine, ...]:
    """List a System's newest tokens, those that still open something first."""
    now = caller.platform.clock()
    lines = [
        TokenLine(id=token.id, kind=token.kind, issued_at=token.issued_at, expires_at=token.expires_at,
                  state="revoked" if token.revoked_at else "live" if now < token.expires_at else "expired",
                  reason=token.reason)
        for token in work.tokens.tokens(system_id)
    ]  # fmt: skip
    return tuple(sorted(lines, key=lambda line: line.state != "live")[:_MOST_TOKENS])


@router.post("/systems/{system_id}/keys")
def make_key(system_id: str, caller: Asking, sent: Posted) -> Response:
    """Make a key and show it, once."""
    settings = caller.platform.settings
    with caller.work("key.make") as work:
        system = work.registry.system(system_id)
        name = sent["name"][:_LONGEST_NAME] or system.name
        made = work.registry.make_key(system_id, name, actor=caller.actor)
    caller.publish()
    view = NewKeyView(system_id=system_id, system=system.name, name=name, key=made.key,
                      gateway=f"http://{settings.host}:{settings.gateway_port}/v1")  # fmt: skip
    return caller.page.render("key.html", view=view)


@router.post("/systems/{system_id}/keys/{key_id}/revoke")
def revoke_key(system_id: str, key_id: str, caller: Asking, sent: Posted) -> Response:  # noqa: ARG001 - checks the form's secret
    """End a key."""
    with caller.work("key.revoke") as work:
        if all(key.id != key_id for key in work.keys.keys(system_id=system_id)):
            raise NotFound(f"{PACKAGE}:error.not-found")
        work.registry.revoke_key(key_id, actor=caller.actor)
    caller.publish()
    return RedirectResponse(f"/systems/{system_id}#access-head", 303)


@router.post("/systems/{system_id}/tokens/{token_id}/revoke")
def revoke_token(system_id: str, token_id: str, caller: Asking, sent: Posted) -> Response:
    """Revoke a token, for a reason."""
    with caller.work("token.revoke") as work:
        if all(token.id != token_id for token in work.tokens.tokens(system_id)):
            raise NotFound(f"{PACKAGE}:error.not-found")
        work.tokens.revoke(token_id, actor=caller.actor, reason=sent["reason"])
    caller.publish()
    return RedirectResponse(f"/systems/{system_id}#access-head", 303)
