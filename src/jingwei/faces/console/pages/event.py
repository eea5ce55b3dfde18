"""One event explained: which rules, under which setting of which policy and which words, and what else happened."""

from fastapi import APIRouter

from jingwei.core.errors import JingweiError
from jingwei.core.event import Event
from jingwei.core.policy import Category, Policy
from jingwei.deploy.guard.answers import control_ids
from jingwei.detect import titles
from jingwei.faces.console.caller import Asking, Caller, shows
from jingwei.faces.console.pages.catalogue import entries
from jingwei.faces.console.pages.events import event_line, system_names
from jingwei.faces.console.reasons import own_rule
from jingwei.faces.console.views.events import EventView, FiredLine, SpanLine
from jingwei.faces.console.views.parts import Label, Link
from jingwei.manage import AttachedPolicy
from jingwei.platform import Narrowed, topic_titles

router = APIRouter()
_MOST_NEAR = 20
_SHOWN_APART = frozenset({"spans", "unjudged"})


def event_view(event_id: str, caller: Asking) -> EventView:
    """Gather what explains one event."""
    event = caller.platform.events.event(event_id)
    names = system_names(caller)
    near = caller.platform.events.newest(Narrowed(request_id=event.request_id), limit=_MOST_NEAR)
    attached, policy = _policy(caller, event)
    return EventView(
        event=event_line(event, names), principal=event.principal, session=event.session, request_id=event.request_id,
        server=event.server, fired=tuple(_fired(event, caller)), spans=tuple(_spans(event)),
        unjudged=tuple(_unjudged(event)), settings=tuple(_settings(event, policy)), policy_digest=event.policy_digest,
        policy_at=attached.attached_at if attached else None, lexicons=tuple(_lexicons(event)),
        details=tuple((name, value) for name, value in event.details.items() if name not in _SHOWN_APART),
        near=tuple(event_line(each, names) for each in reversed(near) if each.id != event.id and event.request_id),
    )  # fmt: skip


def rule_title(rule_id: str) -> Label:
    """Return what a detector's rule is called; its id, where no catalogue has it."""
    known = titles().get(rule_id) or topic_titles().get(rule_id.removeprefix("keyword."))
    return known or own_rule(rule_id)


def _policy(caller: Caller, event: Event) -> tuple[AttachedPolicy | None, Policy | None]:
    """Find the policy that decided, while it is still in force; of an earlier one only when it was attached."""
    try:
        with caller.reading() as work:
            history = work.policies.history(event.system_id)
            present = work.policies.in_force(event.system_id)
    except JingweiError:  # the System is gone
        return None, None
    attached = next((each for each in history if each.digest == event.policy_digest), None)
    return attached, present if present is not None and present.digest == event.policy_digest else None


def _fired(event: Event, caller: Caller) -> list[FiredLine]:
    catalog, found = caller.platform.catalog, []
    for rule in event.rule_ids:
        category = next((each for each in event.categories if rule.startswith(each.value + ".")), None)
        ids = control_ids(rule, category) if category else ()
        controls = tuple(
            Link(name=each, url=f"/catalogue/{pack.pack}/{each}")
            for each in ids for pack in catalog.packs if any(entry.id == each for entry in entries(pack))
        )  # fmt: skip
        found.append(FiredLine(id=rule, title=rule_title(rule), controls=controls))
    return found


def _spans(event: Event) -> list[SpanLine]:
    """Read `path:start-end:rule:score`, one after another; what is written otherwise is left out."""
    found = []
    for piece in filter(None, event.details.get("spans", "").split(";")):
        path, _, rest = piece.partition(":")
        place, _, told = rest.partition(":")
        start, _, end = place.partition("-")
        rule, _, score = told.partition(":")
        if start.isdigit() and end.isdigit():
            found.append(SpanLine(path=path, start=int(start), end=int(end), rule=rule, score=score))
    return found


def _unjudged(event: Event) -> list[tuple[str, str]]:
    known = set(Category)
    pieces = [piece.partition(":") for piece in event.details.get("unjudged", "").split(";")]
    return [(category, why) for category, _, why in pieces if category in known]


def _settings(event: Event, policy: Policy | None) -> list[tuple[str, str, str]]:
    if policy is None:
        return []
    return [
        (rule.category.value, (rule.inbound if event.direction == "inbound" else rule.outbound).value,
         f"{rule.threshold:g}")
        for rule in policy.rules
        if rule.category in event.categories
    ]  # fmt: skip


def _lexicons(event: Event) -> list[Link]:
    """Read `organisation@12.3f9a0c81be72,…`."""
    found = []
    for piece in filter(None, event.lexicon.split(",")):
        name, _, version = piece.partition("@")
        number = version.partition(".")[0]
        found.append(Link(name=piece, url=f"/lexicons/{name}/versions/{number}" if number.isdigit() else ""))
    return found


router.add_api_route("/events/{event_id}", shows("event.html", event_view))
