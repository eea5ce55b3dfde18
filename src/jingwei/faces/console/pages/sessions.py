"""Sessions of agents and conversations, each with its timeline; and what the guard found, over time."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response

from jingwei.core.errors import NotFound
from jingwei.faces.console import figures
from jingwei.faces.console.caller import Asked, Asking, shows
from jingwei.faces.console.pages.event import rule_title
from jingwei.faces.console.pages.events import event_line, system_names
from jingwei.faces.console.views.events import (
    DECISIONS,
    SessionLine,
    SessionsView,
    SessionView,
    TrendLine,
    TrendsView,
)  # fmt: skip
from jingwei.faces.console.views.parts import Choice
from jingwei.faces.console.wording import PACKAGE
from jingwei.manage import may
from jingwei.platform import Narrowed, Session

router = APIRouter()
_WEEK = timedelta(days=7)
_SPANS: dict[str, tuple[Literal["hour", "day"], timedelta]] = {
    "hour": ("hour", timedelta(hours=48)), "day": ("day", timedelta(days=30)),
}  # fmt: skip
_MOST_EVENTS = 200


def sessions_view(caller: Asking, asked: Asked) -> SessionsView:
    """List the sessions of the last week."""
    names = system_names(caller)
    since = caller.platform.clock() - _WEEK
    found = caller.platform.events.sessions(system_id=asked.filter("system"), since=since)
    return SessionsView(rows=tuple(_line(each, names) for each in found), system_id=asked.filter("system"),
                        systems=tuple(Choice(value=id_, label=name) for id_, name in names.items()))  # fmt: skip


def _line(found: Session, names: Mapping[str, str]) -> SessionLine:
    counts = {decision.value: count for decision, count in found.decisions.items()}
    return SessionLine(
        session=found.session, system_id=found.system_id, system=names.get(found.system_id, found.system_id),
        principals=", ".join(found.principals), first_at=found.first_at, last_at=found.last_at, events=found.events,
        decisions=tuple((name, counts[name]) for name in DECISIONS if counts.get(name)),
    )  # fmt: skip


def session_view(system_id: str, session: str, caller: Asking) -> SessionView:
    """Show one session."""
    names = system_names(caller)
    found = caller.platform.events.newest(Narrowed(system_id=system_id, session=session), limit=_MOST_EVENTS)
    if not found:
        raise NotFound(f"{PACKAGE}:error.not-found")
    with caller.reading() as work:
        system = work.registry.system(system_id)
    owns = caller.actor.id in {system.owner_id, system.registered_by}
    return SessionView(
        session=session, system_id=system_id, system=names.get(system_id, system_id),
        principals=", ".join(sorted({each.principal for each in found} - {""})),
        rows=tuple(event_line(each, names) for each in reversed(found)), cut=len(found) == _MOST_EVENTS,
        watchable=may(caller.actor, "watch.keep", domain=system.domain, owns=owns),
    )  # fmt: skip


def trends_view(caller: Asking, asked: Asked) -> TrendsView:
    """Count what was found by hour over two days, or by day over thirty."""
    unit, span = _SPANS.get(asked.filter("unit"), _SPANS["hour"])
    now, names = caller.platform.clock(), system_names(caller)
    found = caller.platform.events.hits(system_id=asked.filter("system"), since=now - span, until=now, unit=unit)
    return TrendsView(
        systems=tuple(Choice(value=id_, label=name) for id_, name in names.items()), system_id=asked.filter("system"),
        unit=unit, buckets=found.buckets, verdicts=found.verdicts, stopped=found.stopped,
        lines=tuple(TrendLine(category=name.value, counts=counts) for name, counts in found.categories.items()),
        rules=tuple((rule, rule_title(rule), count) for rule, count in found.rules.items()),
    )  # fmt: skip


router.add_api_route("/events/sessions", shows("sessions.html", sessions_view))


@router.get("/events/sessions/{system_id}/{session}")
def session(caller: Asking, view: Annotated[SessionView, Depends(session_view)]) -> Response:
    """Show one session."""
    return caller.page.render("session.html", view=view, figures=figures.of_session(view, caller.wording))


@router.get("/events/trends")
def trends(caller: Asking, view: Annotated[TrendsView, Depends(trends_view)]) -> Response:
    """Show the trends."""
    return caller.page.render("trends.html", view=view, figures=figures.of_trends(view, caller.wording))
