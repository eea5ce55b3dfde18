"""What a call is given."""

from dataclasses import dataclass

from jingwei.deploy.code.python.value import NOTHING, Value, union


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of one call."""

    positional: tuple[Value, ...]
    keywords: dict[str, Value]
    rest: tuple[Value, ...]
    """What comes by `*` and `**`."""

    def at(self, place: int) -> Value:
        """Return a positional argument, or nothing."""
        return self.positional[place] if place < len(self.positional) else NOTHING

    def get(self, *names: str) -> Value | None:
        """Return the first argument that one of these positions or keywords names."""
        for name in names:
            if name.isdigit():
                if int(name) < len(self.positional):
                    return self.positional[int(name)]
            elif name in self.keywords:
                return self.keywords[name]
        return Value(taints=union(*self.rest)) if self.rest else None

    def every(self) -> list[Value]:
        """Return all of them."""
        return [*self.positional, *self.keywords.values(), *self.rest]
