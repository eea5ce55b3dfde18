"""The home board: the framework with what is proven in it, the loop with where Systems stand, and what waits."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter

from jingwei.core.errors import JingweiError
from jingwei.core.policy import Decision
from jingwei.core.text import Both, text
from jingwei.faces.console.caller import Asking, Caller, shows
from jingwei.faces.console.pages.catalogue import BLUE_BOOK, PLACES
from jingwei.faces.console.pages.proven import LINES, SIDES, ecosystem, is_proven, places, proven_types
from jingwei.faces.console.views.board import BoardView, Cell, Step, Waiting
from jingwei.faces.console.views.parts import Stat
from jingwei.faces.console.wording import PACKAGE
from jingwei.manage import GateVerdict, ReleaseRequest, State, System
from jingwei.platform import Work

router = APIRouter()
SOON = timedelta(days=14)
SECTORS = ("finance", "health", "transport", "energy", "telecom")
STEPS = ("register", "grade", "require", "prove", "sign", "guard", "monitor", "handle", "reassess")
COUNTED = frozenset(STEPS) - {"handle"}
"""Steps at which a System can stand in this version; incidents have no source of data yet."""
_MOST_WAITING = 12


@dataclass(frozen=True, slots=True)
class Stood:
    """One System with its verdict, if it can be judged, and what else tells which step it stands at."""

    system: System
    verdict: GateVerdict | None
    request: ReleaseRequest | None = None
    reassess: bool = False
    checked: bool = False
    """Some check was run for it."""
    seen: bool = False
    """The guard has seen it at work."""

    @property
    def step(self) -> str:
        """Return the one step of the loop that the System stands at; `handle` comes with incident handling."""
        status, verdict = self.system.status, self.verdict
        if self.reassess or status == "suspended":
            return "reassess"
        if status in ("approved", "live"):
            return "monitor" if self.seen else "guard"
        if verdict is None:
            return "register" if status == "draft" else "grade"
        if status == "draft" or any(blocker.code == "not-graded" for blocker in verdict.blockers):
            return "grade"
        if self.request is not None or verdict.passed:
            return "sign"
        return "prove" if self.checked else "require"


def stand(caller: Caller, work: Work) -> list[Stood]:
    """Find out where every System stands; one that was retired stands nowhere."""
    work.survey()
    requests = {request.system_id: request for request in work.gate.requests(status="open")}
    due = {each.system_id for each in work.reassess.due()}
    systems = [system for system in work.registry.systems() if system.status != "retired"]
    seen = caller.platform.events.at_work([system.id for system in systems if system.status == "live"])
    checked = work.runs.checked()
    return [Stood(system, judged(work, system.id)[0], requests.get(system.id), reassess=system.id in due,
                  checked=system.id in checked, seen=system.id in seen) for system in systems]  # fmt: skip


def judged(work: Work, system_id: str) -> tuple[GateVerdict | None, Both | None]:
    """Return the gate's verdict, or why there is none."""
    try:
        return work.gate.verdict(system_id), None
    except JingweiError as error:
        return None, error.message


def board_view(caller: Asking) -> BoardView:
    """Count everything the board shows."""
    now = caller.platform.clock()
    with caller.reading() as work:
        stood = stand(caller, work)
        types = proven_types(work)
    cells = _cells(caller, types)
    steps = Counter(each.step for each in stood)
    busy = {"register", "grade", "require", "prove", "sign", "reassess"}
    waiting = sorted(_waiting(stood, caller, now), key=lambda item: _ORDER.index(item.kind))
    return BoardView(
        stats=tuple(_stats(caller, stood, now)),
        steps=tuple(
            Step(
                key=key,
                count=steps[key] if key in COUNTED else None,
                url=f"/systems?step={key}",
                busy=key in busy and steps[key] > 0,
            )
            for key in STEPS
        ),
        waiting=tuple(waiting[:_MOST_WAITING]),
        lines=tuple((line, tuple(cells[f"{line}.{side}"] for side in SIDES)) for line in LINES),
        ecosystem=tuple(cells[f"ecosystem.{name}"] for name in ecosystem()),
        sectors=tuple(cells[f"sector.{name}"] for name in SECTORS),
    )


_ORDER = ("stopped", "sign", "lapsed", "failed", "intake", "missing", "lapsing")


def _cells(caller: Caller, types: frozenset[str]) -> Mapping[str, Cell]:
    total: Counter[str] = Counter()
    proven: Counter[str] = Counter()
    for control in caller.platform.catalog.controls.values():
        for place in places(control):
            total[place] += 1
            proven[place] += is_proven(control, types)
    return {place: Cell(key=place, proven=proven[place], total=total[place],
                        url=f"/catalogue/{BLUE_BOOK}?place={place}") for place in PLACES}  # fmt: skip


def _stats(caller: Caller, stood: list[Stood], now: datetime) -> Iterator[Stat]:
    counts = caller.platform.events.counts(after=now - timedelta(days=1))
    blocked = sum(count.events for count in counts if count.decision == Decision.BLOCK and not count.trial)
    live = sum(1 for each in stood if each.system.status == "live")
    signing = sum(1 for each in stood if each.request is not None)
    lapsing = sum(1 for each in stood for _ in _lapsing(each, now))
    yield Stat(key="systems", count=len(stood), url="/systems")
    yield Stat(key="live", count=live, url="/systems?status=live")
    yield Stat(key="waiting", count=signing, url="/gate?status=open", tone="warn")
    yield Stat(key="lapsing", count=lapsing, url="/evidence?lapsing=yes", tone="warn")
    yield Stat(key="blocked", count=blocked, url="/events?decision=block")


def _lapsing(each: Stood, now: datetime) -> Iterator[tuple[object, datetime]]:
    for item in each.verdict.items if each.verdict else ():
        if item.state is State.VALID and item.expires_at is not None and item.expires_at - now < SOON:
            yield item.title, item.expires_at


def _waiting(stood: list[Stood], caller: Caller, now: datetime) -> Iterator[Waiting]:
    for each in stood:
        name, page = each.system.name, f"/systems/{each.system.id}"
        if each.request is not None:
            roles = caller.wording.listed(caller.wording.say(f"role.{role}") for role in each.request.roles_wanted)
            yield Waiting(
                kind="sign", system=name, detail=roles, url=f"{page}/gate", tone="info", at=each.request.requested_at
            )
        if each.verdict is None:
            yield Waiting(
                kind="intake", system=name, detail=text(f"{PACKAGE}:system.ungraded"), url=f"{page}/facts", tone="warn"
            )
            continue
        for blocker in each.verdict.blockers:
            if blocker.code == "stop":
                yield Waiting(kind="stopped", system=name, detail=blocker.says, url=page, tone="bad")
        yield from _short(each, now)


def _short(each: Stood, now: datetime) -> Iterator[Waiting]:
    name, page = each.system.name, f"/systems/{each.system.id}/gate"
    verdict = each.verdict
    if verdict is None:
        return
    groups = {
        "failed": (State.FAILED,),
        "lapsed": (State.EXPIRED, State.STALE),
        "missing": (State.MISSING, State.INCOMPLETE, State.UNOBSERVED),
    }
    tones = {"failed": "bad", "lapsed": "warn", "missing": "quiet"}
    for kind, states in groups.items():
        found = [item for item in verdict.items if item.state in states]
        if found:
            first = found[0].title
            detail = text(f"{PACKAGE}:waiting.several", first=first, count=len(found)) if len(found) > 1 else first
            yield Waiting(kind=kind, system=name, detail=detail, url=page, tone=tones[kind])
    soonest = min((at for _, at in _lapsing(each, now)), default=None)
    if soonest is not None:
        count = sum(1 for _ in _lapsing(each, now))
        yield Waiting(
            kind="lapsing",
            system=name,
            detail=text(f"{PACKAGE}:waiting.count", count=count),
            url=page,
            tone="warn",
            at=soonest,
        )


router.add_api_route("/", shows("board.html", board_view))
