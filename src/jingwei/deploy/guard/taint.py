"""Taint: what a session has seen, as a few labels that only ever grow.

A flow rule such as "after something from outside was read, nothing is sent out unasked" is then one look at a set,
whatever the number of steps before. A chat request brings its whole history, so its labels are read from that; an MCP
session keeps them in the host's session store. What one agent has seen in one session counts for a while in its others
too: an agent that carries a poisoned note from one to the next is the same agent.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum

from jingwei.core.canonical import Json
from jingwei.core.policy import Category, ToolRule
from jingwei.deploy.guard.passages import OTHERS_WORDS

LABEL_OF = {
    Category.PII: "personal-data",
    Category.SECRET: "secret",
    Category.INJECTION: "injection-suspected",
}  # fmt: skip
MOST_MESSAGES = 4096


class Label(StrEnum):
    """What a session may have seen."""

    UNTRUSTED = "untrusted-content"
    """Text that came from outside: a tool's result, a document."""
    PERSONAL = "personal-data"
    SECRET = "secret"  # noqa: S105 - not a password
    INJECTION = "injection-suspected"
    """Text that tried to give orders."""


def labels_found(categories: Iterable[Category]) -> frozenset[str]:
    """Return the labels for what the detectors found in something that the session has now seen."""
    return frozenset(LABEL_OF[each] for each in categories if each in LABEL_OF)


def labels_of_result(rule: ToolRule | None, categories: Iterable[Category]) -> frozenset[str]:
    """Return the labels that a tool's result puts on its session; a tool that is not listed is from outside."""
    outside = rule is None or rule.reads_untrusted
    return labels_found(categories) | (frozenset({str(Label.UNTRUSTED)}) if outside else frozenset())


def labels_of_messages(messages: Json, rule_of: Callable[[str], ToolRule | None]) -> frozenset[str]:
    """Return the labels for what a chat's history holds: any tool's text is from outside, unless its rule says not.

    Args:
        messages: the history, as the caller sent it.
        rule_of: finds the rule of a tool by name.
    """
    entries = [each for each in (messages if isinstance(messages, list) else [])[:MOST_MESSAGES]
               if isinstance(each, dict)]  # fmt: skip
    if isinstance(messages, list) and len(messages) > MOST_MESSAGES:  # what is not looked at may hold anything
        return frozenset({str(Label.UNTRUSTED)})
    called: dict[str, str] | None = None
    for message in entries:
        if _holds_document(message.get("content")):
            return frozenset({str(Label.UNTRUSTED)})
        if message.get("role") not in {"tool", "function", "document"}:
            continue
        identity = message.get("tool_call_id")
        called = dict(_called(entries)) if called is None else called
        rule = rule_of(called.get(identity, "")) if isinstance(identity, str) else None
        if rule is None or rule.reads_untrusted:
            return frozenset({str(Label.UNTRUSTED)})
    return frozenset()


def _holds_document(content: Json) -> bool:
    """Tell whether a part of a message is a document or a result: nobody's own words, whoever sends it."""
    return isinstance(content, list) and any(
        isinstance(part, dict) and part.get("type") in OTHERS_WORDS for part in content
    )


def _called(entries: Iterable[dict[str, Json]]) -> Iterable[tuple[str, str]]:
    """Give the id and name of each tool call in the history; an id used twice names no tool."""
    seen: set[str] = set()
    for message in entries:
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else []:
            function = call.get("function") if isinstance(call, dict) else None
            identity = call.get("id") if isinstance(call, dict) else None
            name = function.get("name") if isinstance(function, dict) else None
            if isinstance(identity, str) and isinstance(name, str):
                yield identity, "" if identity in seen else name
                seen.add(identity)
