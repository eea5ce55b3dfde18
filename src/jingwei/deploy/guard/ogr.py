"""OpenGuardrails (OGR v1.0): a GuardEvent in, a Verdict out, so that its plug-ins for other gateways work with us.

The protocol knows two decisions. Ours are told apart in the block `x.jingwei`: what is labelled or redacted is an
`allow` (with spans to replace), what is answered safely, held or blocked is a `block` (with a notice for the model).
Findings carry places, never the text. `unjudged` names every place that some detector could not look at.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import cast

import orjson
from pydantic import BaseModel, ConfigDict

from jingwei.core.canonical import Json
from jingwei.core.finding import Severity
from jingwei.core.ids import new_id
from jingwei.core.package_data import package_data
from jingwei.core.policy import Category, Decision
from jingwei.deploy.guard.arguments import read_arguments
from jingwei.deploy.guard.conditions import language_of
from jingwei.deploy.guard.guard import Guard
from jingwei.deploy.guard.ogr_event import CallAsked, EventAsked, dotted, read_event
from jingwei.deploy.guard.passages import rewrite
from jingwei.deploy.guard.taint import Label
from jingwei.deploy.guard.tool_call import ToolCall, ToolContext
from jingwei.deploy.guard.verdict import GuardFinding, GuardVerdict, written_path
from jingwei.detect import placeholder

PROVIDER = "jingwei"
EXTENSION = "x.jingwei"
_MAX_NOTICE = 2_000
_MAX_UNJUDGED = 256


class _Taxonomy(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    categories: dict[Category, str]
    rules: dict[str, str]
    own: dict[str, str]
    """By the beginning of the id of a rule of the guard itself."""


@lru_cache(maxsize=1)
def _taxonomy() -> _Taxonomy:
    return _Taxonomy.model_validate(package_data("jingwei.deploy.guard", "ogr.yaml"))


def evaluate(event: Mapping[str, Json], guard: Guard) -> dict[str, Json]:
    """Judge one GuardEvent.

    Raises:
        InputError: it is none; the message names the field.
    """
    asked = read_event(event)
    verdict = guard.judge_passages(asked.passages, direction=asked.direction, session=asked.event.session_hint or "")
    context = unknown_session(asked.event.agent_id)
    calls = [guard.judge_call(tool_call(call), context).verdict for call in asked.calls]
    return answer(asked, verdict, calls, event_id=new_id("evt"))


def unknown_session(principal: str, tenant: str = "") -> ToolContext:
    """Return the context of a call that comes alone: what its agent has read before cannot be told, so it counts."""
    return ToolContext(principal=principal, tenant=tenant, labels=frozenset({str(Label.UNTRUSTED)}))


def tool_call(call: CallAsked) -> ToolCall:
    """Return a call of an answer as the guard judges it; which server it goes to is not known here."""
    return ToolCall(call.name, call.arguments, server=None)


def answer(asked: EventAsked, verdict: GuardVerdict, calls: Sequence[GuardVerdict], *,
           event_id: str) -> dict[str, Json]:  # fmt: skip
    """Write the verdict on an event as the protocol wants it.

    Args:
        asked: what was judged.
        verdict: on its texts.
        calls: on its tool calls, one each.
        event_id: the event that records it.
    """
    strictest = max((verdict, *calls), key=lambda each: each.decision.rank)
    findings = _findings(asked, verdict) + [
        _told(found, _place(call)) for call, judged in zip(asked.calls, calls, strict=True)
        for found in judged.findings if found.decision is not Decision.ALLOW
    ]  # fmt: skip
    told: dict[str, Json] = {
        "event_id": event_id,
        "provider": PROVIDER,
        "decision": "allow" if strictest.decision.passes else "block",
        "latency_ms": round(sum(each.latency_milliseconds for each in (verdict, *calls)), 3),
        "findings": findings,
        "unjudged": _unjudged(asked, verdict, calls),
        EXTENSION: _own_block(strictest, (verdict, *calls)),
    }
    spans = _spans(asked, verdict) + _call_spans(asked, calls)
    if strictest.decision.passes and spans:
        told["modifications"] = {"spans": spans}
    if not strictest.decision.passes:
        told["continuation"] = _continuation(asked, verdict, calls, strictest)
    return told


def _findings(asked: EventAsked, verdict: GuardVerdict) -> list[Json]:
    places = {written_path(each.path): dotted(each.path) for each in asked.passages}
    return [_told(found, places.get(found.path, "payload")) for found in verdict.findings]


def _told(found: GuardFinding, place: str) -> Json:
    return {
        "category": _category(found),
        "severity": "low" if found.severity is Severity.INFO else str(found.severity),
        "path": place,
        "start": found.start,
        "end": found.end,
        "score": round(found.score, 4),
        "detector": f"{PROVIDER}/{found.rule_id}",
    }


def _category(found: GuardFinding) -> str:
    taxonomy = _taxonomy()
    if found.category is None:
        return next(
            (name for start, name in taxonomy.own.items() if found.rule_id.startswith(start)), "x.jingwei.guard"
        )
    if name := taxonomy.rules.get(found.rule_id):
        return name
    name = taxonomy.categories[found.category]
    detail = found.rule_id.partition(".")[2].replace("-", "_")
    return f"{name}.{detail}" if name.startswith("privacy.") and detail else name


def _unjudged(asked: EventAsked, verdict: GuardVerdict, calls: Sequence[GuardVerdict]) -> list[Json]:
    places = [dotted(each.path) for each in asked.passages] if verdict.unjudged else []
    places += [_place(call) for call, judged in zip(asked.calls, calls, strict=True) if judged.unjudged]
    return cast("list[Json]", places[:_MAX_UNJUDGED])


def _spans(asked: EventAsked, verdict: GuardVerdict) -> list[Json]:
    """Return what to replace; overlapping findings become one span, as they do where we redact ourselves."""
    places = {written_path(each.path): dotted(each.path) for each in asked.passages if not each.fixed}
    hidden = [each for each in verdict.findings if each.decision is Decision.REDACT and each.path in places]
    spans: list[dict[str, Json]] = []
    end = 0
    for each in sorted(hidden, key=lambda each: (each.path, each.start, -each.end)):
        place = places[each.path]
        if spans and spans[-1]["path"] == place and each.start < end:
            end = max(end, each.end)
            spans[-1]["end"] = end
            continue
        end = each.end
        spans.append({"path": place, "start": each.start, "end": end, "replacement": placeholder(each.rule_id)})
    return cast("list[Json]", spans)


def _call_spans(asked: EventAsked, calls: Sequence[GuardVerdict]) -> list[Json]:
    """Replace the arguments of a redacted call: as a whole where they are one text, else text by text."""
    spans: list[Json] = []
    for call, judged in zip(asked.calls, calls, strict=True):
        if call.is_text and judged.rewritten:
            new = orjson.dumps(rewrite(read_arguments(call.arguments), judged.rewritten)).decode()
            spans.append({"path": dotted(call.path), "start": 0, "end": len(call.arguments), "replacement": new})
        for path, new in () if call.is_text else judged.rewritten:
            old = _at(read_arguments(call.arguments), path)
            spans.append({"path": dotted((*call.path, *path)), "start": 0, "end": len(old), "replacement": new})
    return spans


def _at(value: Json, path: Sequence[str | int]) -> str:
    for step in path:
        value = value[step]  # type: ignore[index]  # the guard read this very path
    return str(value)


def _continuation(asked: EventAsked, verdict: GuardVerdict, calls: Sequence[GuardVerdict],
                  strictest: GuardVerdict) -> Json:  # fmt: skip
    """Say how to go on: without the refused calls where only they are at fault, else with an answer instead."""
    said = " ".join(each.text[:200] for each in asked.passages[-3:])
    notice = strictest.safe_answer(language_of(said))[:_MAX_NOTICE]
    if not verdict.blocks:
        refused = [_place(call) for call, judged in zip(asked.calls, calls, strict=True) if judged.blocks]
        return {"style": "drop_calls", "paths": cast("list[Json]", refused), "notice": notice}
    return {"style": "answer", "paths": [], "notice": notice}


def _place(call: CallAsked) -> str:
    """Name a call by its element in the list of calls, so that a plug-in can drop it."""
    path = call.path[:-2] if call.path[-2:] == ("function", "arguments") else call.path[:-1]
    return dotted(path)


def _own_block(strictest: GuardVerdict, verdicts: Sequence[GuardVerdict]) -> dict[str, Json]:
    findings = [found for each in verdicts for found in each.findings]
    reason, said = strictest.reason, strictest.answer
    return {
        "disposition": str(strictest.decision),
        "direction": strictest.direction,
        "policy": {"digest": verdicts[0].policy_digest},
        "rule_ids": cast("list[Json]", list(dict.fromkeys(each.rule_id for each in findings))),
        "control_ids": cast("list[Json]", sorted({name for each in findings for name in each.control_ids})),
        "scores": {str(name): round(score, 4) for each in verdicts for name, score in each.scores.items()},
        "unjudged": [{"category": str(gap.category), "why": gap.why, "action": str(gap.decision)}
                     for each in verdicts for gap in each.unjudged],
        "reason": {"zh": reason.zh, "en": reason.en},
        "answer": {"zh": said.zh, "en": said.en} if said else None,
    }  # fmt: skip
