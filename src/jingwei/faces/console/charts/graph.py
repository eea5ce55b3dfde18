"""Who rests on whom: a layered graph.

The longest path to a box gives its column, a few barycentre sweeps the order inside it, Béziers the edges.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from jingwei.faces.console.charts.svg import element, picture, shortened, title

_BOX, _HIGH, _ACROSS, _DOWN = 152, 50, 60, 16
_SWEEPS = 6


@dataclass(frozen=True, slots=True)
class Node:
    """One box: a name, a quieter second line, and a tone."""

    id: str
    name: str
    note: str
    tone: str = "quiet"


@dataclass(frozen=True, slots=True)
class Edge:
    """One box rests on another."""

    source: str
    target: str
    name: str = ""


Place = tuple[float, float]


def graph(nodes: Sequence[Node], edges: Sequence[Edge], *, label: str) -> Markup:
    """Draw boxes in columns from left to right; edges to unknown boxes are left out, a cycle is drawn once."""
    known = {node.id for node in nodes}
    drawn = [edge for edge in edges if edge.source in known and edge.target in known and edge.source != edge.target]
    layers = _ordered(_columns([node.id for node in nodes], drawn), drawn)
    deepest = max((len(layer) for layer in layers), default=1)
    height = deepest * (_HIGH + _DOWN) - _DOWN + 4
    places = _places(layers, height)
    width = max(len(layers), 1) * (_BOX + _ACROSS) - _ACROSS + 4
    return picture(
        *(_edge(edge, places) for edge in drawn),
        *(_box(node, places[node.id]) for node in nodes),
        width=width, height=height, label=label, class_="chart graph",
    )  # fmt: skip


def _columns(ids: Sequence[str], edges: Sequence[Edge]) -> list[list[str]]:
    depth = dict.fromkeys(ids, 0)
    for _ in ids:  # a cycle cannot push a box further than there are boxes
        moved = False
        for edge in edges:
            wanted = min(depth[edge.source] + 1, len(ids) - 1)
            if wanted > depth[edge.target]:
                depth[edge.target], moved = wanted, True
        if not moved:
            break
    filled = sorted(set(depth.values()))
    return [[id_ for id_ in ids if depth[id_] == column] for column in filled]


def _ordered(layers: list[list[str]], edges: Sequence[Edge]) -> list[list[str]]:
    near: dict[str, list[str]] = {id_: [] for layer in layers for id_ in layer}
    for edge in edges:
        near[edge.source].append(edge.target)
        near[edge.target].append(edge.source)
    for _ in range(_SWEEPS):
        rank = {id_: number / max(len(layer) - 1, 1) for layer in layers for number, id_ in enumerate(layer)}
        layers = [sorted(layer, key=lambda id_: _middle(id_, near, rank)) for layer in layers]
    return layers


def _middle(id_: str, near: Mapping[str, Sequence[str]], rank: Mapping[str, float]) -> float:
    neighbours = near[id_]
    return sum(rank[other] for other in neighbours) / len(neighbours) if neighbours else rank[id_]


def _places(layers: Sequence[Sequence[str]], height: float) -> dict[str, Place]:
    places = {}
    for column, layer in enumerate(layers):
        top = (height - (len(layer) * (_HIGH + _DOWN) - _DOWN)) / 2
        for row, id_ in enumerate(layer):
            places[id_] = (2.0 + column * (_BOX + _ACROSS), top + row * (_HIGH + _DOWN))
    return places


def _edge(edge: Edge, places: Mapping[str, Place]) -> Markup:
    (x1, y1), (x2, y2) = places[edge.source], places[edge.target]
    start, end, bend = x1 + _BOX, x2, max(abs(x2 - x1 - _BOX), _ACROSS) / 2
    y1, y2 = y1 + _HIGH / 2, y2 + _HIGH / 2
    path = f"M{start:.1f} {y1:.1f}C{start + bend:.1f} {y1:.1f} {end - bend:.1f} {y2:.1f} {end:.1f} {y2:.1f}"
    return element("path", title(edge.name), class_="edge", d=path)


def _box(node: Node, place: Place) -> Markup:
    x, y = place
    room = _BOX - 24
    return element(
        "g", title(f"{node.name} · {node.note}"),
        element("rect", class_=f"box {node.tone}", x=x, y=y, width=_BOX, height=_HIGH, rx=8),
        element("text", shortened(node.name, width=room, size=13), class_="name", x=x + 12, y=y + 21),
        element("text", shortened(node.note, width=room, size=12), class_="note", x=x + 12, y=y + 38),
    )  # fmt: skip
