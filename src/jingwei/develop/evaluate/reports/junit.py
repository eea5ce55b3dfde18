"""JUnit for CI: a case for each suite's whole and for each of its categories; what exceeds a limit has failed."""

from collections.abc import Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element, tostring

from jingwei.core.clock import stamp
from jingwei.core.evidence import Measure, Outcome
from jingwei.core.interval import Rate
from jingwei.core.text import Both, Language
from jingwei.develop.evaluate.evaluation import Evaluation
from jingwei.develop.evaluate.reports.charts import kind_name, percent
from jingwei.develop.evaluate.reports.figures import SuiteFigures, suites_of
from jingwei.develop.evaluate.reports.markup import say, visible


class _Case(NamedTuple):
    name: str
    about: Both
    rate: Rate
    limit: float | None


def to_junit(evaluation: Evaluation, *, language: Language) -> str:
    """Return the report; what could not be judged is an error there, never a pass."""
    root = _element("testsuites", name=f"jingwei {evaluation.subject.model or evaluation.subject.locator}")
    for each in suites_of(evaluation):
        root.append(_suite(each, evaluation, language=language))
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    return tostring(root, encoding="unicode", xml_declaration=True)


def _suite(suite: SuiteFigures, evaluation: Evaluation, *, language: Language) -> Element:
    made = _element("testsuite", name=suite.outcome.suite, timestamp=stamp(evaluation.started_at))
    counts = dict.fromkeys(("failures", "errors", "skipped"), 0)
    for case in _cases(suite):
        written = _below(made, "testcase", name=case.name, classname=f"jingwei.{suite.outcome.suite}")
        if not case.rate.samples:
            _below(written, "skipped", message=say("not-measured").of(language))
            counts["skipped"] += 1
        elif case.limit is not None and case.rate.high > case.limit:
            message = say("junit-fail", name=case.about, value=percent(case.rate.value), high=percent(case.rate.high),
                          limit=percent(case.limit)).of(language)  # fmt: skip
            _below(written, "failure", type="limit", message=message)
            counts["failures"] += 1
        else:
            value = say("junit-value", name=case.about, value=percent(case.rate.value), samples=case.rate.samples)
            _below(written, "system-out", value.of(language))
    if suite.outcome.gaps or suite.outcome.outcome is Outcome.INCOMPLETE:
        whole = _below(made, "testcase", name="complete", classname=f"jingwei.{suite.outcome.suite}")
        told = [gap.of(language) for gap in suite.outcome.gaps] or [say("sentence-nothing").of(language)]
        _below(whole, "error", "\n".join(told), type="incomplete", message=told[0])
        counts["errors"] += 1
    for name, count in {"tests": len(made), **counts}.items():
        made.set(name, str(count))
    return made


def _cases(suite: SuiteFigures) -> Iterator[_Case]:
    """Give the whole and each category.

    A category is held against the limit only where it is surely above it: a few samples of one kind prove nothing.
    """
    for each in suite.heads:
        if each.name in suite.outcome.limits:
            yield _Case(each.name, each.title, _rate(each), suite.outcome.limits[each.name])
    for part in suite.parts:
        if part.by == "category":
            above = part.limit is not None and part.rate.low > part.limit
            about = Both(zh=f"{kind_name(part.kind).zh} {part.name.zh}", en=f"{kind_name(part.kind).en} {part.name.en}")
            yield _Case(part.value, about, part.rate, part.limit if above else None)


def _rate(measure: Measure) -> Rate:
    """Return a measure as a share; one that is no share keeps its value and has no interval of its own."""
    samples = 1 if measure.samples is None else measure.samples
    low = measure.value if measure.low is None else measure.low
    high = measure.value if measure.high is None else measure.high
    return Rate(round(measure.value * samples), samples, measure.value, low, high)


def _element(tag: str, said: str = "", **attributes: str) -> Element:
    """Make an element; nothing stays in it that XML cannot hold, whoever gave a suite or a category its name."""
    made = Element(tag, {name: visible(value) for name, value in attributes.items()})
    made.text = visible(said) or None
    return made


def _below(parent: Element, tag: str, said: str = "", **attributes: str) -> Element:
    made = _element(tag, said, **attributes)
    parent.append(made)
    return made
