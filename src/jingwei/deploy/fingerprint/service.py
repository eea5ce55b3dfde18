"""One service asked from beginning to end: its scheme found, identified, and told as one thing that was scanned."""

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from jingwei.deploy.fingerprint.answer import Answer
from jingwei.deploy.fingerprint.client import Patience, Silence
from jingwei.deploy.fingerprint.findings import LEFT_BEHIND, ORIGIN, findings, gap
from jingwei.deploy.fingerprint.identify import LOGIN, Component, Identity, identify
from jingwei.deploy.fingerprint.rule import MISSING, ROOT
from jingwei.deploy.fingerprint.targets import Place
from jingwei.deploy.fingerprint.tls import Tls, shake, told
from jingwei.deploy.fingerprint.visit import MOST_REQUESTS, Asked, Visit
from jingwei.deploy.scanned import Scanned, plain

_SOMETHING_ELSE = frozenset({Silence.NOT_HTTP, Silence.CLOSED})
_BEHIND = re.compile(r"(/[\w.~-]{1,60})/")
_WANTS_TLS = ("sent to HTTPS port", "HTTP request to an HTTPS", "sent an HTTP request to an HTTPS")


@dataclass(frozen=True, slots=True)
class Manner:
    """How services are asked."""

    patience: Patience = field(default_factory=Patience)
    per_second: float = 20.0
    most_requests: int = MOST_REQUESTS


@dataclass(frozen=True, slots=True)
class Examined:
    """One service, and every request that was made of it."""

    place: Place
    scanned: Scanned
    log: tuple[Asked, ...]
    components: tuple[Component, ...] = ()

    @property
    def there(self) -> bool:
        """Tell whether anything answered."""
        return self.scanned.facts.get("answered") != Silence.REFUSED


async def examine(place: Place, manner: Manner) -> Examined:
    """Ask one service."""
    visit, tls = await _opened(place, manner)
    if ROOT not in visit.answers:
        return _silent(visit)
    identity = await identify(visit)
    if not identity.components and (behind := _behind(visit)):
        below = replace(visit, place=replace(visit.place, prefix=behind), answers={}, silences={})
        found = await identify(below)
        if found.components:
            visit, identity = below, found
    await visit.ask(LEFT_BEHIND)
    origin = await visit.once_more(ROOT, {"Origin": ORIGIN})
    return Examined(visit.place, _told(visit, identity, tls, origin), tuple(visit.log), identity.components)


def _silent(visit: Visit) -> Examined:
    """Tell of a service that gave no answer: a gap, but where a whole host was asked and something else listens."""
    place, why = visit.place, visit.silences.get(ROOT, Silence.UNREACHABLE)
    gaps = () if not place.expected and why in _SOMETHING_ELSE else (gap(why.value, place.url),)
    scanned = Scanned(
        path=place.url, gaps=gaps, facts={"answered": why.value, "address": f"{place.address}:{place.port}"}
    )
    return Examined(place, scanned, tuple(visit.log))


async def _opened(place: Place, manner: Manner) -> tuple[Visit, Tls | None]:
    """Return a visit whose start page was asked, over TLS where that is what the service speaks."""
    if place.scheme == "https":
        return await _secured(place, manner) or _lost(place, manner)
    visit = _visit(replace(place, scheme="http"), manner, None)
    await visit.ask([ROOT])
    if not place.scheme and _wants_tls(visit):
        return await _secured(replace(place, scheme="https"), manner) or (visit, None)
    return visit, None


async def _secured(place: Place, manner: Manner) -> tuple[Visit, Tls] | None:
    shaken = await shake(place, manner.patience)
    if shaken is None:
        return None
    tls, context = shaken
    visit = _visit(place, manner, context)
    visit.count(tls.version)
    await visit.ask([ROOT])
    return visit, tls


def _lost(place: Place, manner: Manner) -> tuple[Visit, None]:
    visit = _visit(place, manner, None)
    visit.silences[ROOT] = Silence.TLS
    visit.count(Silence.TLS.value)
    return visit, None


def _behind(visit: Visit) -> str:
    """Return the path that a service lies behind, where its start page leads to one on the same service."""
    if visit.place.prefix:
        return ""
    moved = visit.answers[ROOT].moved
    found = _BEHIND.match(urlsplit(moved[-1]).path) if moved else None
    return found[1] if found else ""


def _visit(place: Place, manner: Manner, tls: ssl.SSLContext | None) -> Visit:
    return Visit(place, manner.patience, per_second=manner.per_second, most=manner.most_requests, tls=tls)


def _wants_tls(visit: Visit) -> bool:
    answer = visit.answers.get(ROOT)
    if answer is not None:
        return answer.status == 400 and any(mark in answer.text for mark in _WANTS_TLS)
    return visit.silences.get(ROOT) in {Silence.NOT_HTTP, Silence.CLOSED}


def _told(visit: Visit, identity: Identity, tls: Tls | None, origin: Answer | None) -> Scanned:
    place = visit.place
    late = not visit.left and visit.used < visit.most
    control = visit.answers.get(MISSING)
    gaps = [gap("slow", place.url)] if late else []
    if control is not None and control.status >= 500:
        gaps.append(gap("not-ready", place.url))
    return Scanned(
        path=place.url,
        format=identity.components[0].rule.id if identity.components else "http",
        findings=tuple(findings(visit, identity, tls, origin)),
        gaps=tuple(gaps),
        facts=dict(_facts(visit, identity, tls)),
    )


def _facts(visit: Visit, identity: Identity, tls: Tls | None) -> Iterator[tuple[str, str]]:
    """Give what was learnt, what matters most first."""
    if identity.components:
        yield from _of_components(*identity.components)
    elif visit.answers[ROOT].status in {401, 403}:
        yield "auth", LOGIN
    yield "address", f"{visit.place.address}:{visit.place.port}"
    yield from told(tls)
    if server := visit.answers[ROOT].header("server"):
        yield "server", plain(server)
    yield "requests", str(len(visit.log))


def _of_components(first: Component, *more: Component) -> Iterator[tuple[str, str]]:
    yield "component", first.rule.id
    yield "version", first.version
    yield "auth", first.login
    if more:
        yield "also", "; ".join(" ".join(filter(None, (each.rule.id, each.version, each.login))) for each in more)
    yield "name", first.rule.name
    yield "purl", _purl(first)
    yield "cpe", first.rule.cpe
    yield "aliases", ", ".join(first.rule.names)
    yield "known_by", "; ".join(first.facts)


def _purl(component: Component) -> str:
    purl = component.rule.purl
    return f"{purl}@{component.version}" if purl and component.version else purl
