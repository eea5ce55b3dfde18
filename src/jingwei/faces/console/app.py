"""The console as an app: pages, static files, headers and errors, over one Platform."""

from fastapi import FastAPI

from jingwei.faces.console import assets
from jingwei.faces.console.failures import mount_failures
from jingwei.faces.console.pages import (
    access,
    answers,
    approvals,
    board,
    campaign,
    campaigns,
    candidate,
    candidates,
    catalogue,
    enter,
    evaluations,
    event,
    events,
    evidence,
    file,
    gate,
    grade,
    jobs,
    knowledge,
    ledger,
    lexicon_changes,
    lexicons,
    measured,
    missing,
    people,
    policy,
    reviews,
    sessions,
    supply,
    system,
    systems,
    watch,
)
from jingwei.faces.console.security import HEADERS
from jingwei.faces.web import Headers
from jingwei.platform import Platform

_ROOMS = (
    people, board, systems, file, system, missing, access, grade, policy, answers, enter, gate, measured, reviews,
    evaluations, supply, evidence,
    jobs, events, sessions, event, lexicons, lexicon_changes, candidates,
    candidate, approvals, watch, campaigns, campaign, knowledge, ledger, catalogue,
)  # fmt: skip


def console(platform: Platform) -> FastAPI:
    """Build the console.

    Args:
        platform: prepared; the console asks its services and holds nothing itself.
    """
    app = FastAPI(title="Jingwei", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.platform = platform
    app.include_router(assets.router)
    for room in _ROOMS:
        app.include_router(room.router)
    mount_failures(app)
    app.add_middleware(Headers, headers=HEADERS)
    return app
