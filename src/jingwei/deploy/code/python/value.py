"""What is known of a value while code is read: where it came from, what it is called, what it says.

Nothing is run. A value's `name` tells how it was made, spelled from its imports on: `openai.OpenAI().chat` is the
attribute `chat` of what `openai.OpenAI` returned, however the variables in between are called.
"""

import re
from dataclasses import dataclass, replace
from enum import StrEnum

_LONGEST_NAME = 240
_LONGEST_LITERAL = 400
_NAMED_FILES = ("open()", "pathlib.Path()", "io.open()", "json.load()", "json.loads()", "yaml.safe_load()")
"""What is read from these still tells the name of the file."""
_MOST_FIELDS = 48
_MOST_TAINTS = 12
_FIXED_START = re.compile(r"https?://[^/%{]+/|/[^/%{]")
"""An address that begins so cannot be led to another host by what follows."""
THROUGH_UNKNOWN = "through-unknown"
"""Marks what went through a call of unknown effect: a model's words stay a model's words there, a user's need not."""
EVERYTHING = "*"


class Origin(StrEnum):
    """Who decides what a value says; the order is the order in which a finding names one."""

    MODEL = "model"
    USER = "user"
    TOOL = "tool"
    FETCHED = "fetched"
    LOCAL = "local"
    SECRET = "secret"  # noqa: S105 - the kind, not one
    PARAMETER = "param"


@dataclass(frozen=True, slots=True)
class Taint:
    """One way in which a value is decided from outside."""

    origin: Origin
    name: str
    """What it came from; for a parameter, which one."""
    line: int = 0
    cleared: frozenset[str] = frozenset()
    """The kinds of sink it has been made safe for."""

    def reaches(self, group: str) -> bool:
        """Tell whether it still counts at a sink of this kind."""
        return group not in self.cleared and EVERYTHING not in self.cleared

    def through(self, other: "Taint") -> "Taint | None":
        """Return this taint as it comes out where `other`, a parameter's, was seen to come out."""
        if THROUGH_UNKNOWN in other.cleared and self.origin not in {Origin.MODEL, Origin.PARAMETER}:
            return None
        return replace(self, cleared=self.cleared | other.cleared)


class Unknown:
    """The type of a constant that is not known."""


UNKNOWN = Unknown()
Constant = str | bytes | int | float | complex | None | Unknown
Fields = tuple[tuple[str, "Value"], ...]


@dataclass(frozen=True, slots=True)
class Value:
    """What is known of one value."""

    taints: frozenset[Taint] = frozenset()
    constant: object = UNKNOWN
    name: str = ""
    built: bool = False
    """A text put together from parts."""
    literal: str = ""
    """Those of its parts that are known, bounded."""
    fields: Fields = ()
    """Members by constant key or position."""
    line: int = 0
    """Where a built text was put together, while that is still in the same function."""

    @property
    def known(self) -> bool:
        """Tell whether the value itself is known."""
        return not isinstance(self.constant, Unknown)

    @property
    def said(self) -> str:
        """Return what is known of a text."""
        return self.constant if isinstance(self.constant, str) else self.literal

    def field(self, key: str) -> "Value | None":
        """Return a member, if it is known."""
        return next((value for name, value in self.fields if name == key), None)

    def member(self, suffix: str) -> "Value":
        """Return what lies behind an attribute, a call or an index of this value."""
        name = self.name + suffix
        literal = self.literal if self.name.startswith(_NAMED_FILES) else ""
        return Value(self.taints, name=name if self.name and len(name) <= _LONGEST_NAME else "", literal=literal)

    def cleared(self, *groups: str) -> "Value":
        """Return the value made safe for these kinds of sink."""
        if EVERYTHING in groups:
            return replace(self, taints=frozenset(), fields=())
        taints = frozenset(replace(each, cleared=each.cleared | set(groups)) for each in self.taints)
        return replace(self, taints=taints, fields=())

    def only(self, *origins: Origin) -> frozenset[Taint]:
        """Return the taints of these origins."""
        return frozenset(each for each in self.taints if each.origin in origins)


NOTHING = Value()


def constant(value: object) -> Value:
    """Return a known value."""
    return Value(constant=value)


def composed(values: list[Value], *, built: bool, line: int = 0) -> Value:
    """Return what is put together from several values; the first of them fixes the host of an address, or does not."""
    literal = "".join(each.said or "\N{HORIZONTAL ELLIPSIS}" for each in values)
    taints = union(*values)
    leading = values[0] if built and values else None
    unknown = leading is not None and not leading.said and literal[1:4] != "://"
    if leading is not None and not leading.taints and (unknown or _FIXED_START.match(leading.said)):
        taints = frozenset(replace(each, cleared=each.cleared | {"address", "address-shown"}) for each in taints)
    return Value(taints=taints, built=built, literal=literal[:_LONGEST_LITERAL], line=line)


def collection(fields: list[tuple[str, Value]], *, name: str) -> Value:
    """Return a list, tuple or dictionary."""
    kept = tuple(fields[:_MOST_FIELDS])
    literal = " ".join(value.said for _, value in kept if value.said)
    return Value(
        taints=union(*(value for _, value in fields)), name=name, fields=kept, literal=literal[:_LONGEST_LITERAL]
    )


def union(*values: Value) -> frozenset[Taint]:
    """Return all taints, the most telling first where there are too many."""
    every = frozenset(each for value in values for each in value.taints)
    if len(every) <= _MOST_TAINTS:
        return every
    order = list(Origin)
    return frozenset(sorted(every, key=lambda each: (order.index(each.origin), each.line, each.name))[:_MOST_TAINTS])


def joined(one: Value, other: Value) -> Value:
    """Return what is known of a value that is one or the other."""
    if one == other:
        return one
    same = one.constant == other.constant and type(one.constant) is type(other.constant)
    fields = one.fields if one.fields and not other.fields else other.fields if not one.fields else _both(one, other)
    return Value(
        taints=union(one, other),
        constant=one.constant if same else UNKNOWN,
        name=one.name or other.name,
        built=one.built or other.built,
        literal=one.said if len(one.said) >= len(other.said) else other.said,
        fields=fields,
        line=one.line or other.line,
    )


def _both(one: Value, other: Value) -> Fields:
    theirs = dict(other.fields)
    both = [(key, joined(value, theirs[key]) if key in theirs else value) for key, value in one.fields]
    ours = dict(one.fields)
    return tuple([*both, *((key, value) for key, value in other.fields if key not in ours)][:_MOST_FIELDS])
