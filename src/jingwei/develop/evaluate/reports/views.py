"""One run, many views: the same results by the classes of each framework that the suites touch (`taxonomy`)."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jingwei.core.interval import Rate, wilson
from jingwei.core.text import Both
from jingwei.develop.evaluate.evaluation import Evaluation
from jingwei.develop.evaluate.measures import STEM, Kind
from jingwei.develop.evaluate.reports.charts import Tone, kind_name, mark, percent, row, rows, tone_of
from jingwei.develop.evaluate.reports.figures import Figures
from jingwei.develop.evaluate.reports.markup import Html, join, say, tag
from jingwei.develop.evaluate.taxonomy import View, band, bands
from jingwei.develop.evaluate.taxonomy import views as frameworks

_WORST: Sequence[Tone] = ("bad", "warn", "quiet", "good")


@dataclass(frozen=True, slots=True)
class Seen:
    """One place of a framework, with what the run says of it."""

    id: str
    name: Both
    rates: dict[Kind, Rate] = field(default_factory=dict)
    limits: dict[Kind, float | None] = field(default_factory=dict)

    @property
    def tone(self) -> Tone:
        """Return the worst of its rates' tones."""
        tones = {tone_of(rate, self.limits[kind]) for kind, rate in self.rates.items()}
        return next((tone for tone in _WORST if tone in tones), "quiet")


def views(evaluation: Evaluation, figures: Figures) -> Html | None:
    """Return a card for each framework of which the suites touch a place."""
    del evaluation
    seen = places_of(figures)
    if not seen:
        return None
    cards = [_view(view, seen) for view in frameworks() if view.places.keys() & seen.keys()]
    known = {place for view in frameworks() for place in view.places}
    others = [each for place, each in seen.items() if place not in known]
    rest = tag("article", tag("h3", say("view-others")), *_tables(others), class_="card") if others else None
    return join(tag("p", say("views-about"), class_="soft"), *cards, rest)


def places_of(figures: Figures) -> dict[str, Seen]:
    """Return every place that was touched, over all suites."""
    hits: Counter[tuple[str, Kind]] = Counter()
    samples: Counter[tuple[str, Kind]] = Counter()
    limits: dict[tuple[str, Kind], set[float | None]] = defaultdict(set)
    names: dict[str, Both] = {}
    for part in (part for suite in figures.suites for part in suite.parts if part.by == "tag"):
        key = part.value, part.kind
        hits[key] += part.rate.hits
        samples[key] += part.rate.samples
        limits[key].add(part.limit)
        names[part.value] = part.name
    found: dict[str, Seen] = {}
    for (place, kind), count in sorted(samples.items()):
        seen = found.setdefault(place, Seen(place, names[place]))
        seen.rates[kind] = wilson(hits[place, kind], count)
        held = limits[place, kind]
        seen.limits[kind] = next(iter(held)) if len(held) == 1 else None
    return found


def _view(view: View, seen: Mapping[str, Seen]) -> Html:
    touched = [seen[place] for place in view.places if place in seen]
    tiles = [_tile(place, title, seen.get(place)) for place, title in view.places.items()]
    return tag(
        "article",
        tag("div", tag("h3", view.title), tag("span", say("view-covered", count=len(touched), total=len(view.places)),
                                              class_="faint"), class_="card-head"),
        tag("ul", *tiles, class_="tiles"),
        tag("p", say("view-bands"), class_="faint") if bands(view.id) else None,
        tag("details", tag("summary", say("view-table")), *_tables(touched)),
        class_="card",
    )  # fmt: skip


def _tile(place: str, title: Both, seen: Seen | None) -> Html:
    code = tag("code", place.partition(":")[2])
    if seen is None:
        return tag("li", code, tag("span", title), tag("span", say("not-tested"), class_="faint"), class_="tile none")
    figures = [join(tag("strong", percent(rate.value)), " ",
                    tag("span", kind_name(kind), f" · n = {rate.samples}", class_="faint"))
               for kind, rate in seen.rates.items()]  # fmt: skip
    return tag(
        "li",
        tag("span", mark(seen.tone), " ", code),
        tag("span", title),
        *(tag("span", each) for each in figures),
        _band(place, seen),
        class_=f"tile {seen.tone}",
    )


def _band(place: str, seen: Seen) -> Html | None:
    """Name the band of a place's share of safe answers, where its framework has bands."""
    rate = seen.rates.get("attack")
    view, _, part = place.partition(":")
    name = next((each for each in (part, view) if bands(each)), "")
    found = band(name, 1 - rate.value) if rate and name else None
    return tag("span", found.title, class_="tag") if found else None


def _tables(seen: Sequence[Seen]) -> list[Html]:
    tables = []
    for kind in STEM:
        body = [
            row(each.name, each.rates[kind], limit=each.limits[kind], code=each.id.partition(":")[2])
            for each in seen
            if kind in each.rates
        ]
        if body:
            tables.append(rows(kind_name(kind), body, first=say("column-place")))
    return tables
