"""Suite by suite: whole, by kind of harm, by language, and the attacks' transforms with what they are worth."""

from collections import Counter

from jingwei.core.evidence import Measure
from jingwei.core.interval import Rate, wilson
from jingwei.core.text import LANGUAGES, Both
from jingwei.develop.evaluate.evaluation import Evaluation
from jingwei.develop.evaluate.measures import STEM
from jingwei.develop.evaluate.reports.charts import interval, kind_name, number, percent, row, rows, strip
from jingwei.develop.evaluate.reports.figures import Figures, Gap, SuiteFigures
from jingwei.develop.evaluate.reports.markup import Html, join, say, tag
from jingwei.develop.evaluate.transforms import PLAIN
from jingwei.develop.evaluate.validity import measured, validity


def suites(evaluation: Evaluation, figures: Figures) -> Html:
    """Return one card for each suite."""
    del evaluation
    return join(tag("p", _legend(), class_="faint legend"), *(_suite(each) for each in figures.suites))


def _legend() -> Html:
    return join(*(tag("span", tag("span", sign, class_=f"mark {tone}"), " ", say(f"tone-{tone}"))
                  for sign, tone in (("✓", "good"), ("~", "warn"), ("✕", "bad"))))  # fmt: skip


def _suite(suite: SuiteFigures) -> Html:
    outcome = suite.outcome
    facts = tag(
        "p", tag("code", f"{outcome.suite} {outcome.version}"), " · ", outcome.evidence_type, " · ",
        say("examined", count=outcome.examined, planned=outcome.planned), class_="faint",
    )  # fmt: skip
    return tag(
        "article",
        tag(
            "div",
            tag("h3", outcome.title),
            tag("span", say(f"outcome-{outcome.outcome.value}"), class_=f"badge {outcome.outcome.value}"),
            class_="card-head",
        ),
        facts,
        *(tag("p", each, class_="notice warn") for each in outcome.gaps),
        _whole(suite),
        *(_categories(suite, kind) for kind in STEM),
        *(_gap(each) for each in suite.gaps),
        _other_languages(suite),
        class_="card",
    )


def _whole(suite: SuiteFigures) -> Html | None:
    ratios = [each for each in suite.heads if each.unit == "ratio" and each.samples]
    others = [each for each in suite.heads if each.unit != "ratio" or (not each.samples and each.samples is not None)]
    limits = suite.outcome.limits
    table = rows(say("whole"), [row(each.title, _rate(each), limit=limits.get(each.name)) for each in ratios],
                 first=say("column-measure"))  # fmt: skip
    plain = [tag("li", each.title, ": ", tag("strong", _written(each))) for each in others]
    return join(table if ratios else None, tag("ul", *plain, class_="plain") if plain else None)


def _written(measure: Measure) -> Both | str:
    return say("not-measured") if measure.samples == 0 else f"{number(measure.value)} {_UNITS.get(measure.unit, '')}"


_UNITS = {"milliseconds": "ms", "seconds": "s", "bytes": "B"}


def _rate(measure: Measure) -> Rate:
    samples = measure.samples or 0
    low = measure.value if measure.low is None else measure.low
    high = measure.value if measure.high is None else measure.high
    return Rate(round(measure.value * samples), samples, measure.value, low, high)


def _categories(suite: SuiteFigures, kind: str) -> Html | None:
    parts = [each for each in suite.parts if each.kind == kind and each.by == "category"]
    if len(parts) < 2:
        return None
    ordered = sorted(parts, key=lambda part: (-part.rate.value, part.value))
    body = [row(each.name, each.rate, limit=each.limit) for each in ordered]
    table = rows(say("by-category", kind=kind_name(ordered[0].kind)), body, first=say("column-category"))
    if len(parts) <= 12:
        return table
    return tag("details", tag("summary", say("show-categories", count=len(parts))), table)


def _gap(gap: Gap) -> Html:
    """Say how the two languages differ, and whether that may be chance."""
    values = {"kind": kind_name(gap.kind), "zh": percent(gap.zh.value), "en": percent(gap.en.value),
              "gap": _points(gap.value), "low": _points(gap.low), "high": _points(gap.high)}  # fmt: skip
    verdict = "gap-zh" if gap.low > 0 else "gap-en" if gap.high < 0 else "gap-none"
    drawn = tag(
        "div",
        tag("span", say("language-zh"), class_="soft"), strip(gap.zh), tag("span", interval(gap.zh), class_="faint"),
        tag("span", say("language-en"), class_="soft"), strip(gap.en), tag("span", interval(gap.en), class_="faint"),
        class_="pair",
    )  # fmt: skip
    return tag("div", tag("h4", say("gap-title")), drawn, tag("p", say(verdict, **values)), class_="gap")


def _points(value: float) -> str:
    return f"{100 * value:+.0f}"


def _other_languages(suite: SuiteFigures) -> Html | None:
    """Show the languages where there is only one, so that nobody takes it for both."""
    alone = {each.value for each in suite.parts if each.by == "language"}
    if len(alone) != 1:
        return None
    return tag("p", say(f"only-{alone.pop()}"), class_="notice")


def transforms(evaluation: Evaluation, figures: Figures) -> Html | None:
    """Return how each way of attacking fared over all suites; what nobody could read is told and not counted."""
    del evaluation
    table = [*_ways(figures, "strategy"), *_ways(figures, "transform")]
    if not table:
        return None
    return join(tag("p", say("transforms-about"), class_="soft"), tag("div", *table, class_="card"))


def _ways(figures: Figures, by: str) -> list[Html]:
    hits: Counter[str] = Counter()
    samples: Counter[str] = Counter()
    for part in (each for suite in figures.suites for each in suite.parts if each.kind == "attack" and each.by == by):
        hits[part.value] += part.rate.hits
        samples[part.value] += part.rate.samples
    if not samples:
        return []
    names = sorted({*samples, *(figures.invalid if by == "transform" else ())},
                   key=lambda name: (-hits[name] / max(samples[name], 1), name))  # fmt: skip
    body = [row(_named(name, figures.invalid[name] if by == "transform" else 0), wilson(hits[name], samples[name]))
            for name in names]  # fmt: skip
    return [rows(say(f"by-{by}"), body, first=say(f"column-{by}"))]


def _named(name: str, invalid: int) -> Html:
    """Name a transform, with the share of its texts that can be read and how many here could not."""
    known = join(*(
        tag("span", say("validity", language=say(f"language-{language}"), share=percent(rate.value)),
            class_="tag" if rate.value >= measured().limit else "tag warn")
        for language, rate in _validity(name).items() if name != PLAIN
    ))  # fmt: skip
    left_out = tag("span", say("not-counted", count=invalid), class_="tag warn") if invalid else None
    return join(tag("code", name), " ", known, left_out)


def _validity(chain: str) -> dict[str, Rate]:
    """Return the measured validity of a chain by language, or that of its least valid link; empty where unmeasured."""
    found: dict[str, Rate] = {}
    for language in LANGUAGES:
        whole = validity(chain, language)
        rates = [whole] if whole else [validity(each, language) for each in chain.split("+")]
        known = [each for each in rates if each]
        if len(known) == len(rates):
            found[language] = min(known, key=lambda each: each.value)
    return found
