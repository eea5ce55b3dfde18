"""What was not judged, what the run cost, and the system card: who was examined, by what, with which seed."""

from jingwei.core.text import Both
from jingwei.develop.evaluate.evaluation import Evaluation
from jingwei.develop.evaluate.reports.charts import moment, number
from jingwei.develop.evaluate.reports.figures import Figures, top
from jingwei.develop.evaluate.reports.markup import Html, heading, join, say, tag, visible
from jingwei.develop.evaluate.verdict import State


def unjudged(evaluation: Evaluation, figures: Figures) -> Html:
    """Return what keeps the numbers from being whole."""
    planned = sum(each.planned for each in evaluation.suites)
    counts = [
        (say("unjudged-unasked"), max(planned - figures.results, 0)),
        *((say(f"state-{state.value}"), figures.states[state])
          for state in (State.UNDETERMINED, State.INVALID, State.ERROR)),
    ]  # fmt: skip
    lists = [_reasons(say("reasons-open"), top(figures.open_reasons)), _reasons(say("reasons-faults"),
                                                                             top(figures.faults))]  # fmt: skip
    return tag(
        "div",
        tag("dl", *(join(tag("div", tag("dt", name), tag("dd", number(count)))) for name, count in counts),
            class_="facts"),
        *lists,
        tag("p", say("unjudged-about"), class_="faint"),
        class_="card",
    )  # fmt: skip


def _reasons(name: Both, found: list[tuple[str, int]]) -> Html | None:
    if not found:
        return None
    listed = [tag("li", tag("code", visible(reason)), " ", tag("span", str(count), class_="faint"))
              for reason, count in found]  # fmt: skip
    return tag("div", tag("h3", name, class_="small"), tag("ul", *listed, class_="inline"))


def cost(evaluation: Evaluation, figures: Figures) -> Html:
    """Return what was spent beside what was allowed, and how fast answers came."""
    spent, allowed = evaluation.spent, evaluation.budget
    tokens = spent.asked_tokens + spent.answered_tokens
    facts = [
        (say("cost-requests"), _of(spent.requests, allowed.requests)),
        (say("cost-tokens"), _of(tokens, allowed.tokens)),
        (say("cost-money"), _of(round(spent.money, 4), allowed.money)),
        (say("cost-seconds"), f"{spent.seconds:.0f} s"),
        (say("cost-half"), f"{figures.speed.half / 1000:.2f} s"),
        (say("cost-most"), f"{figures.speed.most / 1000:.2f} s"),
    ]
    return tag("div", tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts),
                          class_="facts"), class_="card")  # fmt: skip


def _of(used: float, allowed: float) -> Html | str:
    if not allowed:
        return number(used)
    return join(number(used), tag("span", " / ", number(allowed), class_="faint"))


def system_card(evaluation: Evaluation, figures: Figures) -> Html:
    """Return what was examined and how, so that anybody can run it again."""
    del figures
    subject = evaluation.subject
    facts: list[tuple[Both, Html | str | Both]] = [
        (say("card-subject"), visible(subject.model or "–")),
        (say("card-kind"), say(f"kind-of-{subject.kind}")),
        (say("card-locator"), tag("code", visible(subject.locator))),
        (say("card-digest"), tag("code", subject.digest or "–")),
        (say("card-languages"), join(*(tag("span", say(f"language-{each}"), class_="tag")
                                       for each in evaluation.languages))),
        (say("card-seed"), str(evaluation.seed)),
        (say("card-time"), f"{moment(evaluation.started_at)} → {moment(evaluation.finished_at)}"),
        (say("card-run"), tag("code", evaluation.id)),
        (say("card-program"), f"Jingwei {evaluation.jingwei}"),
    ]  # fmt: skip
    named = [
        tag("tr", tag("th", each.title, " ", tag("code", each.suite, class_="id"), scope="row"),
            tag("td", each.version), tag("td", each.licence), tag("td", tag("code", each.digest[:16])))
        for each in evaluation.suites
    ]  # fmt: skip
    heads = [tag("th", say(f"card-{name}"), scope="col") for name in ("suite", "version", "licence", "hash")]
    table = tag("table", tag("caption", say("card-suites")), tag("thead", tag("tr", *heads)), tag("tbody", *named))
    return tag(
        "div",
        tag("dl", *(join(tag("dt", name), tag("dd", value)) for name, value in facts), class_="kv"),
        tag("div", table, class_="scroll", tabindex="0", role="region", aria_label=heading(say("card-suites"))),
        class_="card",
    )
