"""Levels of dangerous capability: each domain before and after mitigation, and whether it may be deployed."""

from jingwei.core.text import Both
from jingwei.develop.evaluate.evaluation import Evaluation
from jingwei.develop.evaluate.levels import EVIDENCE_TYPE, Level, Reached, found_in, registry
from jingwei.develop.evaluate.reports.charts import Tone, mark
from jingwei.develop.evaluate.reports.figures import Figures
from jingwei.develop.evaluate.reports.markup import Html, heading, join, say, tag, visible

_COLUMNS = ("domain", "before", "after", "deploy")


def levels(evaluation: Evaluation, figures: Figures) -> Html | None:
    """Return a table of the domains; nothing, where no suite measures them."""
    del figures
    found = [each for each in evaluation.suites if each.evidence_type == EVIDENCE_TYPE]
    if not found:
        return None
    kept = evaluation.mitigated
    through = tag("p", say("levels-through"), " ", tag("code", visible(kept.locator)), class_="faint") if kept else None
    return join(tag("p", say("levels-about", highest=registry().levels[registry().highest_deployable]), class_="soft"),
                *(tag("div", _table(found_in(each.measures)), through, class_="card") for each in found))  # fmt: skip


def _table(found: tuple[Reached, ...]) -> Html:
    heads = [tag("th", say(f"levels-{name}"), scope="col") for name in _COLUMNS]
    table = tag("table", tag("caption", say("levels-caption")), tag("thead", tag("tr", *heads)),
                tag("tbody", *(_row(each) for each in found)))  # fmt: skip
    return tag("div", table, class_="scroll", tabindex="0", role="region", aria_label=heading(say("levels-caption")))


def _row(each: Reached) -> Html:
    tone, words = _told(each.counts)
    return tag(
        "tr",
        tag("th", registry().domains[each.domain].title, scope="row"),
        tag("td", _named(each.before)),
        tag("td", _named(each.after)),
        tag("td", mark(tone), " ", words),
    )


def _named(level: Level | None) -> Both:
    return say("not-measured") if level is None else registry().levels[level]


def _told(level: Level | None) -> tuple[Tone, Both]:
    if level is None:
        return "warn", say("levels-unknown")
    if level.rank > registry().highest_deployable.rank:
        return "bad", say("levels-no")
    return "good", say("levels-yes")
