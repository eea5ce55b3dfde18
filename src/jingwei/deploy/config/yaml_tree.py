"""YAML and JSON with the line of every entry, bounded: no tags, no aliases without end, no depth without end."""

from collections.abc import Iterator
from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # Any: the C loader has no stub
_DEEPEST = 60
_MOST = 200_000


class TooMuchError(ValueError):
    """The file is nested too deep, or its aliases unfold to too much."""


class Table(dict[str, Any]):  # Any: whatever the file holds; readers ask before they use it
    """A mapping that knows its lines."""

    line: int = 0
    lines: dict[str, int]

    def at(self, key: str) -> int:
        """Return the line of an entry."""
        return self.lines.get(key, self.line)

    def table(self, key: str) -> "Table":
        """Return an entry that is a mapping, or an empty one."""
        value = self.get(key)
        return value if isinstance(value, Table) else _empty(self.line)

    def items_of(self, key: str) -> "Items":
        """Return an entry that is a list, or an empty one."""
        value = self.get(key)
        return value if isinstance(value, Items) else Items()

    def text(self, key: str) -> str:
        """Return an entry as text."""
        value = self.get(key)
        return "" if value is None or isinstance(value, Table | Items) else str(value)


class Items(list[Any]):  # Any: as above
    """A list that knows its lines."""

    lines: list[int]

    def at(self, place: int) -> int:
        """Return the line of an entry."""
        lines: list[int] = getattr(self, "lines", [])
        return lines[place] if place < len(lines) else 0

    def tables(self) -> Iterator[Table]:
        """Give the entries that are mappings."""
        yield from (each for each in self if isinstance(each, Table))


def _empty(line: int) -> Table:
    table = Table()
    table.line, table.lines = line, {}
    return table


def documents(text: str) -> list[Any]:
    """Return the documents of a file; texts, booleans and numbers are texts, null is none.

    Raises:
        yaml.YAMLError: it is no YAML.
        TooMuchError: it is nested too deep or unfolds to too much.
    """
    left = [_MOST]
    try:
        return [_value(node, 0, left) for node in yaml.compose_all(text, Loader=_LOADER)]
    except RecursionError as error:
        raise TooMuchError from error


def _value(node: Any, depth: int, left: list[int]) -> Any:  # Any: a node of PyYAML, and what it holds
    left[0] -= 1
    if depth > _DEEPEST or left[0] < 0:
        raise TooMuchError
    if isinstance(node, yaml.MappingNode):
        table = _empty(node.start_mark.line + 1)
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value == "<<":
                merged = _value(value, depth + 1, left)
                for each in [merged] if isinstance(merged, Table) else merged if isinstance(merged, Items) else []:
                    if isinstance(each, Table):
                        table.update({name: held for name, held in each.items() if name not in table})
                continue
            table[key.value] = _value(value, depth + 1, left)
            table.lines[key.value] = key.start_mark.line + 1
        return table
    if isinstance(node, yaml.SequenceNode):
        items = Items(_value(each, depth + 1, left) for each in node.value)
        items.lines = [each.start_mark.line + 1 for each in node.value]
        return items
    return _scalar(node)


def _scalar(node: Any) -> str | bool | None:  # Any: a node of PyYAML
    if node is None:
        return None
    if not node.style and node.tag == "tag:yaml.org,2002:null":
        return None
    if not node.style and node.tag == "tag:yaml.org,2002:bool":
        return str(node.value).lower() in {"true", "yes", "on"}
    return str(node.value)
