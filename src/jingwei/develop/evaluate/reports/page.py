"""The page: one file that opens anywhere, asks no network for anything, runs no script, and shows no word unescaped."""

import base64
from hashlib import sha256
from importlib.resources import files

from jingwei.core.evidence import Outcome
from jingwei.core.text import LANGUAGES, Both, Language
from jingwei.develop.evaluate.evaluation import Evaluation
from jingwei.develop.evaluate.reports.accuracy import accuracy
from jingwei.develop.evaluate.reports.charts import moment
from jingwei.develop.evaluate.reports.figures import Figures
from jingwei.develop.evaluate.reports.headline import headline
from jingwei.develop.evaluate.reports.markup import Html, heading, join, say, tag, visible, void
from jingwei.develop.evaluate.reports.remainder import cost, system_card, unjudged
from jingwei.develop.evaluate.reports.suites import suites, transforms
from jingwei.develop.evaluate.reports.transcripts import transcripts
from jingwei.develop.evaluate.reports.views import views

_SECTIONS = (
    ("suites", suites), ("views", views), ("judge", accuracy), ("transforms", transforms), ("unjudged", unjudged),
    ("cost", cost), ("card", system_card), ("transcripts", transcripts),
)  # fmt: skip
_THEMES = ("auto", "light", "dark")


def page_of(evaluation: Evaluation, figures: Figures, *, language: Language) -> str:
    """Return the whole page; `language` is shown first."""
    sections = [(name, section(evaluation, figures)) for name, section in _SECTIONS]
    shown = [(name, body) for name, body in sections if body]
    body = join(
        _bar(language),
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


def document(body: Html, *, language: Language, title: Both) -> str:
    """Return a whole document in our style; nothing but that style may be loaded or run."""
    style = files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    allowed = base64.b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'"
    head = tag(
        "head",
        void("meta", charset="utf-8"),
        void("meta", http_equiv="Content-Security-Policy", content=policy),
        void("meta", name="viewport", content="width=device-width, initial-scale=1"),
        void("meta", name="referrer", content="no-referrer"),
        tag("title", title.of(language)),
        tag("style", Html(style)),
    )
    whole = tag("html", head, tag("body", body), lang="zh-CN" if language == "zh" else "en")
    return f"<!doctype html>\n{whole}\n"


def _bar(language: Language) -> Html:
    return tag(
        "header",
        tag("a", tag("span", class_="loom", aria_hidden="true"), say("brand"), href="#top", class_="brand"),
        tag(
            "div",
            _switch("language", LANGUAGES, chosen=language, texts="own"),
            _switch("theme", _THEMES, chosen="auto", texts="theme"),
            class_="switches",
        ),
    )


def _switch(name: str, values: tuple[str, ...], *, chosen: str, texts: str) -> Html:
    """Let the reader choose; `style.css` does the rest."""
    return tag(
        "fieldset",
        tag("legend", say(f"switch-{name}"), class_="hidden"),
        *(
            tag(
                "label",
                void("input", type="radio", name=name, id=f"{name}-{each}", value=each,
                     **({"checked": True} if each == chosen else {})),
                tag("span", say(f"{texts}-{each}")),
            )
            for each in values
        ),
        class_="switch",
    )  # fmt: skip


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
