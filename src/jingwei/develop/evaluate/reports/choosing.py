"""The page of a choice: candidates side by side on the questions that all were asked."""

from jingwei.core.text import Both, Language
from jingwei.develop.evaluate.measures import STEM
from jingwei.develop.evaluate.reports.charts import interval, kind_name, number, percent, strip, tone_of
from jingwei.develop.evaluate.reports.frame import bar, document
from jingwei.develop.evaluate.reports.markup import Html, join, say, tag, visible
from jingwei.develop.evaluate.selection import Candidate, Choice


def choice_page(choice: Choice, *, language: Language) -> str:
    """Return the whole page."""
    left = [each.name for each in choice.open]
    verdict = say("choice-one", name=left[0]) if len(left) == 1 else say("choice-several", count=len(left))
    body = join(
        bar(language),
        tag(
            "main",
            tag(
                "div",
                tag("p", say("choice-kicker"), class_="kicker"),
                tag("h1", say("choice-title", count=len(choice.candidates))),
                tag("p", verdict if left else say("choice-none"), class_="lead"),
                class_="hero",
            ),
            tag("p", say("choice-asked", count=choice.questions, suites=", ".join(choice.suites),
                         left=choice.left_out), class_="soft"),
            tag("div", *(_candidate(each, choice) for each in choice.candidates), class_="candidates"),
            tag("p", say("choice-about"), class_="faint"),
            id="top",
        ),
    )  # fmt: skip
    return document(body, language=language, title=say("choice-title", count=len(choice.candidates)))


def _candidate(each: Candidate, choice: Choice) -> Html:
    state = "misses" if each.misses else "dominated" if each.dominated_by else "open"
    badge = {"misses": "fail", "dominated": "incomplete", "open": "pass"}[state]
    return tag(
        "article",
        tag("div", tag("h2", visible(each.name)), tag("span", say(f"choice-{state}"), class_=f"badge {badge}"),
            class_="card-head"),
        *(_rate(each, kind, choice) for kind in STEM if kind in each.rates),
        tag("dl", *(join(tag("dt", name), tag("dd", value)) for name, value in _facts(each)), class_="kv"),
        _why(each),
        class_="card",
    )  # fmt: skip


def _rate(each: Candidate, kind: str, choice: Choice) -> Html | None:
    found = next(((name, rate) for name, rate in each.rates.items() if name == kind), None)
    if found is None:
        return None
    name, rate = found
    limit = choice.limits.of(name)
    return tag(
        "div",
        tag("p", kind_name(name), class_="faint"),
        tag("p", percent(rate.value) if rate.samples else "–", " ",
            tag("span", interval(rate), f" · n = {rate.samples}", class_="faint"),
            class_=f"figure {tone_of(rate, limit)}"),
        strip(rate, limit=limit),
    )  # fmt: skip


def _facts(each: Candidate) -> list[tuple[Both, str]]:
    return [
        (say("cost-half"), f"{each.half / 1000:.2f} s"),
        (say("cost-most"), f"{each.most / 1000:.2f} s"),
        (say("choice-tokens"), number(round(each.tokens, 1))),
        (say("choice-money"), number(round(each.money, 2)) if each.money else "–"),
        (say("card-open"), str(each.undecided)),
        (say("card-errors"), str(each.errors)),
    ]


def _why(each: Candidate) -> Html | None:
    if each.misses:
        return tag("p", *(tag("span", say(f"choice-miss-{miss}"), class_="tag warn") for miss in each.misses))
    if each.dominated_by:
        return tag("p", say("choice-behind", names=", ".join(each.dominated_by)), class_="faint")
    return None
