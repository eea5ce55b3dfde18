"""The only place where the report's markup is made: every attribute and every text is escaped here.

Both languages stand in the page; the reader's choice hides one of them (`style.css`), without a script.
"""

import unicodedata
from html import escape

from jingwei.core.text import Both, text

_KEPT = frozenset("\n\t")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Controls, marks that turn the direction of writing or are not seen, halves of characters."""
_NONE = 0xFFFE
"""How the last two places of each plane end, which are no characters."""


class Html(str):
    """Markup that may stand as it is."""

    __slots__ = ()


def tag(name: str, /, *children: Both | str | None, **attributes: object) -> Html:
    """Write one element. `class_` gives `class`, `_` in a name gives `-`; None is left out, True has no value."""
    written = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    inside = join(*children)
    return Html(f"<{name}{written}>{inside}</{name}>")


def void(name: str, /, **attributes: object) -> Html:
    """Write an element that holds nothing."""
    return Html(f"<{name}{''.join(_attribute(key, value) for key, value in attributes.items() if value is not None)}>")


def join(*children: Both | str | None) -> Html:
    """Put pieces one after another; a text is escaped, `Both` becomes two spans."""
    return Html("".join(_piece(each) for each in children if each is not None))


def say(name: str, /, **values: object) -> Both:
    """Return one of the report's texts."""
    return text(f"develop.evaluate.reports:{name}", **values)


def heading(words: Both) -> str:
    """Return both languages in one line, for places that hold no markup."""
    return words.zh if words.zh == words.en else f"{words.zh} / {words.en}"


def visible(said: str) -> str:
    """Return a text with what cannot be seen written out: controls, invisible marks, marks that turn direction."""
    return "".join(each if _stands(each) else f"⟨U+{ord(each):04X}⟩" for each in said)


def _stands(character: str) -> bool:
    """Tell whether a character is seen; those that are none in any version of Unicode stand in no XML."""
    if character in _KEPT:
        return True
    return unicodedata.category(character) not in _UNSEEN and ord(character) & 0xFFFE != _NONE


def _piece(child: Both | str) -> str:
    if isinstance(child, Html):
        return child
    if isinstance(child, str):
        return escape(child)
    if child.zh == child.en:
        return escape(child.zh)
    return f'<span class="zh" lang="zh">{escape(child.zh)}</span><span class="en" lang="en">{escape(child.en)}</span>'


def _attribute(key: str, value: object) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    shown = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return f' {name}="{escape(shown)}"'
