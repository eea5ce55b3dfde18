"""Telemetry: a span for a request and one for each verdict, by OpenTelemetry, where an address for them is configured.

Off by default, sampled, made in a thread of its own from what a request left behind, so that no request waits for it.
Never any text: neither of a request, nor of an answer, nor of what a rule matched. The names are ours to keep: the
conventions for models are in development, and for guardrails only proposed. `NAMES` is the one place to follow them.
"""

import logging
import queue
import random
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from jingwei.core.errors import Unavailable
from jingwei.core.whereabouts import whereabouts
from jingwei.deploy.guard import GuardVerdict, gateway_version
from jingwei.faces.gateway.exchange import Exchange
from jingwei.faces.gateway.metrics import Outcome
from jingwei.faces.gateway.settings import GatewaySettings

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

CONVENTIONS = "semantic-conventions-genai, as of 2026-08; guardrails after its proposal 427"
NAMES = {
    "operation": "gen_ai.operation.name", "model": "gen_ai.request.model", "asked": "gen_ai.usage.input_tokens",
    "answered": "gen_ai.usage.output_tokens", "provider": "gen_ai.provider.name", "error": "error.type",
    "guardrail": "gen_ai.security.guardrail.name", "version": "gen_ai.security.guardrail.version",
    "decision": "gen_ai.security.verdict.decision", "policy": "gen_ai.security.policy.id",
    "rules": "gen_ai.security.policy.rule.id", "risks": "gen_ai.security.risk.categories",
    "target": "gen_ai.security.target.type", "system": "jingwei.system_id", "request": "jingwei.request_id",
    "principal": "jingwei.principal", "tenant": "jingwei.tenant", "lexicon": "jingwei.lexicon", "route": "http.route",
}  # fmt: skip
"""Attribute names; pinned to `CONVENTIONS`."""
_MOST_WAITING = 2_000
_log = logging.getLogger(__name__)


class _Ended(NamedTuple):
    exchange: Exchange
    outcome: Outcome
    at: int


class Telemetry:
    """Makes spans of requests that ended, and hands them to an exporter.

    Args:
        settings: where to, and which share.
        exporter: takes the spans; none: OTLP over HTTP to the configured address.

    Raises:
        Unavailable: the extra `telemetry` is not installed.
    """

    def __init__(self, settings: GatewaySettings, *, exporter: Any = None) -> None:  # Any: OpenTelemetry's SpanExporter
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - extra
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
            from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
            from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        except ImportError as error:
            raise Unavailable("faces.gateway:no-telemetry") from error
        self._share = settings.telemetry_share
        self._chance = random.SystemRandom()
        self._waiting: queue.Queue[_Ended | None] = queue.Queue(_MOST_WAITING)
        resource = Resource.create({"service.name": "jingwei-gateway", "service.version": gateway_version()})
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter(settings.telemetry_url)))
        self._tracer = self._provider.get_tracer("jingwei.gateway", schema_url=None)
        self._thread = threading.Thread(target=self._work, name="telemetry", daemon=True)
        self._thread.start()

    def ended(self, outcome: Outcome, exchange: Exchange) -> None:
        """Take a request that ended; where too many wait it is left out."""
        if self._chance.random() >= self._share:
            return
        try:
            self._waiting.put_nowait(_Ended(exchange, outcome, time.time_ns()))
        except queue.Full:
            return

    def close(self) -> None:
        """Hand over what waits."""
        self._waiting.put(None)
        self._thread.join()
        self._provider.shutdown()

    def _work(self) -> None:
        while (ended := self._waiting.get()) is not None:
            try:
                _spanned(self._tracer, ended)
            except Exception as error:  # noqa: BLE001 - the edge of a thread: a span that fails must not end the others
                _log.error("a span could not be made: %s", whereabouts(error))


def _spanned(tracer: "Tracer", ended: _Ended) -> None:
    from opentelemetry import trace  # noqa: PLC0415 - extra

    exchange, outcome = ended.exchange, ended.outcome
    access = exchange.access
    began = ended.at - int(outcome.seconds * 1e9)
    operation = "embeddings" if outcome.route.endswith("/embeddings") else "chat"
    attributes = {
        "operation": operation, "provider": "jingwei", "model": access.served.upstream_model, "route": outcome.route,
        "asked": exchange.used.asked, "answered": exchange.used.answered, "system": access.served.system_id,
        "request": exchange.request_id, "principal": access.principal, "tenant": access.tenant,
        "lexicon": access.lexicon, "error": "" if outcome.outcome == "served" else outcome.outcome,
    }  # fmt: skip
    span = tracer.start_span(operation, start_time=began, kind=trace.SpanKind.SERVER, attributes=_named(attributes))
    inside = trace.set_span_in_context(span)
    for verdict in exchange.verdicts:
        inner = tracer.start_span("run_guardrail", context=inside, start_time=began,
                                  attributes=_named(_verdict(verdict, access.served.policy.digest)))  # fmt: skip
        inner.end(began + int(verdict.latency_milliseconds * 1e6))
    span.end(ended.at)


def _verdict(verdict: GuardVerdict, policy: str) -> dict[str, object]:
    target = {"inbound": "llm_input", "outbound": "llm_output"}.get(verdict.direction, "tool_call")
    return {"guardrail": "jingwei", "version": gateway_version(), "decision": str(verdict.decision), "policy": policy,
            "rules": list(verdict.rule_ids), "risks": [str(each) for each in verdict.categories],
            "target": target}  # fmt: skip


def _named(attributes: dict[str, Any]) -> dict[str, Any]:  # Any: OpenTelemetry's attribute values
    return {NAMES[name]: value for name, value in attributes.items() if value not in ("", [])}
