"""Which constant texts of a TensorFlow graph reach an operator that opens files: followed from input to input."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_LEADING_OUT = re.compile(r"^(/|~|\\\\|[A-Za-z]:[/\\])|(^|[/\\])\.\.([/\\]|$)|^(?!memmapped_package|ram)\w+://")
_PLACES = re.compile(r"file|path|(^|_)dir|memory_region|url|address|output_stream|host|target", re.IGNORECASE)
_CARRYING = frozenset({
    "StringJoin", "StringJoinV2", "Identity", "IdentityN", "Pack", "ConcatV2", "Reshape", "ShardedFilename", "Fill",
    "ExpandDims", "AsString", "ShardedFilespec", "Merge", "Switch", "Select", "SelectV2", "StridedSlice", "Squeeze",
    "StaticRegexReplace", "RegexReplace", "Add", "AddV2", "PlaceholderWithDefault", "Substr",
})  # fmt: skip
_DEEPEST = 12
_MOST_VISITS = 2000


@dataclass(slots=True)
class GraphNode:
    """One node of a graph, as far as texts are concerned."""

    name: str = ""
    kind: str = ""
    inputs: list[str] = field(default_factory=list)
    texts: list[tuple[str, str, int]] = field(default_factory=list)
    """The texts it holds: under which attribute, the text, where."""


def leads_out(text: str) -> bool:
    """Tell whether a text is a place outside of a model's folder."""
    return text.isprintable() and _LEADING_OUT.search(text) is not None and len(text) > 1


def named_places(node: GraphNode) -> Iterator[tuple[str, int]]:
    """Give the places outside that a node's own attributes name."""
    for key, text, at in node.texts:
        if _PLACES.search(key) and leads_out(text):
            yield text, at


def reaching(node: GraphNode, nodes: Mapping[str, GraphNode], fed: frozenset[str]) -> Iterator[tuple[str, int]]:
    """Give the constant places outside that reach a node's inputs; what a placeholder brings is nobody's constant.

    Args:
        node: the one that opens files.
        nodes: the nodes of its graph or function, by name.
        fed: names of constants that the loader replaces with the model's own assets.
    """
    waiting, seen = [(name, 0) for name in node.inputs], set[str]()
    while waiting and len(seen) < _MOST_VISITS:
        name, depth = waiting.pop()
        name = name.lstrip("^").partition(":")[0]
        held = nodes.get(name)
        if held is None or name in seen or name in fed:
            continue
        seen.add(name)
        if held.kind == "Const":
            yield from ((text, at) for _, text, at in held.texts if leads_out(text))
        elif held.kind in _CARRYING and depth < _DEEPEST:
            waiting += [(each, depth + 1) for each in held.inputs]
