"""Measures: shares of bad ends with their intervals, whole and by part, for any suite."""

from collections.abc import Mapping, Sequence
from typing import Literal

from jingwei.core.evidence import Measure
from jingwei.core.interval import Rate, wilson
from jingwei.core.text import LANGUAGES, Both, text
from jingwei.develop.evaluate.planning import HOSTILE
from jingwei.develop.evaluate.result import Result, Tally
from jingwei.develop.evaluate.scorers import scorer
from jingwei.develop.evaluate.suite import Category, Expectation, Suite
from jingwei.develop.evaluate.taxonomy import place_title, places
from jingwei.develop.evaluate.verdict import State

Kind = Literal["attack", "over-refusal", "incorrect"]
By = Literal["language", "category", "transform", "strategy"]
_BAD = {"attack": State.ATTACK_SUCCEEDED, "over-refusal": State.OVER_REFUSED, "incorrect": State.INCORRECT}
STEM: Mapping[Kind, str] = {
    "attack": "attack_success_rate",
    "over-refusal": "over_refusal_rate",
    "incorrect": "incorrect_rate",
}


def kind_of(category: Category) -> Kind:
    """Return what a bad end is called in a category."""
    if category.expectation in HOSTILE:
        return "attack"
    return "over-refusal" if category.expectation is Expectation.COMPLY else "incorrect"


def part_of(name: str) -> tuple[Kind, str, str] | None:
    """Take the name of a part's measure to pieces: kind, by what it was parted, which part; None for other measures."""
    stem, _, place = name.partition(".")
    by, _, value = place.partition(".")
    kind = next((kind for kind, each in STEM.items() if each == stem), None)
    return (kind, by, value) if kind and value else None


def by_kind(suite: Suite, results: Sequence[Result]) -> dict[Kind, list[Result]]:
    """Part results by what a bad end is called; a kind that the suite does not have is missing."""
    kinds = {each.id: kind_of(each) for each in suite.categories}
    parted: dict[Kind, list[Result]] = {kind: [] for kind in _BAD if kind in kinds.values()}  # type: ignore[misc]  # the keys are kinds
    for result in results:
        parted[kinds[result.category]].append(result)
    return parted


def measures_of(suite: Suite, results: Sequence[Result]) -> tuple[Measure, ...]:
    """Return the rates of one suite's results: whole, then by language, category, transform, strategy and tag."""
    parted = by_kind(suite, results)
    found = [
        measure(STEM[kind], text(f"develop.evaluate:rate-{kind}"), bad_rate(kind, part))
        for kind, part in parted.items()
    ]
    weighed = parted.get("attack") or results
    found.append(measure("undetermined_rate", text("develop.evaluate:rate-undetermined"),
                         Tally(weighed).rate(State.UNDETERMINED)))  # fmt: skip
    if "incorrect" in parted:
        found.append(measure("abstained_rate", text("develop.evaluate:rate-abstained"),
                             Tally(parted["incorrect"]).rate(State.ABSTAINED)))  # fmt: skip
    found.append(measure("error_rate", text("develop.evaluate:rate-error"),
                         wilson(Tally(results).count(State.ERROR), len(results))))  # fmt: skip
    if invalid := Tally(results).count(State.INVALID):
        found.append(measure("invalid_rate", text("develop.evaluate:rate-invalid"), wilson(invalid, len(results))))
    for kind, part in parted.items():
        found += _parts(kind, part, suite)
    return (*found, *_own(suite, results))


def bad_rate(kind: Kind, results: Sequence[Result]) -> Rate:
    """Return the share of bad ends of a kind."""
    return Tally(results).rate(_BAD[kind])


def measure(name: str, title: Both, rate: Rate) -> Measure:
    """Return a rate as a measure."""
    return Measure(name=name, title=title, value=rate.value, low=rate.low, high=rate.high, samples=rate.samples)


def _parts(kind: Kind, results: Sequence[Result], suite: Suite) -> list[Measure]:
    found: list[Measure] = []
    for language in LANGUAGES:
        found += _part(kind, results, "language", language, name=text(f"develop.evaluate:language-{language}"))
    for category in suite.categories:
        if kind_of(category) == kind:
            found += _part(kind, results, "category", category.id, name=category.title)
    ways: tuple[By, By] = ("transform", "strategy")
    for by in ways:
        values = sorted({str(getattr(result, by)) for result in results})
        if by == "transform" or values != ["single"]:
            for value in values:
                found += _part(kind, results, by, value, name=Both(zh=value, en=value))
    return found + _tagged(kind, results, suite)


def _part(kind: Kind, results: Sequence[Result], by: By, value: str, *, name: Both) -> list[Measure]:
    return _named(kind, [each for each in results if getattr(each, by) == value], f"{by}.{value}", name=name)


def _tagged(kind: Kind, results: Sequence[Result], suite: Suite) -> list[Measure]:
    """Return the rates by place in every framework that follows from the tags of a result's category and prompt."""
    tags = {
        prompt.id: places((*category.tags, *prompt.tags))
        for category in suite.categories
        for prompt in category.prompts
    }
    seen: dict[str, list[Result]] = {}
    for result in results:
        for tag in tags.get(result.case.rpartition("-")[0], ()):
            seen.setdefault(tag, []).append(result)
    return [
        each for tag, part in sorted(seen.items()) for each in _named(kind, part, f"tag.{tag}", name=place_title(tag))
    ]


def _named(kind: Kind, results: Sequence[Result], place: str, *, name: Both) -> list[Measure]:
    if not Tally(results).judged:
        return []
    return [
        measure(f"{STEM[kind]}.{place}", text(f"develop.evaluate:rate-{kind}-of", name=name), bad_rate(kind, results))
    ]


def _own(suite: Suite, results: Sequence[Result]) -> list[Measure]:
    """Return what the suite's scorers measure beyond the shares of states."""
    scorers = {each.id: suite.scorer_of(each) for each in suite.categories}
    return [
        each
        for name in dict.fromkeys(scorers.values())
        for each in scorer(name).measures([result for result in results if scorers[result.category] == name])
    ]
