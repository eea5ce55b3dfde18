"""The only place that makes markup in Python: every attribute and every text is escaped here."""

import unicodedata

from markupsafe import Markup, escape


def element(name: str, *children: Markup | str, **attributes: object) -> Markup:
    """Write one element. `class_` gives `class`; `_` in a name gives `-`; an attribute that is None is left out."""
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _number(value))
        for key, value in attributes.items()
        if value is not None
    )
    inside = Markup("").join(escape(child) for child in children)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), written, inside)  # noqa: S704 - names are our own literals


def picture(*children: Markup, width: float, height: float, label: str, class_: str = "chart") -> Markup:
    """Write the whole drawing, named for those who cannot see it."""
    return element(
        "svg", *children, class_=class_, viewBox=f"0 0 {width:g} {height:g}", width=width, height=height,
        role="img", aria_label=label, xmlns="http://www.w3.org/2000/svg",
    )  # fmt: skip


def title(text: str) -> Markup:
    """Name a mark: shown when the pointer rests on it."""
    return element("title", text)


def text_width(text: str, size: float) -> float:
    """Estimate how wide a text is drawn: a Chinese character is one size wide, a Latin one a good half."""
    return sum(size if unicodedata.east_asian_width(character) in "WF" else size * 0.56 for character in text)


def shortened(text: str, *, width: float, size: float) -> str:
    """Cut a text to a width, with an ellipsis; its whole stands in the mark's title and in the table."""
    if text_width(text, size) <= width:
        return text
    kept = text
    while kept and text_width(kept + "…", size) > width:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def _number(value: object) -> object:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
