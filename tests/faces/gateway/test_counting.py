"""What the gateway tells of itself in numbers: metrics and spans, and never a text."""

import re
import threading

import pytest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from prometheus_client.parser import text_string_to_metric_families
from tests.faces.gateway.conftest import KEY

from jingwei.core.snapshot import ServedKey, key_hash
from jingwei.faces.gateway.metrics import COUNTERS, GAUGES, HISTOGRAMS, Metrics, Outcome
from jingwei.faces.gateway.seats import Seat
from jingwei.faces.gateway.telemetry import NAMES, Telemetry


def numbers(house):
    reply = house.call("GET", "/metrics", key=None)
    assert reply.status == 200
    assert reply.headers["content-type"].startswith("text/plain")
    return samples(reply.raw)


def samples(page):
    return {(each.name, tuple(sorted(each.labels.items()))): each.value
            for family in text_string_to_metric_families(page.decode()) for each in family.samples}  # fmt: skip


def total(found, name, **labels):
    return sum(value for (named, given), value in found.items() if named == f"jingwei_gateway_{name}"
               and labels.items() <= dict(given).items())  # fmt: skip


def test_requests_verdicts_tokens_and_tenants_are_counted(open_house):
    key = ServedKey(hash=key_hash(KEY), name="intranet", tenant="retail")
    open_house.publish(open_house.served(keys=(key,)))
    before = numbers(open_house)
    open_house.chat("hello")
    open_house.chat("关于飞鸟计划")
    open_house.chat("hello", key="wrong")
    after = numbers(open_house)

    def grown(name, **labels):
        return total(after, name, **labels) - total(before, name, **labels)

    assert grown("requests_total", route="/v1/chat/completions", outcome="served") == 2
    assert grown("requests_total", outcome="key-unknown") == 1
    assert grown("verdicts_total", direction="inbound", decision="block") == 1
    assert grown("findings_total", category="keyword", decision="block") == 1
    assert grown("tokens_total", tenant="retail", kind="input") == 3
    assert grown("tokens_total", tenant="retail", kind="output") == 4
    assert grown("tenant_requests_total", tenant="retail") == 2
    assert grown("request_seconds_count", route="/v1/chat/completions") == 3
    assert grown("guard_seconds_count", direction="inbound") == 2


def test_no_address_of_a_callers_making_becomes_a_name(open_house):
    open_house.call("GET", "/v1/made-up")
    open_house.call("GET", "/jingwei/../x")
    routes = {dict(labels).get("route") for _, labels in numbers(open_house)}
    assert "other" in routes
    assert not any("made-up" in str(each) for each in routes)


def test_numbers_are_for_this_machine_or_for_who_has_a_key(open_house):
    behind = {"X-Forwarded-For": "10.0.0.1"}
    assert open_house.call("GET", "/metrics", key=None, headers=behind).status == 401
    assert open_house.call("GET", "/metrics", headers=behind).status == 200
    assert open_house.call("POST", "/metrics", body={}).status == 405


def test_any_process_tells_the_numbers_of_all(tmp_path):
    seats = [Seat(tmp_path) for _ in range(2)]
    first, second = (Metrics(tmp_path, seat) for seat in seats)
    for each, count in ((first, 3), (second, 4)):
        for _ in range(count):
            each.ended(Outcome("/v1/chat/completions", "served", 0.02), None)
        each.show({"snapshot_age_seconds": 1.5})
        each.write()
    found = samples(first.page())
    assert total(found, "requests_total", seat="0") == 3
    assert total(found, "requests_total", seat="1") == 4
    assert total(found, "request_seconds_bucket", le="0.025") == 7
    assert total(found, "request_seconds_bucket", le="0.01") == 0
    assert total(found, "snapshot_age_seconds") == 3
    for each in seats:
        each.leave()


def test_the_number_of_series_is_bounded(tmp_path):
    seat = Seat(tmp_path)
    metrics = Metrics(tmp_path, seat)
    for number in range(6_000):
        metrics.add("tenant_requests", f"tenant-{number}")
    assert len(metrics._counts) == 5_000
    seat.leave()


def test_every_metric_has_a_name_and_a_sentence():
    for name, (about, _) in {**COUNTERS, **HISTOGRAMS, **GAUGES}.items():
        assert re.fullmatch(r"[a-z_]+", name)
        assert about.endswith(".")


@pytest.mark.parametrize(
    ("given", "back"), [("abc-1.2:3", "abc-1.2:3"), ("a b", None), ("x" * 200, None), ("a\tb", None)]
)
def test_a_callers_own_request_id_is_said_back(open_house, given, back):
    assert open_house.chat(headers={"X-Request-Id": given}).headers.get("x-request-id") == back


class Kept(SpanExporter):
    def __init__(self):
        self.spans = []

    def export(self, spans):
        self.spans += spans
        return SpanExportResult.SUCCESS


@pytest.fixture
def spans(open_house, monkeypatch):
    settings = open_house.app._settings.model_copy(
        update={"telemetry_url": "http://127.0.0.1:9/", "telemetry_share": 1.0}
    )
    kept = Kept()
    telemetry = Telemetry(settings, exporter=kept)
    monkeypatch.setattr(open_house.app._books, "_telemetry", telemetry)

    ending, books = telemetry.ended, threading.Semaphore(0)

    def heard(outcome, exchange):
        ending(outcome, exchange)
        books.release()

    monkeypatch.setattr(telemetry, "ended", heard)

    def ended(requests):
        for _ in range(requests):  # an answer is out before its books are closed
            assert books.acquire(timeout=20)
        monkeypatch.setattr(open_house.app._books, "_telemetry", None)
        telemetry.close()
        return kept.spans

    return ended


def test_a_request_leaves_a_span_with_its_verdicts_inside_and_no_text(open_house, spans):
    open_house.chat("hello")
    open_house.chat("关于飞鸟计划")
    found = spans(2)
    outer = [each for each in found if each.name == "chat"]
    inner = [each for each in found if each.name == "run_guardrail"]
    assert len(outer) == 2
    assert {each.parent.span_id for each in inner} == {each.context.span_id for each in outer}
    assert {each.attributes["gen_ai.security.verdict.decision"] for each in inner} >= {"block"}
    assert outer[0].attributes["gen_ai.usage.input_tokens"] == 3
    assert outer[0].attributes["jingwei.system_id"] == "sys_1"
    assert all(name in NAMES.values() for each in found for name in each.attributes)
    said = " ".join(str(each.attributes) for each in found)
    assert "飞鸟" not in said
    assert "hello" not in said


def test_a_refused_request_leaves_a_span_that_says_why(open_house, spans):
    open_house.model.hook = None
    open_house.call(body={"messages": []})
    (span,) = spans(1)
    assert span.attributes["error.type"] == "request-invalid"
