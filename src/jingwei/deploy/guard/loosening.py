"""Loosening: whether a change to one part of a policy lets through what was held before; in doubt it does.

Parts are named as `rules.pii.inbound`, `tools.book_room`, `scope`. What its grade demands a policy may not fall below
at all (`compile.weaker_points`); what people added to it may be loosened, by two of them who see that it is.
"""

from collections.abc import Callable, Mapping

from jingwei.core.canonical import Json
from jingwei.core.policy import Decision, Effect, FailMode

Judged = Callable[[Json, Json], bool]
_STREAMING = ("lagged", "held", "end")
_EFFECTS = tuple(Effect)


def loosens(part: str, before: Json, after: Json) -> bool:
    """Tell whether a part of a policy protects less than before."""
    if before == after:
        return False
    head, _, rest = part.partition(".")
    if head == "rules":
        return _rule(rest.rpartition(".")[2], before, after)
    if head == "tools" and rest:
        return _tool(before, after)
    judged = _PARTS.get(head)
    return judged is None or judged(before, after)


def _never(_before: Json, _after: Json) -> bool:
    return False


def _grew(before: Json, after: Json) -> bool:
    return not (isinstance(before, int | float) and isinstance(after, int | float)) or after > before


def _fell(before: Json, after: Json) -> bool:
    return _grew(after, before)


def _switched_off(before: Json, after: Json) -> bool:
    return bool(before) and not after


def _replaced(before: Json, after: Json) -> bool:
    """Where there was something before, another one cannot be compared with it."""
    return bool(before) and before != after


def _milder(before: Json, after: Json) -> bool:
    return Decision(str(after)).rank < Decision(str(before)).rank


def _lost(before: Json, after: Json) -> bool:
    """Tell whether something of a list or map is gone."""
    return any(each not in _listed(after) for each in _listed(before))


def _gained(before: Json, after: Json) -> bool:
    return _lost(after, before)


def _listed(value: Json) -> list[Json]:
    return list(value) if isinstance(value, list | dict) else []


def _map(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


_RULE: Mapping[str, Judged] = {
    "inbound": _milder, "outbound": _milder, "threshold": _grew, "timeout_milliseconds": _fell,
    "on_failure": lambda before, _: before == FailMode.CLOSED,
    "when": lambda _, after: bool(after),
}  # fmt: skip


def _rule(field: str, before: Json, after: Json) -> bool:
    """Judge a field of a rule: the strictest of several decides, so one more never loosens, and one fewer may."""
    if before is None or after is None:
        return after is None
    judged = _RULE.get(field)
    return judged is None or judged(before, after)


_TOOL: Mapping[str, Judged] = {
    "effect": lambda before, after: _EFFECTS.index(Effect(str(after))) < _EFFECTS.index(Effect(str(before))),
    "needs_person": _switched_off, "watched": _switched_off, "reads_untrusted": _switched_off,
    "sends_outside": _switched_off, "arguments": _replaced, "pinned": _replaced,
}  # fmt: skip


def _fields(judged: Mapping[str, Judged], before: Json, after: Json) -> bool:
    was, then = _map(before), _map(after)
    return any(name not in judged or judged[name](was.get(name), then.get(name))
               for name in {**was, **then} if was.get(name) != then.get(name))  # fmt: skip


def _tool(before: Json, after: Json) -> bool:
    """Judge a tool: one more may be called, one fewer may not."""
    return after is not None and (before is None or _fields(_TOOL, before, after))


def _tools(before: Json, after: Json) -> bool:
    """Judge the list of all tools, where they are not told apart."""
    return _gained(before, after)


def _whole(judged: Mapping[str, Judged]) -> Judged:
    """Judge something that a policy has or has not: gone, it protects no more."""
    return lambda before, after: before is not None and (after is None or _fields(judged, before, after))


def _limit(before: Json, after: Json) -> bool:
    """Judge one limit, where zero is none."""
    return bool(before) and (not after or _grew(before, after))


def _expert_rules(before: Json, after: Json) -> bool:
    then = {str(_map(each).get("id")): each for each in _listed(after)}
    judged: Mapping[str, Judged] = {"title": _never, "decision": _milder}
    return any(_whole(judged)(each, then.get(str(_map(each).get("id")))) for each in _listed(before))


_PARTS: Mapping[str, Judged] = {
    "system_id": _never,
    "grade": _fell,
    "words": _lost,
    "word_topics": _never,
    "allowed_words": _gained,
    "canaries": _lost,
    "tools": _tools,
    "tool_rules": _replaced,
    "mcp_servers": _gained,
    "on_disagreement": _milder,
    "lexicons": _lost,
    "scope": _whole({"about": _replaced, "examples": _gained, "outside": _lost}),
    "expert_rules": _expert_rules,
    "judge": _whole({"url": _replaced, "model": _replaced, "speaks": _replaced, "key_env": _never,
                     "categories": _lost, "timeout_milliseconds": _fell}),
    "classifiers": _lost,
    "restore_personal_data": _switched_off,
    "limits": lambda before, after: _fields(dict.fromkeys(_map(before), _limit), before, after),
    "record_share": _never,
    "watch_idle_seconds": _grew,
    "approval_seconds": _grew,
    "streaming": lambda before, after: _STREAMING.index(str(after)) < _STREAMING.index(str(before)),
    "explicit_label": _switched_off,
    "max_input_characters": _grew,
    "safe_answer": _never,
    "safe_answers": _lost,
    "manual_fallback": _never,
}  # fmt: skip
"""How each part is judged. One that is not named here counts as loosened whenever it changes."""
