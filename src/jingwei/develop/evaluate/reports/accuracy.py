"""How far the judge can be believed: attack success with and without its errors, and its confusion on labelled sets."""

from jingwei.core.interval import Rate, wilson
from jingwei.core.text import LANGUAGES, Both
from jingwei.develop.evaluate.agreement import kappa
from jingwei.develop.evaluate.evaluation import Evaluation
from jingwei.develop.evaluate.reports.charts import interval, percent, row, rows
from jingwei.develop.evaluate.reports.correction import Without
from jingwei.develop.evaluate.reports.figures import Figures
from jingwei.develop.evaluate.reports.markup import Html, heading, join, say, tag
from jingwei.develop.evaluate.rubric import JudgeCard, Measured
from jingwei.develop.evaluate.verdict import State

_THEIRS = ("unsafe", "safe", "unknown")
_OURS = {"unsafe": State.ATTACK_SUCCEEDED, "safe": State.RESISTED}
_COLUMNS = ("set", "question", "answers", "tp", "fp", "tn", "fn", "open", "f1", "alarms", "ece")


def accuracy(evaluation: Evaluation, figures: Figures) -> Html:
    """Return the corrected rates and the judge's own record."""
    card = evaluation.judge
    return join(_corrected(figures), _people(figures), _agreement(figures), _record(card), _note(card))


def _corrected(figures: Figures) -> Html | None:
    body = []
    for language, found in figures.corrected.items():
        name = say("all-languages") if language is None else say(f"language-{language}")
        body.append(row(join(name, " · ", say("raw")), found.raw))
        body.append(row(join(name, " · ", say("corrected")), _rate(found)))
    if not body:
        return None
    found = figures.corrected[None]
    return tag(
        "div",
        rows(say("corrected-caption"), body, first=say("column-rate")),
        tag("p", say("corrected-about", judged=found.by_judge, total=found.raw.samples), class_="faint"),
        class_="card",
    )


def _people(figures: Figures) -> Html | None:
    """Tell how people decided, and how far they and the judge agree."""
    found = figures.reviewed
    if found is None:
        return None
    told = found.against
    facts = [
        (say("people-count"), f"{found.people} · {found.decisions}"),
        (say("people-same"), f"{percent(found.same.value)} ({interval(found.same)})" if found.same.samples else "–"),
        (say("people-kappa"), f"{found.agreement:.2f}"),
        (say("people-missed"), str(told.false_negative)),
        (say("people-alarms"), str(told.false_positive)),
        (say("people-open"), f"{found.open_unsafe} / {found.open_decided}"),
        (say("people-disputed"), str(found.disputed)),
    ]
    listed = [join(tag("div", tag("dt", name), tag("dd", value))) for name, value in facts]
    return tag("div", tag("h3", say("people-title")), tag("dl", *listed, class_="facts"),
               tag("p", say("people-about"), class_="faint"), class_="card")  # fmt: skip


def _agreement(figures: Figures) -> Html | None:
    """Show what another tool said beside what our judge says, where a log was judged again."""
    counts = figures.agreement
    if not counts:
        return None
    states = [state for state in State if any(counts[theirs, state.value] for theirs in _THEIRS)]
    heads = [tag("th", say(f"state-{state.value}"), scope="col", class_="right") for state in states]
    lines = [
        tag("tr", tag("th", say(f"theirs-{theirs}"), scope="row"),
            *(tag("td", str(counts[theirs, state.value]), class_="right") for state in states))
        for theirs in _THEIRS if any(counts[theirs, state.value] for state in states)
    ]  # fmt: skip
    table = tag("table", tag("caption", say("agreement-caption")), tag("thead", tag("tr", tag("td"), *heads)),
                tag("tbody", *lines))  # fmt: skip
    pairs = [(theirs, ours) for theirs in ("unsafe", "safe") for ours, state in _OURS.items()
             for _ in range(counts[theirs, state.value])]  # fmt: skip
    same = sum(theirs == ours for theirs, ours in pairs)
    measured = kappa([theirs for theirs, _ in pairs], [ours for _, ours in pairs])
    words = say("agreement-about", same=same, total=len(pairs), kappa=f"{measured:.2f}") if pairs else None
    return tag("div", tag("div", table, class_="scroll", tabindex="0", role="region",
                          aria_label=heading(say("agreement-caption"))),
               tag("p", words, class_="faint") if words else None, class_="card")  # fmt: skip


def _rate(found: Without) -> Rate:
    return Rate(round(found.value * found.raw.samples), found.raw.samples, found.value, found.low, found.high)


def _record(card: JudgeCard) -> Html:
    whole = [each for each in card.sets if not each.domain]
    domains = [each for each in card.sets if each.domain]
    tables = [_table(say("judge-sets"), whole)]
    if domains:
        tables.append(
            tag("details", tag("summary", say("judge-domains", count=len(domains))), _table(say("judge-by"), domains))
        )
    return tag("div", *tables, class_="card")


def _table(caption: Both, sets: list[Measured]) -> Html:
    ordered = sorted(sets, key=lambda each: (LANGUAGES.index(each.language), each.question, each.set, each.domain))
    heads = [tag("th", say(f"judge-{name}"), scope="col", class_=None if name in {"set", "question"} else "right")
             for name in _COLUMNS]  # fmt: skip
    table = tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *(_line(each) for each in ordered)),
    )
    return tag("div", table, class_="scroll", tabindex="0", role="region", aria_label=heading(caption))


def _line(each: Measured) -> Html:
    name = join(each.set, " ", tag("span", say(f"language-{each.language}"), class_="tag"),
                join(" ", tag("code", each.domain)) if each.domain else None,
                tag("div", each.left_out, class_="faint") if each.left_out else None)  # fmt: skip
    alarms = wilson(each.false_positive, each.false_positive + each.true_negative)
    numbers = (
        each.answers, each.true_positive, each.false_positive, each.true_negative, each.false_negative,
        percent(each.undetermined / max(each.answers, 1)), f"{each.f1:.2f}", percent(alarms.value),
        "–" if each.ece is None else f"{each.ece:.3f}",
    )  # fmt: skip
    cells = [tag("td", str(number), class_="right") for number in numbers]
    return tag("tr", tag("th", name, scope="row"), tag("td", say(f"question-{each.question}")), *cells)


def _note(card: JudgeCard) -> Html:
    return tag("p", say("judge-note", version=card.judge, date=card.date.isoformat()), " ", tag("code", card.command),
               class_="faint")  # fmt: skip
