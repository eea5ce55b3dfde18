"""Metrics in Prometheus's form: what this gateway and the others of its host have counted.

A request only adds to numbers in memory. Once a second each process writes its numbers beside the spool, so any of them
can tell those of all; each keeps its own seat as a label, so a restart is a reset of that one series. Labels are of
closed sets, but for a tenant's name. No text, address, key or session is ever one.
"""

import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from jingwei.faces.gateway.exchange import Exchange
from jingwei.faces.gateway.seats import Seat

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
COUNTERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "requests": ("Requests, by address and how they ended.", ("route", "outcome")),
    "verdicts": ("Verdicts of the guard.", ("direction", "decision")),
    "findings": ("Verdicts that named a category.", ("category", "decision")),
    "unjudged": ("Categories that could not be judged.", ("category",)),
    "tokens": ("Tokens, as the model's server counted them or estimated.", ("tenant", "kind")),
    "tenant_requests": ("Requests that were admitted, by tenant.", ("tenant",)),
}
HISTOGRAMS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "request_seconds": ("How long requests took, the model's server included.", ("route",)),
    "guard_seconds": ("How long the guard took for one verdict.", ("direction",)),
}
GAUGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "snapshot_age_seconds": ("Age of the platform's snapshot.", ()),
    "lexicon_age_seconds": ("Since when the live words in force have been the same.", ()),
    "lexicons_behind": ("Systems whose newest words could not be taken.", ()),
    "breaker_open": ("Models' servers that are left alone for a while.", ()),
    "spool_waiting_bytes": ("Events on disk that the relay has not taken.", ()),
    "dropped": ("Exchanges that were not looked at afterwards, since too many waited.", ()),
    "spool_oldest_seconds": ("Age of the oldest of them.", ()),
}
_Told = dict[str, list[tuple[Sequence[str], Any]]]  # Any: a number, or the numbers of a histogram
_PREFIX = "jingwei_gateway_"
_STALE_SECONDS = 15.0
_MOST_SERIES = 5_000


class Outcome(NamedTuple):
    """How one request ended."""

    route: str
    outcome: str
    seconds: float


class Metrics(Collector):
    """The numbers of this process; given to Prometheus with those of the others.

    Args:
        folder: shared by the gateway processes of this host.
        seat: of this process.
    """

    def __init__(self, folder: Path, seat: Seat) -> None:
        self._folder = folder
        self._seat = seat
        self._counts: dict[tuple[str, ...], float] = {}
        self._spread: dict[tuple[str, ...], list[float]] = {}
        self._gauges: dict[str, float] = {}
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def add(self, name: str, *labels: str, by: float = 1) -> None:
        """Add to a counter."""
        key = (name, *labels)
        if key in self._counts or len(self._counts) < _MOST_SERIES:
            self._counts[key] = self._counts.get(key, 0.0) + by

    def observe(self, name: str, label: str, seconds: float) -> None:
        """Add to a histogram."""
        found = self._spread.setdefault((name, label), [0.0] * (len(BUCKETS) + 2))
        found[bisect_left(BUCKETS, seconds)] += 1
        found[-1] += seconds

    def show(self, gauges: Mapping[str, float]) -> None:
        """Set gauges."""
        self._gauges.update(gauges)

    def ended(self, outcome: Outcome, exchange: Exchange | None) -> None:
        """Count a request that ended."""
        self.add("requests", outcome.route, outcome.outcome)
        self.observe("request_seconds", outcome.route, outcome.seconds)
        if exchange is None:
            return
        tenant = exchange.access.tenant
        self.add("tenant_requests", tenant)
        for verdict in exchange.verdicts:
            self.add("verdicts", verdict.direction, verdict.decision)
            self.observe("guard_seconds", verdict.direction, verdict.latency_milliseconds / 1000)
            for category in verdict.found:
                self.add("findings", category, verdict.decision)
            for gap in verdict.unjudged:
                self.add("unjudged", gap.category)
        if exchange.used.tokens:
            self.add("tokens", tenant, "input", by=exchange.used.asked)
            self.add("tokens", tenant, "output", by=exchange.used.answered)

    def write(self) -> None:
        """Write the numbers for the other processes of this host; a disk that takes none is no fault of a request."""
        path = self._path(self._seat.number)
        draft = path.with_suffix(".draft")
        try:
            draft.write_bytes(orjson.dumps(self._told()))
            draft.replace(path)
        except OSError:
            return

    def page(self) -> bytes:
        """Return the numbers of all processes as Prometheus reads them."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Give every metric."""
        told = {str(self._seat.number): self._told(), **self._others()}
        for name, (about, labels) in COUNTERS.items():
            counter = CounterMetricFamily(_PREFIX + name, about, labels=(*labels, "seat"))
            for key, seat, value in _of(told, "counts", name):
                counter.add_metric((*key, seat), value)
            yield counter
        for name, (about, labels) in HISTOGRAMS.items():
            histogram = HistogramMetricFamily(_PREFIX + name, about, labels=(*labels, "seat"))
            for key, seat, spread in _of(told, "spread", name):
                histogram.add_metric((*key, seat), _cumulated(spread), sum_value=spread[-1])
            yield histogram
        for name, (about, _) in GAUGES.items():
            gauge = GaugeMetricFamily(_PREFIX + name, about, labels=("seat",))
            for _, seat, value in _of(told, "gauges", name):
                gauge.add_metric((seat,), value)
            yield gauge

    def _told(self) -> _Told:
        return {"counts": list(self._counts.items()), "spread": list(self._spread.items()),
                "gauges": [((name,), value) for name, value in self._gauges.items()]}  # fmt: skip

    def _others(self) -> dict[str, _Told]:
        found: dict[str, _Told] = {}
        for path in self._folder.glob("metrics-*.json"):
            number = path.stem.partition("-")[2]
            try:
                if number == str(self._seat.number) or time.time() - path.stat().st_mtime > _STALE_SECONDS:
                    continue
                found[number] = orjson.loads(path.read_bytes())
            except (OSError, ValueError):  # it ended just now
                continue
        return found

    def _path(self, number: int) -> Path:
        return self._folder / f"metrics-{number}.json"


def _of(told: Mapping[str, _Told], part: str, name: str) -> Iterator[tuple[Sequence[str], str, Any]]:
    """Give the series of one metric: further labels, seat and value."""
    for seat, each in told.items():
        for key, value in each.get(part, ()):
            if key[0] == name:
                yield key[1:], seat, value


def _cumulated(spread: list[float]) -> list[tuple[str, float]]:
    total = 0.0
    found = []
    for bound, count in zip([*map(str, BUCKETS), "+Inf"], spread, strict=False):
        total += count
        found.append((bound, total))
    return found
