"""The charts of the supply chain: what a System is made of, what is exposed, when flaws became known, what was read."""

from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlsplit

from markupsafe import Markup

from jingwei.core.finding import Severity
from jingwei.faces.console.charts import Edge, Lane, Moment, Node, Stretch, graph, stretches, timeline
from jingwei.faces.console.views.supply import AnatomyView, FlawLine, PartLine, ServiceLine, SupplyView
from jingwei.faces.console.wording import Wording

_MOST_NODES = 14
"""Boxes drawn one by one for a kind of component; the rest are told in one."""
_KINDS = frozenset(
    {
        "model",
        "dataset",
        "prompt",
        "tool",
        "agent",
        "service",
        "library",
        "vendor",
        "weights",
        "hardware",
        "driver",
    }
)
AUTH_TONES = {"open": "bad", "login": "good", "unknown": "warn"}
SEVERITY_TONES = {Severity.CRITICAL: "bad", Severity.HIGH: "bad", Severity.MEDIUM: "warn", Severity.LOW: "info",
                  Severity.INFO: "quiet"}  # fmt: skip


def of_supply(view: SupplyView, wording: Wording) -> dict[str, Markup | None]:
    """Draw what the page shows."""
    return {
        "parts": components(view, wording) if view.parts else None,
        "services": exposure(view.services, wording) if view.services else None,
        "flaws": known_since(view.flaws, wording),
    }


def components(view: SupplyView, wording: Wording) -> Markup:
    """Draw the System, the kinds of things it is made of, and those in which something was found."""
    nodes, edges = [Node("system", view.system, wording.say("supply.system"), "info")], []
    kinds: dict[str, list[PartLine]] = {}
    for part in view.parts:
        kinds.setdefault(part.kind, []).append(part)
    for kind, parts in kinds.items():
        tones = Counter(each.tone for each in parts)
        tone = next((each for each in ("bad", "warn") if tones[each]), "good")
        nodes.append(Node(f"kind {kind}", kind_name(kind, wording), wording.say("supply.count", count=len(parts)),
                          tone))  # fmt: skip
        edges.append(Edge("system", f"kind {kind}"))
        for part in _worth_drawing(parts):
            nodes.append(Node(f"{kind} {part.name}", part.name, part.version or "—", part.tone))
            edges.append(Edge(f"kind {kind}", f"{kind} {part.name}"))
    return graph(nodes, edges, label=wording.say("supply.parts.picture"))


def kind_name(kind: str, wording: Wording) -> str:
    """Name a kind of component; one that has no name here keeps its own."""
    return wording.say(f"part.{kind}") if kind in _KINDS else kind


def _worth_drawing(parts: Sequence[PartLine]) -> list[PartLine]:
    bad = [each for each in parts if each.tone != "good"]
    shown = bad or (list(parts) if len(parts) <= _MOST_NODES // 2 else [])
    worst = sorted(shown, key=lambda each: -(each.worst.rank if each.worst else 0))
    return worst[:_MOST_NODES]


def exposure(services: Sequence[ServiceLine], wording: Wording) -> Markup:
    """Draw hosts and the services found on them, coloured by whether a login is asked for."""
    nodes, edges = [], []
    hosts = dict.fromkeys(urlsplit(each.one.path).hostname or each.one.path for each in services)
    for host in hosts:
        here = [each for each in services if (urlsplit(each.one.path).hostname or each.one.path) == host]
        nodes.append(Node(f"host {host}", host, wording.say("supply.services.count", count=len(here)), "quiet"))
    for each in services:
        address = urlsplit(each.one.path)
        note = f":{address.port or 80} · {wording.say(f'supply.auth.{each.auth}')}"
        nodes.append(Node(each.one.path, f"{each.name} {each.version}".strip(), note, AUTH_TONES[each.auth]))
        edges.append(Edge(f"host {address.hostname or each.one.path}", each.one.path))
    return graph(nodes, edges, label=wording.say("supply.services.picture"))


def known_since(flaws: Sequence[FlawLine], wording: Wording) -> Markup | None:
    """Draw when each advisory was published, a lane for each severity; none where no date is known."""
    dated = [(each, each.published) for each in flaws if each.published is not None]
    if not dated:
        return None
    lanes = []
    for severity in reversed(Severity):
        moments = tuple(
            Moment(at, f"{wording.day(at)} · {each.name} {each.version} · {each.each.title.of(wording.language)}",
                   SEVERITY_TONES[severity])
            for each, at in dated if each.each.severity is severity
        )  # fmt: skip
        if moments:
            lanes.append(Lane(wording.say(f"severity.{severity.value}"), moments))
    first, last = min(at for _, at in dated), max(at for _, at in dated)
    ticks = [(at, wording.day(at)) for at in dict.fromkeys((first, last))]
    return timeline(lanes, ticks=ticks, label=wording.say("supply.flaws.picture"))


def of_anatomy(view: AnatomyView, wording: Wording) -> dict[str, Markup | None]:
    """Draw which bytes were accounted for, and where something was found."""
    one = view.one
    if not one.size:
        return {"coverage": None}
    read = [Stretch(start, end, "good", wording.say("anatomy.read", start=wording.count(start), end=wording.count(end)))
            for start, end in one.coverage]  # fmt: skip
    marks = [
        Stretch(each.location.start, each.location.end or each.location.start, SEVERITY_TONES[each.severity],
                each.title.of(wording.language))
        for each in one.findings if each.location.start is not None and each.location.path == one.path
    ]  # fmt: skip
    return {"coverage": stretches([*read, *marks], size=one.size, label=wording.say("anatomy.coverage"))}
