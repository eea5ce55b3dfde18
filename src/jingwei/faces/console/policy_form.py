"""A policy as the fields of a form, and back: what was sent, as edits of the policy in force."""

from collections.abc import Iterator

from jingwei.core.canonical import Json
from jingwei.core.errors import InputError
from jingwei.core.policy import Effect, Policy
from jingwei.faces.console.caller import Sent
from jingwei.faces.console.wording import PACKAGE

MOST_TOOLS = 20
"""More tools than these are edited by the API; a form has so many fields and no more."""
LONGEST_LIST = 9_000
"""Characters of a word list that a form takes."""
_RULE = ("inbound", "outbound", "on_failure")
_FLAGS = ("needs_person", "watched", "reads_untrusted", "sends_outside")
_WHOLE = ("max_input_characters", "watch_idle_seconds", "approval_seconds")
_LIMITS = ("requests_per_minute", "tokens_per_day", "concurrent_requests")


def fields(policy: Policy) -> dict[str, str]:
    """Return the fields of a policy's form, filled."""
    found = dict(_rules(policy))
    for number, tool in enumerate(policy.tools[:MOST_TOOLS]):
        found |= {f"tool-{number}-effect": tool.effect.value, f"tool-{number}-arguments": tool.arguments}
        found |= {f"tool-{number}-{flag}": "yes" for flag in _FLAGS if getattr(tool, flag)}
    for name in ("words", "allowed_words"):
        found[name] = "\n".join(getattr(policy, name))
    found |= {"safe_answer-zh": policy.safe_answer.zh, "safe_answer-en": policy.safe_answer.en}
    for category, answer in policy.safe_answers.items():
        found |= {f"answer-{category.value}-zh": answer.zh, f"answer-{category.value}-en": answer.en}
    found |= {name: str(getattr(policy, name)) for name in _WHOLE}
    found |= {name: str(getattr(policy.limits, name)) for name in _LIMITS}
    found["record_percent"] = f"{policy.record_share * 100:g}"
    if policy.restore_personal_data:
        found["restore_personal_data"] = "yes"
    return found


def edits(sent: Sent, policy: Policy) -> dict[str, Json]:
    """Return what was sent as edits of a policy: only fields that differ.

    Raises:
        InputError: a number is none; the message names the field.
    """
    found: dict[str, Json] = {
        "rules": _sent_rules(sent, policy), "tools": _sent_tools(sent, policy),
        "safe_answer": {"zh": sent["safe_answer-zh"], "en": sent["safe_answer-en"]},
        "safe_answers": {
            category.value: {"zh": sent[f"answer-{category.value}-zh"], "en": sent[f"answer-{category.value}-en"]}
            for category in policy.safe_answers
        },
        "limits": {name: _whole(sent, name) for name in _LIMITS},
        "record_share": round(_number(sent, "record_percent") / 100, 6),
        "restore_personal_data": sent["restore_personal_data"] == "yes",
    }  # fmt: skip
    found |= {name: _whole(sent, name) for name in _WHOLE}
    for name in ("words", "allowed_words"):
        if listable(getattr(policy, name)):
            found[name] = [*sorted({line.strip() for line in sent[name].splitlines() if line.strip()})]
    written = policy.model_dump(mode="json")
    return {name: value for name, value in found.items() if value != written[name]}


def listable(words: tuple[str, ...]) -> bool:
    """Tell whether a list of words is short enough for a form."""
    return sum(len(word) + 1 for word in words) <= LONGEST_LIST


def _rules(policy: Policy) -> Iterator[tuple[str, str]]:
    for number, rule in enumerate(policy.rules):
        for name in _RULE:
            yield f"rule-{number}-{name}", getattr(rule, name).value
        yield f"rule-{number}-threshold", f"{rule.threshold:g}"


def _sent_rules(sent: Sent, policy: Policy) -> list[Json]:
    found: list[Json] = []
    for number, rule in enumerate(policy.rules):
        changed = {name: sent[f"rule-{number}-{name}"] for name in _RULE}
        threshold = _number(sent, f"rule-{number}-threshold")
        found.append({**rule.model_dump(mode="json"), **changed, "threshold": threshold})
    return found


def _sent_tools(sent: Sent, policy: Policy) -> list[Json]:
    found: list[Json] = []
    for number, tool in enumerate(policy.tools):
        written = tool.model_dump(mode="json")
        if number < MOST_TOOLS:
            if sent[f"tool-{number}-drop"] == "yes":
                continue
            written |= {"effect": sent[f"tool-{number}-effect"], "arguments": sent[f"tool-{number}-arguments"]}
            written |= {flag: sent[f"tool-{number}-{flag}"] == "yes" for flag in _FLAGS}
        found.append(written)
    if sent["tool-new-name"]:
        flags: dict[str, Json] = {flag: sent[f"tool-new-{flag}"] == "yes" for flag in _FLAGS}
        found.append({"name": sent["tool-new-name"], "server": sent["tool-new-server"], "pinned": "",
                      "effect": sent["tool-new-effect"] or Effect.IRREVERSIBLE.value,
                      "arguments": sent["tool-new-arguments"], **flags})  # fmt: skip
    return found


def _number(sent: Sent, name: str) -> float:
    try:
        return float(sent[name])
    except ValueError as error:
        raise InputError(f"{PACKAGE}:form.number", field=name) from error


def _whole(sent: Sent, name: str) -> int:
    if not (sent[name].isascii() and sent[name].isdigit() and len(sent[name]) < 12):
        raise InputError(f"{PACKAGE}:form.number", field=name)
    return int(sent[name])
