"""Calls as subjects make them: in the API's own field, or in words, as small models do.

In words a call is a line `TOOL: name(key=value)` or `TOOL: name({"key": "value"})`. What is read is bounded in number
and size.
"""

import json
import re

from pydantic import JsonValue

from jingwei.develop.evaluate.exchange import Answer, Call
from jingwei.develop.evaluate.reading import arguments_of

_AT_ONCE = 8
"""Calls that are carried out of one answer."""
_LONGEST = 4_000
_SPOKEN = re.compile(
    r"^[^\w\n]{0,6}TOOL\s*[:：]\s*([A-Za-z_]\w{0,63})\s*[(（](.{0,4000})[)）]\s*\W{0,3}$", re.MULTILINE
)
_PAIR = re.compile(r"""\s*(\w{1,64})\s*[=:：]\s*("[^"]*"|'[^']*'|“[^”]*”|[^,，]*)\s*(?:[,，]|$)""")
_QUOTES = "\"'“”"


def calls_of(answer: Answer) -> tuple[Call, ...]:
    """Return the calls of an answer, native ones before spoken ones."""
    return (answer.calls or spoken_calls(answer.text))[:_AT_ONCE]


def spoken_calls(text: str) -> tuple[Call, ...]:
    """Return the calls that a text makes in lines of their own."""
    return tuple(
        Call(name=found.group(1), arguments=_arguments(found.group(2)))
        for found in list(_SPOKEN.finditer(text))[:_AT_ONCE]
    )


def _arguments(written: str) -> dict[str, JsonValue]:
    """Read arguments written as a JSON object or as pairs."""
    if written.lstrip().startswith("{"):
        return dict(arguments_of(written))
    return {name: _scalar(value.strip()) for name, value in _PAIR.findall(written[:_LONGEST])}


def _scalar(written: str) -> JsonValue:
    if written[:1] in _QUOTES and written:
        return written.strip(_QUOTES)
    try:
        found = json.loads(written)
    except ValueError:
        return written
    return found if isinstance(found, str | int | float | bool) else written
