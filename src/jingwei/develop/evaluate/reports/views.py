"""One run, many views: the same results by the classes of each framework that the suites' tags name."""

from collections import Counter
from typing import NamedTuple

from jingwei.core.interval import Rate, wilson
from jingwei.core.text import Both
from jingwei.develop.evaluate.evaluation import Evaluation
from jingwei.develop.evaluate.measures import Kind
from jingwei.develop.evaluate.reports.charts import kind_name, row, rows
from jingwei.develop.evaluate.reports.figures import Figures
from jingwei.develop.evaluate.reports.markup import Html, join, say, tag


class Seen(NamedTuple):
    """One place of a framework, with what the run says of it."""

    id: str
    name: Both
    rates: dict[Kind, Rate]


def views(evaluation: Evaluation, figures: Figures) -> Html | None:
    """Return a card for each framework of which the suites touch a place."""
    del evaluation
    places = places_of(figures)
    frameworks: dict[str, list[Seen]] = {}
    for each in places.values():
        frameworks.setdefault(each.id.partition(":")[0], []).append(each)
    if not frameworks:
        return None
    return join(tag("p", say("views-about"), class_="soft"),
                *(_view(name, seen) for name, seen in frameworks.items()))  # fmt: skip


def places_of(figures: Figures) -> dict[str, Seen]:
    """Return every place that was touched, over all suites."""
    hits: Counter[tuple[str, Kind]] = Counter()
    samples: Counter[tuple[str, Kind]] = Counter()
    names: dict[str, Both] = {}
    for part in (part for suite in figures.suites for part in suite.parts if part.by == "tag"):
        hits[part.value, part.kind] += part.rate.hits
        samples[part.value, part.kind] += part.rate.samples
        names[part.value] = part.name
    found: dict[str, Seen] = {}
    for (place, kind), count in sorted(samples.items()):
        seen = found.setdefault(place, Seen(place, names[place], {}))
        seen.rates[kind] = wilson(hits[place, kind], count)
    return found


def _view(name: str, seen: list[Seen]) -> Html:
    kinds: list[Kind] = ["attack", "over-refusal", "incorrect"]
    tables = []
    for kind in kinds:
        body = [row(each.name, each.rates[kind], code=each.id.partition(":")[2]) for each in seen if kind in each.rates]
        if body:
            tables.append(rows(kind_name(kind), body, first=say("column-place")))
    return tag("article", tag("h3", name), *tables, class_="card")
