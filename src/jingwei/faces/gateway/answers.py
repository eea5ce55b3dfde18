"""Answers in the provider's shape: what a caller gets instead of what was blocked, and error pieces of a stream."""

import time
from collections.abc import Mapping

import orjson

from jingwei.core.canonical import Json
from jingwei.core.policy import Decision, Policy
from jingwei.core.text import text
from jingwei.deploy.guard import GuardVerdict
from jingwei.faces.gateway.refusal import Refusal
from jingwei.operate.label import language_of

DONE_LINE = b"data: [DONE]\n\n"


def told(verdict: GuardVerdict, event_id: str) -> dict[str, Json]:
    """Return what a caller is told about a verdict: rules and categories, never the text."""
    second = verdict.second_check
    return {
        "decision": str(verdict.decision),
        "direction": verdict.direction,
        "categories": [str(each) for each in verdict.categories],
        "rule_ids": list(verdict.rule_ids),
        "unjudged": [str(each.category) for each in verdict.unjudged],
        "reason": {"zh": verdict.reason.zh, "en": verdict.reason.en},
        "event_id": event_id,
        **({"second_check": {"checked": second.checked, "passed": second.passed}} if second else {}),
    }


def safe_answer(policy: Policy, verdict: GuardVerdict, asked: str) -> str:
    """Return what the person reads instead, in the language they asked in."""
    plain = text("deploy.guard:held-answer") if verdict.decision is Decision.HOLD else policy.safe_answer
    return (verdict.answer or plain).of(language_of(asked))


def withheld(model: str, request_id: str, content: str, jingwei: Mapping[str, Json]) -> dict[str, Json]:
    """Return a whole chat completion that stands for a blocked one."""
    message: dict[str, Json] = {"role": "assistant", "content": content}
    return {
        "id": request_id,
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "content_filter"}],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        "jingwei": dict(jingwei),
    }


def chunk_line(base: Mapping[str, Json], choices: list[Json], **more: Json) -> bytes:
    """Return one piece of a stream."""
    return b"data: " + orjson.dumps({**base, "object": "chat.completion.chunk", "choices": choices, **more}) + b"\n\n"


def error_line(refusal: Refusal) -> bytes:
    """Return the piece that tells of an error in the middle of a stream."""
    return b"data: " + orjson.dumps(refusal.body) + b"\n\n"


def last_question(messages: Json) -> str:
    """Return the last thing a person said, to answer in their language."""
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, dict) and message.get("role") == "user":
            content = message.get("content")
            parts = content if isinstance(content, list) else [{"text": content}]
            return " ".join(str(part.get("text")) for part in parts if isinstance(part, dict))
    return ""
