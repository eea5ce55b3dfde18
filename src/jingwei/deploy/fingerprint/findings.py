"""What a service is told for: open without a login, cleartext, a weak certificate, a debug page, foreign origins."""

import re
from collections.abc import Iterator
from ipaddress import ip_address

from jingwei.core.finding import Location, Severity
from jingwei.core.text import Both, text
from jingwei.deploy.fingerprint.answer import Answer
from jingwei.deploy.fingerprint.identify import OPEN, Component, Identity
from jingwei.deploy.fingerprint.rule import MISSING, ROOT, finding_rules
from jingwei.deploy.fingerprint.tls import Tls
from jingwei.deploy.fingerprint.visit import Visit
from jingwei.deploy.scanned import Seen, plain

ORIGIN = "https://origin.invalid"
"""An origin that no server was told to allow."""
_DEBUGGERS = ("__debugger__=yes", "EVALEX = true")
_DEBUG_PAGES = ("You're seeing this error because you have <code>DEBUG = True</code>", "Werkzeug Debugger</title>")
_MOST_MAYBE = 3
LEFT_BEHIND = ("/.env", "/.mcp.json", "/.cursor/mcp.json")
"""Files of a project's folder that should never be served."""
_KEYS = re.compile(
    r"(?m)^(?:export )?([A-Z][A-Z0-9_]{0,40}(?:_API_KEY|_SECRET|_TOKEN|_PASSWORD))[ \t]*=[ \t]*['\"]?[^\s'\"]{12,}"
)


def findings(visit: Visit, identity: Identity, tls: Tls | None, origin: Answer | None) -> Iterator[Seen]:
    """Give every finding of one service."""
    url = visit.place.url
    told = {found.evidence + found.rule_id: found for each in identity.components for found in _of_component(each, url)}
    yield from told.values()
    for rule in identity.maybe[:_MOST_MAYBE]:
        yield _seen("maybe", url, evidence=rule.id, component=rule.name)
    if identity.claims:
        yield _seen("many-claims", url, evidence=", ".join(identity.claims), components=", ".join(identity.claims))
    yield from _of_models(visit)
    yield from _of_docs(visit)
    yield from _of_files(visit)
    yield from _of_debug(visit)
    yield from _of_transport(visit, tls)
    if origin is not None:
        yield from _of_origin(origin, url)


def _of_component(each: Component, url: str) -> Iterator[Seen]:
    shown = f"{each.rule.name} {each.version}".strip()
    if each.login == OPEN:
        yield _seen(f"open-{each.rule.opens.value}", url, evidence=each.shown_by, title="open", remedy="open-remedy",
                    component=shown, shown=each.shown_by)  # fmt: skip
    if not each.version:
        yield _seen("version-unknown", url, evidence=", ".join(each.facts), component=each.rule.name)


def _of_models(visit: Visit) -> Iterator[Seen]:
    answer = visit.answers.get("/v1/models")
    listed = list(answer.at("data")) if answer and answer.status == 200 else []
    if (
        answer
        and listed
        and isinstance(listed[0], list)
        and any(isinstance(each, str) for each in answer.at("data.*.id"))
    ):
        names = [str(each) for each in answer.at("data.*.id")]
        yield _seen("models-listed", visit.place.url, evidence=", ".join(names), count=len(listed[0]))


def _of_docs(visit: Visit) -> Iterator[Seen]:
    answer = visit.answers.get("/openapi.json")
    if answer is None or answer.status != 200:
        return
    title = next((str(each) for each in answer.at("info.title")), "")
    paths = next((len(each) for each in answer.at("paths") if isinstance(each, dict)), 0)
    if title and paths:
        yield _seen("docs", visit.place.url, evidence=f"GET /openapi.json: {title}", count=paths, about=title)


def _of_files(visit: Visit) -> Iterator[Seen]:
    control = visit.answers.get(MISSING)
    for path in LEFT_BEHIND:
        answer = visit.answers.get(path)
        if answer is None or answer.status != 200 or answer.text.lstrip()[:1] == "<":
            continue
        if control is not None and control.content == answer.content:
            continue
        if names := _KEYS.findall(answer.text):
            told = ", ".join(dict.fromkeys(names))
            yield _seen("keys-served", visit.place.url, evidence=f"GET {path}: {told}", path=path, names=told)
        elif servers := [each for each in answer.at("mcpServers") if isinstance(each, dict)]:
            told = ", ".join(servers[0])
            yield _seen(
                "tools-served", visit.place.url, evidence=f"GET {path}: {told}", path=path, count=len(servers[0])
            )


def _of_debug(visit: Visit) -> Iterator[Seen]:
    for path in (ROOT, MISSING):
        answer = visit.answers.get(path)
        if answer is None or answer.status < 400:
            continue
        if all(mark in answer.text for mark in _DEBUGGERS):
            yield _seen("debugger", visit.place.url, evidence=answer.title, remedy="debug-remedy")
            return
        if any(mark in answer.text for mark in _DEBUG_PAGES):
            yield _seen("debug-page", visit.place.url, evidence=answer.title, remedy="debug-remedy")
            return


def _of_transport(visit: Visit, tls: Tls | None) -> Iterator[Seen]:
    place = visit.place
    if tls is None:
        here = "cleartext-here" if ip_address(place.address).is_loopback else "cleartext"
        yield _seen(here, place.url, evidence=place.url, remedy="cleartext-remedy")
        return
    for fault in tls.faults:
        yield _seen(f"tls-{fault}", place.url, evidence=f"{tls.version} {tls.until}", remedy="tls-remedy",
                    host=place.host, until=tls.until, version=tls.version)  # fmt: skip


def _of_origin(answer: Answer, url: str) -> Iterator[Seen]:
    allowed = answer.header("access-control-allow-origin")
    credentials = answer.header("access-control-allow-credentials").casefold() == "true"
    if credentials and allowed in {ORIGIN, "*"}:
        told = f"Access-Control-Allow-Origin: {allowed}; Access-Control-Allow-Credentials: true"
        yield _seen("cors", url, evidence=told, origin=ORIGIN, allowed=allowed)


def _seen(name: str, url: str, *, evidence: str, title: str = "", remedy: str = "", **values: object) -> Seen:
    """Put the texts on; what the service said is made fit to print."""
    shown = {each: plain(value) for each, value in values.items()}
    title = title or name
    return Seen(
        rule_id=f"exposure.{name}",
        severity=severity(name),
        title=text(f"deploy.fingerprint:{title}", **shown),
        detail=text(f"deploy.fingerprint:{name}-detail", **shown),
        remedy=text(f"deploy.fingerprint:{remedy or name + '-remedy'}"),
        location=Location(path=url),
        evidence=plain(evidence),
    )


def severity(name: str) -> Severity:
    """Return how bad a finding is."""
    return finding_rules()[f"exposure.{name}"].severity


def gap(why: str, url: str) -> Both:
    """Say why a service was not looked at."""
    return text(f"deploy.fingerprint:gap-{why}", url=url)
