"""The charts of each page: a view's numbers and a language's words, drawn."""

from collections.abc import Sequence
from datetime import datetime

import segno
from markupsafe import Markup

from jingwei.core.evidence import Evidence, Measure
from jingwei.core.interval import wilson
from jingwei.core.text import Both
from jingwei.faces.console.charts import (
    Column,
    Edge,
    Interval,
    Lane,
    Measured,
    Moment,
    Node,
    Part,
    Series,
    Slice,
    code_square,
    columns,
    course,
    graph,
    intervals,
    timeline,
    wheel,
)
from jingwei.faces.console.views.candidates import CandidateView
from jingwei.faces.console.views.evaluations import EvaluationsView, SuiteLine
from jingwei.faces.console.views.events import SessionView, TrendsView
from jingwei.faces.console.views.parts import Label, Row
from jingwei.faces.console.views.system import Rate, SystemView
from jingwei.faces.console.wording import Wording

STANDING_TONES = {
    "valid": "good", "running": "info", "unobserved": "warn", "incomplete": "warn", "expired": "warn", "stale": "warn",
    "failed": "bad", "missing": "quiet",
}  # fmt: skip
DECISION_TONES = {"allow": "good", "label": "info", "redact": "warn", "safe_answer": "warn", "hold": "warn",
                  "block": "bad"}  # fmt: skip
_LANES = {
    "people": ("registered", "answered", "graded", "requested", "signed", "status"),
    "proof": ("proven",),
    "guard": ("policy", "released", "revoked"),
}
_TICKS = 5


def of_system(view: SystemView, wording: Wording) -> dict[str, Markup | None]:
    """Draw what a System's page shows."""
    return {
        "wheel": evidence_wheel(view, wording),
        "attacks": attack_success(view.rates, wording) if view.rates else None,
        "chain": responsibility(view, wording) if view.parts else None,
        "history": history(view.history, wording) if view.history else None,
    }


def of_evidence(evidence: Evidence, wording: Wording) -> dict[str, Markup | None]:
    """Draw the shares among the measures that have an interval."""
    shares = [measure for measure in evidence.measures if measure.unit == "ratio" and measure.low is not None]
    rows = [_measured(measure, wording) for measure in shares if 0 <= measure.value <= 1]
    return {"shares": intervals(rows, label=wording.say("evidence.measures")) if rows else None}


def of_evaluations(view: EvaluationsView, wording: Wording) -> dict[str, Markup | None]:
    """Draw the course of each suite's headline over its runs, without the guard and through it."""
    return {line.now.evidence_id: _course(line, wording) for line in view.lines if line.course}


def _course(line: SuiteLine, wording: Wording) -> Markup:
    series = []
    for guarded in (False, True):
        way = wording.say(f"evaluations.through.{'gateway' if guarded else 'model'}")
        points = tuple(
            Measured(run.at, rate.value, rate.value if rate.low is None else rate.low,
                     rate.value if rate.high is None else rate.high,
                     f"{wording.moment(run.at)} · {way} · {wording.percent(rate.value)} ({wording.interval(rate)})")
            for run, rate in line.course if run.guarded is guarded
        )  # fmt: skip
        if points:
            series.append(Series("info" if guarded else "quiet", points))
    runs = [run.at for run, _ in line.course]
    ticks = [(at, wording.short_day(at)) for at in dict.fromkeys((min(runs), max(runs)))]
    label = wording.say("evaluations.course.picture", name=line.now.title.of(wording.language))
    return course(series, ticks=ticks, label=label)


def evidence_wheel(view: SystemView, wording: Wording) -> Markup:
    """Draw how the required evidence stands."""
    slices = [Slice(wording.say(f"standing.{name}"), count, STANDING_TONES[name]) for name, count in view.standings()]
    middle = f"{view.proven}/{len(view.required)}"
    below = wording.say("system.wheel.below")
    return wheel(slices, label=f"{wording.say('system.wheel')}: {middle} {below}", middle=middle, below=below)


def attack_success(rates: Sequence[Rate], wording: Wording) -> Markup:
    """Draw attack success without and through the guard."""
    return intervals([_rate(rate, wording) for rate in rates], label=wording.say("system.attacks"))


def responsibility(view: SystemView, wording: Wording) -> Markup:
    """Draw who answers for which component, down to the base model."""
    nodes = [Node("system", view.name, view.owner, "info")]
    below = {lower for part in view.parts for lower in part.rests_on}
    edges = [Edge("system", part.id) for part in view.parts if part.id not in below]
    names = {part.id: part.name for part in view.parts}
    for part in view.parts:
        party = part.party or wording.say("part.nobody")
        nodes.append(Node(part.id, part.name, f"{wording.say(f'part.{part.kind}')} · {party}",
                          "quiet" if part.party else "warn"))  # fmt: skip
        edges += [
            Edge(part.id, lower, wording.say("system.chain.rests", upper=part.name, lower=names[lower]))
            for lower in part.rests_on
            if lower in names
        ]
    return graph(nodes, edges, label=wording.say("system.chain.picture"))


def history(rows: Sequence[Row], wording: Wording) -> Markup:
    """Draw what happened, in three lanes."""
    lanes = [
        Lane(wording.say(f"lane.{name}"), tuple(_moment(row, wording) for row in rows if row.kind in kinds))
        for name, kinds in _LANES.items()
    ]
    ticks = _clock_ticks([row.at for row in rows], wording)
    return timeline(lanes, ticks=ticks, label=wording.say("system.history.picture"))


def of_session(view: SessionView, wording: Wording) -> dict[str, Markup | None]:
    """Draw what a session did, a lane for each direction."""
    if not view.rows:
        return {"timeline": None}
    lanes = [
        Lane(wording.say(f"direction.{name}" if name else "session.else"), tuple(
            Moment(row.at, f"{wording.clock(row.at)} · {wording.say(f'decision.{row.decision}')} · "
                   f"{wording.say(f'event.{row.kind}')}", DECISION_TONES[row.decision])
            for row in view.rows if row.direction == name
        ))
        for name in ("inbound", "outbound", "tool", "") if any(row.direction == name for row in view.rows)
    ]  # fmt: skip
    label = wording.say("session.picture")
    return {"timeline": timeline(lanes, ticks=_clock_ticks([row.at for row in view.rows], wording), label=label)}


def of_trends(view: TrendsView, wording: Wording) -> dict[str, Markup | None]:
    """Draw how many verdicts stopped something, over time."""
    written = wording.hour if view.unit == "hour" else wording.short_day
    rows = [
        Column(written(at), wording.say("trends.column", when=wording.moment(at), verdicts=total, stopped=stopped),
               (Part(stopped, "bad"), Part(total - stopped, "quiet")))
        for at, total, stopped in zip(view.buckets, view.verdicts, view.stopped, strict=True)
    ]  # fmt: skip
    return {"verdicts": columns(rows, label=wording.say("trends.picture"))}


def of_candidate(view: CandidateView, wording: Wording) -> dict[str, Markup | None]:
    """Draw the share that is stopped in each direction, now and under the candidate."""
    trial = view.trial
    if trial is None or trial.state != "finished" or not trial.whole:
        return {"stopped": None}
    rows = [
        _stopped(wording.say(f"direction.{line.direction}"), wording.say(f"trial.{name}"), count, line.texts, wording,
                 tone=tone)
        for line in trial.whole
        for name, count, tone in (("before", line.before, "quiet"), ("after", line.after, "info"))
    ]  # fmt: skip
    return {"stopped": intervals(rows, label=wording.say("trial.picture"))}


def _stopped(direction: str, which: str, count: int, texts: int, wording: Wording, *, tone: str) -> Interval:
    rate = wilson(count, texts)
    written = wording.percent(rate.value)
    whole = wording.say("trial.whole", value=written, low=wording.percent(rate.low), high=wording.percent(rate.high),
                        samples=texts)  # fmt: skip
    return Interval(f"{direction} · {which}", rate.value, rate.low, rate.high, tone, written, whole)


def _clock_ticks(moments: Sequence[datetime], wording: Wording) -> list[tuple[datetime, str]]:
    """Choose moments to write below: a short story is told by the clock, a long one by the calendar."""
    first, last = min(moments), max(moments)
    span = last - first
    written = wording.short_day if span.days >= 2 else wording.clock
    chosen = [first + span * step / (_TICKS - 1) for step in range(_TICKS)] if span else [first]
    return [(at, written(at)) for at in chosen]


def square(address: str, wording: Wording) -> Markup:
    """Draw an address as the square code that a phone scans."""
    return code_square(
        [list(row) for row in segno.make(address, error="m").matrix], label=wording.say("account.code.picture")
    )


def _moment(row: Row, wording: Wording) -> Moment:
    name = f"{wording.moment(row.at)} · {wording.say(f'happened.{row.kind}')} · {_plain(row.name, wording)}"
    return Moment(row.at, name, row.tone)


def _rate(rate: Rate, wording: Wording) -> Interval:
    whole = wording.say(
        "system.attacks.whole", value=wording.percent(rate.value), low=wording.percent(rate.low),
        high=wording.percent(rate.high), samples=rate.samples,
    )  # fmt: skip
    name = wording.say("attack.guarded" if rate.guarded else "attack.bare")
    return Interval(name, rate.value, rate.low, rate.high, "good" if rate.guarded else "bad",
                    wording.percent(rate.value), whole)  # fmt: skip


def _measured(measure: Measure, wording: Wording) -> Interval:
    low = measure.value if measure.low is None else measure.low
    high = measure.value if measure.high is None else measure.high
    written = wording.percent(measure.value)
    whole = f"{written} ({wording.interval(measure)})"
    return Interval(measure.title.of(wording.language), measure.value, low, high, "info", written, whole)


def _plain(label: Label, wording: Wording) -> str:
    return label.of(wording.language) if isinstance(label, Both) else label
