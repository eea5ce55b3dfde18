"""The page: one file that opens anywhere, asks no network for anything, runs no script, and shows no word unescaped."""

from jingwei.core.evidence import Outcome
from jingwei.core.text import Language
from jingwei.develop.evaluate.evaluation import Evaluation
from jingwei.develop.evaluate.reports.accuracy import accuracy
from jingwei.develop.evaluate.reports.charts import moment
from jingwei.develop.evaluate.reports.figures import Figures
from jingwei.develop.evaluate.reports.frame import bar, document
from jingwei.develop.evaluate.reports.headline import headline
from jingwei.develop.evaluate.reports.levels import levels
from jingwei.develop.evaluate.reports.markup import Html, heading, join, say, tag, visible
from jingwei.develop.evaluate.reports.remainder import cost, system_card, unjudged
from jingwei.develop.evaluate.reports.suites import suites, transforms
from jingwei.develop.evaluate.reports.transcripts import transcripts
from jingwei.develop.evaluate.reports.views import views

_SECTIONS = (
    ("suites", suites), ("levels", levels), ("views", views), ("judge", accuracy),
    ("transforms", transforms), ("unjudged", unjudged), ("cost", cost), ("card", system_card),
    ("transcripts", transcripts),
)  # fmt: skip


def page_of(evaluation: Evaluation, figures: Figures, *, language: Language) -> str:
    """Return the whole page; `language` is shown first."""
    sections = [(name, section(evaluation, figures)) for name, section in _SECTIONS]
    shown = [(name, body) for name, body in sections if body]
    body = join(
        bar(language),
        tag(
            "main",
            _title(evaluation),
            headline(evaluation, figures),
            tag("nav", *(tag("a", say(f"section-{name}"), href=f"#{name}") for name, _ in shown), class_="chapters",
                aria_label=heading(say("sections"))),
            *(_section(name, content) for name, content in shown),
            id="top",
        ),
        tag("footer", say("made-by", version=evaluation.jingwei), " ", tag("code", evaluation.id)),
    )  # fmt: skip
    return document(body, language=language, title=say("title", name=_name(evaluation)))


def _title(evaluation: Evaluation) -> Html:
    passed = sum(each.outcome is Outcome.PASS for each in evaluation.suites)
    total = len(evaluation.suites)
    outcome = _whole(evaluation)
    return tag(
        "div",
        tag("p", say("kicker"), " · ", moment(evaluation.finished_at), class_="kicker"),
        tag("h1", visible(_name(evaluation))),
        tag(
            "p",
            tag("span", say(f"outcome-{outcome.value}"), class_=f"badge {outcome.value}"),
            " ",
            say("suites-passed", passed=passed, total=total),
            class_="lead",
        ),
        class_="hero",
    )


def _whole(evaluation: Evaluation) -> Outcome:
    """Return the worst of the suites' outcomes; a run that ended early has not passed."""
    outcomes = {each.outcome for each in evaluation.suites}
    if Outcome.FAIL in outcomes:
        return Outcome.FAIL
    return Outcome.INCOMPLETE if Outcome.INCOMPLETE in outcomes or evaluation.stopped else Outcome.PASS


def _name(evaluation: Evaluation) -> str:
    return evaluation.subject.model or evaluation.subject.locator


def _section(name: str, body: Html) -> Html:
    return tag(
        "section",
        tag("h2", say(f"section-{name}"), id=f"{name}-title"),
        body,
        id=name,
        aria_labelledby=f"{name}-title",
    )
