"""The headline: what happened in a sentence, and the few numbers that matter, each with its error bar."""

from jingwei.core.interval import Rate, wilson
from jingwei.core.text import Both
from jingwei.develop.evaluate.evaluation import Evaluation
from jingwei.develop.evaluate.measures import STEM, Kind
from jingwei.develop.evaluate.reports.charts import interval, kind_name, percent, strip, tone_of
from jingwei.develop.evaluate.reports.figures import Figures
from jingwei.develop.evaluate.reports.markup import Html, join, say, tag
from jingwei.develop.evaluate.verdict import State


def headline(evaluation: Evaluation, figures: Figures) -> Html:
    """Return the sentences and the cards."""
    cards = [_rate(kind, rate, _limit(evaluation, kind)) for kind, rate in figures.rates.items()]
    if (without := figures.corrected.get(None)) and without.by_judge:
        rate = Rate(without.raw.hits, without.raw.samples, without.value, without.low, without.high)
        cards.insert(1, _card(say("card-corrected"), rate, None, note=say("card-corrected-note")))
    open_ = wilson(figures.states[State.UNDETERMINED], figures.results - figures.states[State.ERROR])
    if open_.samples:
        cards.append(_card(say("card-open"), open_, None, note=say("card-open-note")))
    if figures.states[State.ERROR]:
        cards.append(_card(say("card-errors"), wilson(figures.states[State.ERROR], figures.results), None,
                           note=say("card-errors-note")))  # fmt: skip
    return join(tag("div", *_sentences(evaluation, figures), class_="summary"), tag("div", *cards, class_="cards"))


def _sentences(evaluation: Evaluation, figures: Figures) -> list[Html]:
    said = []
    for kind, rate in figures.rates.items():
        values = {"hits": rate.hits, "samples": rate.samples, "share": percent(rate.value), "interval": interval(rate)}
        said.append(tag("p", say(f"sentence-{kind}", **values)))
    if not said:
        said.append(tag("p", say("sentence-nothing")))
    if evaluation.stopped:
        said.append(tag("p", say(f"stopped-{evaluation.stopped}"), class_="notice warn"))
    return said


def _limit(evaluation: Evaluation, kind: Kind) -> float | None:
    """Return the limit that all suites share; none where they differ."""
    limits = {each.limits[STEM[kind]] for each in evaluation.suites if STEM[kind] in each.limits}
    return limits.pop() if len(limits) == 1 else None


def _rate(kind: Kind, rate: Rate, limit: float | None) -> Html:
    note = say("card-limit", limit=percent(limit)) if limit is not None else say("card-no-limit")
    return _card(kind_name(kind), rate, limit, note=note)


def _card(name: Both, rate: Rate, limit: float | None, *, note: Both) -> Html:
    tone = tone_of(rate, limit)
    return tag(
        "div",
        tag("p", name, class_="name"),
        tag("p", percent(rate.value), class_=f"number {tone}"),
        strip(rate, limit=limit),
        tag("p", interval(rate), " · ", f"n = {rate.samples}", class_="faint"),
        tag("p", note, class_="faint"),
        class_="card stat",
    )
