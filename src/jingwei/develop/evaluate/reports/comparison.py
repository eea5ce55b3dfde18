"""The page of a comparison: what got worse, what got better, by how much, and what of it is more than chance."""

from collections.abc import Sequence

from jingwei.core.text import Both, Language
from jingwei.develop.evaluate.compare import Change, Compared, Comparison, Side
from jingwei.develop.evaluate.measures import STEM
from jingwei.develop.evaluate.reports.charts import Tone, kind_name, mark, percent
from jingwei.develop.evaluate.reports.frame import bar, document
from jingwei.develop.evaluate.reports.markup import Html, heading, join, say, tag, visible

_REACH = 0.5
"""The drawing shows differences up to half of everything to either side."""


def comparison_page(found: Comparison, *, language: Language) -> str:
    """Return the whole page."""
    verdict = "regressed" if found.regressed else "same" if found.pairs else "nothing"
    badge = {"regressed": "fail", "same": "pass", "nothing": "incomplete"}[verdict]
    body = join(
        bar(language),
        tag(
            "main",
            tag(
                "div",
                tag("p", say("compare-kicker"), class_="kicker"),
                tag("h1", visible(_name(found.before)), " → ", visible(_name(found.after))),
                tag("p", tag("span", say(f"compare-{verdict}"), class_=f"badge {badge}"), " ",
                    say("compare-pairs", pairs=found.pairs, worse=len(found.worse), better=len(found.better)),
                    class_="lead"),
                class_="hero",
            ),
            *_notes(found),
            _section("compare-whole", _table([each for each in found.rows if each.by == "whole"], "compare-whole")),
            *(_parts(found, by) for by in ("language", "category")),
            _section("compare-worse", _changes(found.worse)) if found.worse else None,
            _section("compare-better", _changes(found.better)) if found.better else None,
            _section("compare-sides", _sides(found)),
            id="top",
        ),
    )  # fmt: skip
    return document(body, language=language, title=say("compare-title"))


def _name(side: Side) -> str:
    return side.subject.model or side.subject.locator


def _notes(found: Comparison) -> list[Html]:
    said = []
    if found.changed:
        said.append(tag("p", say("compare-changed", names=", ".join(found.changed)), class_="notice warn"))
    if found.only_before or found.only_after or found.undecided:
        said.append(tag("p", say("compare-unpaired", undecided=found.undecided, before=found.only_before,
                                 after=found.only_after), class_="notice"))  # fmt: skip
    return said


def _section(name: str, body: Html) -> Html:
    return tag("section", tag("h2", say(name), id=name), body, aria_labelledby=name)


def _parts(found: Comparison, by: str) -> Html | None:
    rows = [each for each in found.rows if each.by == by]
    return _section(f"compare-{by}", _table(rows, f"compare-{by}")) if rows else None


def _table(rows: Sequence[Compared], name: str) -> Html:
    ordered = sorted(rows, key=lambda each: (-each.gap, each.suite, list(STEM).index(each.kind), each.part))
    heads = [tag("th", say(f"compare-{name}"), scope="col", class_="right" if name not in {"what", "drawn"} else None)
             for name in ("what", "drawn", "before", "after", "gap", "p")]  # fmt: skip
    table = tag(
        "table",
        tag("caption", say("compare-caption"), class_="hidden"),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *(_row(each) for each in ordered)),
        class_="paired",
    )
    return tag("div", tag("div", table, class_="scroll", tabindex="0", role="region",
                          aria_label=heading(say(name))), class_="card")  # fmt: skip


def _row(each: Compared) -> Html:
    tone = _tone(each)
    part = [tag("span", each.part, class_="tag")] if each.part else []
    name = join(
        mark(tone),
        " ",
        each.title,
        " ",
        tag("code", visible(each.suite), class_="id"),
        " ",
        tag("span", kind_name(each.kind), class_="faint"),
        " ",
        *part,
    )
    return tag(
        "tr",
        tag("th", name, scope="row"),
        tag("td", _drawn(each, tone), class_="drawn"),
        tag("td", percent(each.before), class_="right"),
        tag("td", percent(each.after), class_="right strong"),
        tag("td", tag("strong", _points(each.gap)), tag("div", _points(each.low), " … ", _points(each.high),
                                                         class_="faint"), class_="right"),
        tag("td", f"{each.p:.3f}", tag("div", f"▲{each.worse} ▼{each.better} / {each.pairs}", class_="faint"),
            class_="right"),
    )  # fmt: skip


def _tone(each: Compared) -> Tone:
    if each.regressed:
        return "bad"
    if each.low > 0:
        return "warn"
    return "good" if each.high < 0 else "quiet"


def _drawn(each: Compared, tone: Tone) -> Html:
    """Draw the difference around zero, with its interval."""
    low, high, at = (_place(value) for value in (each.low, each.high, each.gap))
    words = f"{_points(each.gap)} ({_points(each.low)} … {_points(each.high)})"
    return tag(
        "svg",
        tag("title", words),
        tag("rect", class_="track", x="0", y="9", width="100%", height="6", rx="3"),
        tag("line", class_="limit", x1="50%", x2="50%", y1="0", y2="24"),
        tag("rect", class_="band", x=f"{low:.2f}%", y="5", width=f"{max(high - low, 0.6):.2f}%", height="14", rx="4"),
        tag("circle", class_="dot", cx=f"{at:.2f}%", cy="12", r="5"),
        class_=f"strip {tone}", width="100%", height="24", role="img", aria_label=words,
    )  # fmt: skip


def _place(value: float) -> float:
    return 50 + 50 * min(max(value / _REACH, -1.0), 1.0)


def _points(value: float) -> str:
    return f"{100 * value:+.1f}"


def _changes(changes: Sequence[Change]) -> Html:
    heads = [
        tag("th", say(f"compare-{name}"), scope="col") for name in ("case", "category-of", "way", "before", "after")
    ]
    lines = [
        tag("tr", tag("th", tag("code", visible(f"{each.suite}/{each.case}")), scope="row"),
            tag("td", visible(each.category)), tag("td", visible(f"{each.transform} · {each.strategy}")),
            tag("td", percent(each.before)), tag("td", tag("strong", percent(each.after))))
        for each in changes
    ]  # fmt: skip
    table = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *lines))
    body = tag("div", table, class_="scroll", tabindex="0", role="region", aria_label=heading(say("compare-case")))
    if len(changes) > 12:
        return tag("details", tag("summary", say("compare-show", count=len(changes))), body, class_="card")
    return tag("div", body, class_="card")


def _sides(found: Comparison) -> Html:
    return tag(
        "div",
        _side(say("compare-before"), found.before),
        _side(say("compare-after"), found.after),
        tag("p", say("compare-about", tolerance=percent(found.tolerance)), class_="faint"),
        class_="card",
    )


def _side(name: Both, side: Side) -> Html:
    return tag(
        "dl",
        tag("dt", name),
        tag("dd", visible(_name(side)), " ", tag("code", visible(side.subject.locator), class_="id")),
        tag("dt", say("card-run")),
        tag("dd", tag("code", side.run)),
        tag("dt", say("cost-half")),
        tag("dd", f"{side.half / 1000:.2f} s · 95 %: {side.most / 1000:.2f} s"),
        class_="kv",
    )
