"""What a decision on a tool call is made from, and what it says: plain values."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Literal, NamedTuple

from jingwei.core.canonical import Json, digest
from jingwei.core.policy import Category, ToolRule
from jingwei.deploy.guard.arguments import read_arguments
from jingwei.deploy.guard.passages import Passage, rewrite
from jingwei.deploy.guard.verdict import GuardFinding, GuardVerdict, Path, written_path
from jingwei.detect import Hit, redact

MAX_LEAVES = 1024
_PRIVATE = frozenset({Category.PII, Category.SECRET})
_NAME = re.compile(r"(?=.{1,64}$)[A-Za-z]{1,19}\d{0,3}(?:[_./-][A-Za-z]{1,19}\d{0,3}){0,5}")
"""Words as tools are named by: no place for a number, a key or a sentence."""
_DOT = "\\."
"""How a dot in a key is written in the name of an argument."""
Need = Literal["", "approval", "presence"]
"""What a held call waits for; an approval always does, too, where presence would."""


class ToolCall(NamedTuple):
    """One call, as the model or the agent wrote it."""

    name: str
    arguments: str
    """JSON text."""
    server: str | None = ""
    """MCP server it goes to, empty for the application itself; None where that cannot be known, as in a chat."""
    definition: str = ""
    """`definition_digest` of the tool as it is offered now; empty where that is not known."""


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What is known besides the call."""

    principal: str = ""
    tenant: str = ""
    labels: frozenset[str] = frozenset()
    """What the session has seen."""
    watched: bool = False
    """A person is there now."""
    approved: bool = False
    """A person has approved this very call."""
    reasoning: str = ""
    """What the model said to itself before it made the call."""

    def with_approval(self) -> "ToolContext":
        """Return the same with a person's approval of the call."""
        return replace(self, approved=True)


class ToolDecision(NamedTuple):
    """What was decided on one call."""

    verdict: GuardVerdict
    rule: ToolRule | None = None
    """None for a tool that is not listed."""
    need: Need = ""
    """What would let a held call pass; empty where nothing does, or nothing is needed."""
    why: str = ""
    """The rule that held it."""
    arguments_digest: str = ""
    readable: str = ""
    """The arguments of a held call as far as a person may read them: redacted."""

    @property
    def passes(self) -> bool:
        """Tell whether the call may be made now."""
        return not self.verdict.blocks

    def recorded_name(self, call: ToolCall) -> str:
        """Return what an event may call the tool: one that is not listed has a name of the model's own words."""
        if self.rule is not None:
            return self.rule.name[:120]
        return (
            call.name
            if _NAME.fullmatch(call.name)
            else f"?{sha256(call.name.encode(errors='replace')).hexdigest()[:12]}"
        )

    @property
    def definition_changed(self) -> bool:
        """Tell whether the tool is not the one that was accepted."""
        return DEFINITION_CHANGED in self.verdict.rule_ids


DEFINITION_CHANGED = "tool.definition-changed"
DISAGREES = "tool.reasoning-disagrees"


def readable_arguments(written: str, passages: Sequence[Passage], scanned: GuardVerdict) -> str:
    """Return the arguments as a person may read them: personal data and secrets that were found are hidden."""
    private = [each for each in scanned.findings if each.category in _PRIVATE]
    changes = hidden_texts(passages, private)
    return json.dumps(rewrite(read_arguments(written), changes), ensure_ascii=False, sort_keys=True)


def hidden_texts(passages: Sequence[Passage], findings: Iterable[GuardFinding]) -> tuple[tuple[Path, str], ...]:
    """Return each text in which something was found, with what was found replaced."""
    hidden: dict[str, list[Hit]] = {}
    for each in findings:
        if each.category is not None:
            hit = Hit(each.start, each.end, each.category, each.rule_id, each.score, each.severity)
            hidden.setdefault(each.path, []).append(hit)
    return tuple((each.path, redact(each.text, hidden[written_path(each.path)])) for each in passages
                 if written_path(each.path) in hidden and not each.fixed)  # fmt: skip


def definition_digest(name: str, description: str, schema: Json) -> str:
    """Return what pins a tool's definition: the digest of its name, description and input schema.

    Raises:
        ValueError: the schema cannot be written canonically.
    """
    return digest({"name": name, "description": description, "schema": schema})


def argument_facts(arguments: dict[str, Json]) -> dict[str, object]:
    """Return the arguments by dotted name, for rules: scalars as they are, a list of scalars as one fact.

    Raises:
        ValueError: two arguments have one dotted name, or there are too many.
    """
    facts: dict[str, object] = {}
    written: set[str] = set()
    for name, value in _named(arguments, ""):
        plain = name.replace(_DOT, ".")
        if plain in written or len(facts) >= MAX_LEAVES:
            raise ValueError(name)
        written.add(plain)
        facts[name] = value
    return facts


def _named(value: Json, name: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, entry in value.items():
            step = key.replace(".", _DOT)  # a key with a dot in it is no way into another object
            yield from _named(entry, f"{name}.{step}" if name else step)
    elif isinstance(value, list):
        scalars = [each for each in value if not isinstance(each, dict | list)]
        if len(scalars) == len(value):
            yield name, tuple(scalars)
        for place, entry in enumerate(value):
            if isinstance(entry, dict | list):
                yield from _named(entry, f"{name}.{place}")
    elif value is not None:
        yield name, value
