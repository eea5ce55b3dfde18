"""The API as one ASGI application, mounted at `/api`.

Every call but `/health` and `/openapi.json` carries `Authorization: Bearer <API key>`; there are no cookies, so nothing
that another site could borrow. Any signed-in account may read everything; who may change what, the services decide.
There is no page to try the API on: the ready-made ones load their script from elsewhere, and ours allow none.
"""

from importlib.metadata import version

from fastapi import FastAPI

from jingwei.core.text import text
from jingwei.faces.api import (
    account_keys,
    accounts,
    approvals,
    artefacts,
    campaigns,
    candidates,
    catalogue,
    components,
    evaluations,
    events,
    evidence,
    facts,
    finds,
    gate,
    grading,
    health,
    knowledge,
    ledger,
    lexicons,
    me,
    overrides,
    policies,
    reassess,
    runs,
    supply,
    system_keys,
    systems,
    tokens,
    watch,
)  # fmt: skip
from jingwei.faces.api.failures import mount_failures
from jingwei.faces.api.security import HEADERS
from jingwei.faces.api.words import both
from jingwei.faces.web import Headers
from jingwei.platform import Platform

STREAM_SECONDS = 300.0
"""How long one event stream lasts; its reader comes back with `Last-Event-ID`, and its key is looked at again."""

_ROUTERS = tuple(
    module.router
    for module in (
        systems, facts, components, system_keys, grading, overrides, policies, evidence, artefacts, runs, gate,
        tokens, approvals, watch, lexicons, candidates, campaigns, finds, knowledge, reassess, events, ledger,
        catalogue, me, account_keys, accounts, evaluations, supply, health,
    )
)  # fmt: skip


def api(platform: Platform, *, stream_seconds: float = STREAM_SECONDS) -> FastAPI:
    """Build the API on a prepared platform.

    Args:
        platform: the services.
        stream_seconds: how long one event stream lasts.
    """
    app = FastAPI(
        title=text("faces.api:title").en,
        description=both("faces.api:about"),
        version=version("jingwei-ai"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.platform = platform
    app.state.stream_seconds = stream_seconds
    for router in _ROUTERS:
        app.include_router(router)
    mount_failures(app, _ROUTERS)
    app.add_middleware(Headers, headers=HEADERS)
    return app
