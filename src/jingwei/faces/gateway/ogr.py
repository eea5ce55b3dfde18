"""OpenGuardrails (OGR v1.0) at `/v1/evaluate`: other gateways' plug-ins ask us, with a System's key, as for a call.

Nothing goes to a model: one half of one call comes in, is judged by the System's own policy, recorded, and answered.
"""

import asyncio

from jingwei.core.canonical import Json
from jingwei.core.errors import InputError
from jingwei.deploy.guard.ogr import answer, tool_call, unknown_session
from jingwei.deploy.guard.ogr_event import read_event
from jingwei.faces.gateway.access import Access
from jingwei.faces.gateway.exchange import Exchange
from jingwei.faces.gateway.refusal import Code, Refusal
from jingwei.faces.gateway.request import read_object


async def event_evaluated(raw: bytes, access: Access, exchange: Exchange) -> dict[str, Json]:
    """Judge one GuardEvent and record the verdict on its texts, and on each of its tool calls.

    Raises:
        Refusal: the body is no GuardEvent.
    """
    try:
        asked = read_event(read_object(raw))
    except InputError as error:
        raise Refusal(Code.REQUEST_INVALID, place=error.field or "event", problem=error.message) from error
    session = asked.event.session_hint or ""
    verdict = await access.guard.judged(asked.passages, direction=asked.direction, session=session)
    event_id = exchange.verdict(verdict)
    context = unknown_session(access.principal, access.tenant)
    calls = []
    for call in asked.calls:
        asked_for = tool_call(call)
        decided = await asyncio.to_thread(access.guard.judge_call, asked_for, context)
        exchange.verdict(decided.verdict, tool=decided.recorded_name(asked_for)[:64])
        calls.append(decided.verdict)
    return answer(asked, verdict, calls, event_id=event_id)


def heartbeat(raw: bytes) -> dict[str, Json]:
    """Tell a plug-in that it is heard.

    Raises:
        Refusal: the body is no object.
    """
    read_object(raw)
    return {"ok": True}
