"""The frame of every page of ours: one file, one style, two languages, no script, nothing loaded."""

import base64
from hashlib import sha256
from importlib.resources import files

from jingwei.core.text import LANGUAGES, Both, Language
from jingwei.develop.evaluate.reports.markup import Html, say, tag, void

_THEMES = ("auto", "light", "dark")


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


def bar(language: Language) -> Html:
    """Return the page's head: our name, and the switches of language and appearance."""
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
