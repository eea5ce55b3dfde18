"""The variables of a function while it is read: what each may be, and which others it was made from."""

from collections.abc import Iterable

from jingwei.deploy.code.python.guards import root_of
from jingwei.deploy.code.python.value import NOTHING, Value, joined


class Scope:
    """Variables by name; what is not here is looked for outside."""

    __slots__ = ("checked", "outer", "roots", "values")

    def __init__(self, outer: "Scope | None" = None) -> None:
        self.outer = outer
        self.values: dict[str, Value] = {}
        self.roots: dict[str, frozenset[str]] = {}
        self.checked: dict[str, frozenset[str]] = {}
        """Members that a check made safe, by their path, and for which kinds of sink."""

    def get(self, name: str) -> Value | None:
        """Return a variable, or none."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope.values[name]
            scope = scope.outer
        return None

    def set(self, name: str, value: Value, roots: frozenset[str] = frozenset()) -> None:
        """Give a variable a value made from other variables."""
        self.values[name] = value
        self.forget(name)
        self.roots[name] = frozenset(each for root in roots for each in self.roots.get(root, frozenset()) | {root})

    def forget(self, path: str) -> None:
        """Take back what was checked of a variable or member that is given a new value."""
        gone = [each for each in self.checked if each == path or each.startswith((f"{path}.", f"{path}["))]
        for each in gone:
            del self.checked[each]

    def cleared(self, path: str) -> frozenset[str]:
        """Return the kinds of sink for which a member was made safe."""
        scope: Scope | None = self
        root = root_of(path)
        while scope is not None:
            if path in scope.checked:
                return scope.checked[path]
            scope = None if root in scope.values else scope.outer
        return frozenset()

    def copy(self) -> "Scope":
        """Return a branch of this scope."""
        twin = Scope(self.outer)
        twin.values = dict(self.values)
        twin.roots = dict(self.roots)
        twin.checked = dict(self.checked)
        return twin

    def take(self, branches: Iterable["Scope"]) -> None:
        """Become what is known after any of several branches."""
        several = list(branches)
        if not several:
            return
        names = {name for each in several for name in each.values}
        values: dict[str, Value] = {}
        for name in names:
            found = [each.values[name] if name in each.values else self.get(name) or NOTHING for each in several]
            value = found[0]
            for other in found[1:]:
                value = joined(value, other)
            values[name] = value
        self.values = values
        everywhere = set(several[0].checked).intersection(*(each.checked for each in several[1:]))
        self.checked = {path: several[0].checked[path].intersection(*(each.checked[path] for each in several[1:]))
                        for path in everywhere}  # fmt: skip
        self.roots = {
            name: frozenset().union(*(each.roots.get(name, frozenset()) for each in several)) for name in names
        }

    def clean(self, name: str, groups: tuple[str, ...]) -> None:
        """Make a variable, and what it was made from, or one member of a variable safe for some kinds of sink."""
        for each in {name, *self.roots.get(name, frozenset())}:
            if root_of(each) != each:
                self.checked[each] = self.checked.get(each, frozenset()) | set(groups)
                continue
            value = self.get(each)
            if value is not None and value.taints:
                self.values[each] = value.cleared(*groups)
