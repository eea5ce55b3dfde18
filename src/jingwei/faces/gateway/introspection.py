"""What the gateway tells about itself: health to anyone, its configuration to those it admits."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, cast

import orjson

from jingwei.core.canonical import Json
from jingwei.core.configuration import ABSENT, gateway_part
from jingwei.core.text import text
from jingwei.deploy.guard import Enforced, Passage, ToolCall, ToolContext, gateway_version
from jingwei.faces.gateway.access import Access
from jingwei.faces.gateway.answers import told
from jingwei.faces.gateway.calls import read_call
from jingwei.faces.gateway.exchange import Exchange
from jingwei.faces.gateway.readiness import Room
from jingwei.faces.gateway.refusal import Code, Refusal
from jingwei.faces.gateway.request import read_object
from jingwei.faces.gateway.serving import Serving
from jingwei.faces.gateway.settings import GatewaySettings
from jingwei.faces.gateway.wire import Answer, Request

HEALTH, READY, LIVE = "/jingwei/health", "/jingwei/ready", "/jingwei/live"
OBSERVED = ("gateway", "policy")
"""The parts of the configuration that this process is, and so sees for itself; the others are as registered."""


class Standing(NamedTuple):
    """What tells how a gateway is."""

    serving: Serving
    room: Room
    settings: GatewaySettings

    async def demand(self, *, built: bool) -> None:
        """Demand that requests can be served.

        Args:
            built: also that no detectors are being built.

        Raises:
            Refusal: why not.
        """
        self.serving.fresh()
        if not await asyncio.to_thread(self.room.writable):
            raise Refusal(Code.SPOOL)
        if built and self.serving.building:
            raise Refusal(Code.POLICY_LOADING)


async def health(request: Request, standing: Standing, answer: Answer) -> None:
    """Tell how the gateway is; names no System.

    `/jingwei/live` is 200 while the process answers at all; if it does not, start it anew. `/jingwei/ready`
    is 503 while it should get no requests: its snapshot is missing, old or forged, its events cannot be written, or a
    System's detectors are still being built. `/jingwei/health` is 503 while it refuses everybody.

    Raises:
        Refusal: another method than GET or HEAD.
    """
    if request.method not in {"GET", "HEAD"}:
        raise Refusal(Code.METHOD, allowed="GET")
    problem, why = "", None
    try:
        await standing.demand(built=request.path == READY)
    except Refusal as refusal:
        problem, why = str(refusal.code), refusal.message
    serving, settings, age = standing.serving, standing.settings, standing.serving.age_seconds
    value = {
        "status": "refusing" if problem else "serving",
        "problem": problem,
        **({"reason": {"zh": why.zh, "en": why.en}} if why else {}),
        "snapshot_age_seconds": None if age is None else round(age, 3),
        "snapshot_limit_seconds": settings.snapshot_limit_seconds,
        "systems": serving.count,
        "gateway": gateway_version(),
        **({"standalone": True} if settings.standalone else {}),
    }
    await answer.json(503 if problem and request.path != LIVE else 200, value)


def models(access: Access) -> dict[str, Json]:
    """Return the one model a caller can reach."""
    name = access.served.upstream_model or access.served.name
    return {"object": "list", "data": [{"id": name, "object": "model", "created": 0, "owned_by": "jingwei"}]}


def configuration(access: Access, serving: Serving, settings: GatewaySettings) -> dict[str, Json]:
    """Return what is enforced for the caller's System: digests and rules, no word lists, markers or addresses."""
    declared = access.served.configuration
    enforced = Enforced.of(access.served.policy).model_dump(mode="json")
    files = {"snapshot": settings.snapshot_path, "public_key": settings.key_path, "spool": settings.spool_path}
    age = serving.age_seconds or 0.0
    return {
        "system_id": access.served.system_id,
        "status": access.served.status,
        "gateway": gateway_part(
            gateway_version(), upstream_url=access.served.upstream_url, upstream_model=access.served.upstream_model
        ),
        "policy": access.served.policy.digest,
        "model": declared.get("model", ABSENT),
        "prompt": declared.get("prompt", ABSENT),
        "tools": declared.get("tools", ABSENT),
        "observed": list(OBSERVED),
        "detectors": access.guard.bundle.version,
        "enforced": cast("Json", enforced),
        "snapshot_age_seconds": round(age, 3),
        "snapshot_limit_seconds": settings.snapshot_limit_seconds,
        "modes": {name: _mode(path) for name, path in files.items()},
        **({"standalone": True} if settings.standalone else {}),
    }


async def evaluated(raw: bytes, access: Access, exchange: Exchange) -> dict[str, Json]:
    """Judge one text or tool call without any model, and record the verdict.

    Raises:
        Refusal: the body names no direction, or no text and no tool call.
    """
    body = read_object(raw)
    if "tool_call" in body:
        name, arguments = read_call({"function": body["tool_call"]})
        call = ToolCall(name, arguments, server=None)
        verdict = (await asyncio.to_thread(access.guard.judge_call, call, ToolContext())).verdict
        return told(verdict, exchange.verdict(verdict, tool=name[:64]))
    direction, content = body.get("direction"), body.get("text")
    if direction not in {"inbound", "outbound"}:
        raise _wrong("direction", "direction")
    if not isinstance(content, str):
        raise _wrong("text", "text")
    aimed = cast("Literal['inbound', 'outbound']", direction)
    verdict = await access.guard.judged((Passage((), content),), direction=aimed)
    answer = told(verdict, exchange.verdict(verdict))
    return answer | ({"text": verdict.text} if verdict.text is not None else {})


def run_events(lines: Sequence[bytes]) -> dict[str, Json]:
    """Return the events of one run."""
    return {"events": [orjson.loads(line) for line in lines]}


def _mode(path: Path) -> str:
    try:
        return f"{path.stat().st_mode & 0o777:04o}"
    except OSError:
        return ABSENT


def _wrong(place: str, kind: str) -> Refusal:
    problem = text("faces.gateway:problem-type", expected=text(f"faces.gateway:type-{kind}"))
    return Refusal(Code.REQUEST_INVALID, place=place, problem=problem)
