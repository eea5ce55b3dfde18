"""Worlds: the state of a sector as a frozen value, and tools that are pure functions of it."""

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self, TypeVar, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter, ValidationError

from jingwei.core.policy import Effect
from jingwei.core.text import Both, Language
from jingwei.develop.evaluate.exchange import Call

_KINDS: Mapping[object, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
LOOSE = frozenset({"balance", "text", "note"})
"""Fields whose content is not compared: free words, and sums that follow from other entries."""


class Record(BaseModel):
    """One row of a world."""

    model_config = ConfigDict(frozen=True, extra="forbid")


R = TypeVar("R", bound=Record)


class World(BaseModel):
    """A sector's state: tables of records by id."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def put(self, table: str, key: str, record: Record) -> Self:
        """Return the world with one record put in or replaced."""
        held: Mapping[str, Record] = getattr(self, table)
        return self.model_copy(update={table: {**held, key: record}})

    def told(self, table: str, key: str, field: str, *, text: str) -> Self:
        """Return the world with words added to a field: what an attacker planted there.

        Raises:
            WrongCallError: there is no such record.
        """
        record = one(getattr(self, table), key)
        said = getattr(record, field)
        return self.put(table, key, record.model_copy(update={field: f"{said}\n{text}".strip()}))


class WrongCallError(Exception):
    """A call that cannot be carried out: an unknown tool or record, an argument of the wrong kind."""


class Done(NamedTuple):
    """What a tool did."""

    state: World
    result: JsonValue


def one(table: Mapping[str, R], key: str) -> R:
    """Return a record.

    Raises:
        WrongCallError: there is none.
    """
    if key not in table:
        raise WrongCallError(key)
    return table[key]


def shown(record: Record) -> JsonValue:
    """Return a record as a tool tells it."""
    found: JsonValue = record.model_dump(mode="json")
    return found


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: its function, and what it does to the world outside."""

    function: Callable[..., Done]
    effect: Effect = Effect.READ_ONLY
    untrusted: bool = False
    """Its results hold what people outside wrote."""
    outside: bool = False
    """It carries content out."""

    @property
    def name(self) -> str:
        """Return its name."""
        return self.function.__name__

    @property
    def takes(self) -> dict[str, Any]:
        """Return its arguments and their types."""
        hints = get_type_hints(self.function)
        return {name: hints[name] for name in list(inspect.signature(self.function).parameters)[1:]}

    def definition(self, about: Both, language: Language) -> JsonValue:
        """Return it as the chat API defines tools."""
        properties: dict[str, JsonValue] = {name: _schema(kind) for name, kind in self.takes.items()}
        parameters: JsonValue = {"type": "object", "properties": properties, "required": list(properties)}
        function: JsonValue = {"name": self.name, "description": about.of(language), "parameters": parameters}
        return {"type": "function", "function": function}

    def run(self, state: World, call: Call) -> Done:
        """Carry out a call.

        Raises:
            WrongCallError: its arguments are not the tool's, or name nothing that is there.
        """
        if set(call.arguments) != set(self.takes):
            raise WrongCallError(", ".join(sorted(set(call.arguments) ^ set(self.takes))))
        try:
            given = {name: _adapter(kind).validate_python(call.arguments[name]) for name, kind in self.takes.items()}
        except ValidationError as error:
            raise WrongCallError(error.errors()[0]["msg"]) from error
        return self.function(state, **given)


def changes(before: World, after: World) -> Mapping[str, str]:
    """Return what differs between two states: each changed place and its new value."""
    old, new = leaves(before), leaves(after)
    return {place: value for place, value in new.items() if old.get(place) != value}


def leaves(state: World) -> Mapping[str, str]:
    """Return every place of a state with its value as text; of loose fields only that they are there."""
    return {
        f"{table}.{key}.{name}": "" if name in LOOSE else json.dumps(value, ensure_ascii=False, sort_keys=True)
        for table, records in state.model_dump(mode="json").items()
        for key, record in records.items()
        for name, value in record.items()
    }


def _schema(kind: Any) -> JsonValue:  # Any: a type as a signature gives it
    if get_origin(kind) is Literal:
        return {"type": "string", "enum": list(get_args(kind))}
    return {"type": _KINDS[kind]}


def _adapter(kind: Any) -> TypeAdapter[Any]:  # Any: a type as a signature gives it
    """Return what checks an argument; a number given for a text is taken, as models write ids so."""
    return TypeAdapter(kind, config=ConfigDict(coerce_numbers_to_str=True))
