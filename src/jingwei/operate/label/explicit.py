"""The explicit label of a text: words at its end that say a machine made it.

GB 45438-2025 asks for a text label at the start, the end or a fitting place of generated text, holding the elements
"artificial intelligence" and "generated" (or their synonyms). We put it at the end, in the language of the answer, so
that a stream needs no knowledge of what is to come: the label is its last piece.
"""

import re

from jingwei.core.text import Both, Language

_HAN = re.compile(r"[\u3400-\u9fff]+")
_LATIN_WORD = re.compile(r"[A-Za-z]+")


def language_of(answer: str) -> Language:
    """Return the language to label an answer in: Chinese once its characters are as many as its Latin words."""
    if answer.isascii():
        return "en"
    han = sum(map(len, _HAN.findall(answer)))
    return "zh" if han and han >= len(_LATIN_WORD.findall(answer)) else "en"


def label_suffix(answer: str, label: Both) -> str:
    """Return what to append to an answer: a blank line and the label, or nothing where it ends with one already.

    An empty answer (a mere tool call) gets none.
    """
    body = answer.rstrip()
    if not body or body.endswith((label.zh, label.en)):
        return ""
    return "\n\n" + label.of(language_of(body))


def labelled(answer: str, label: Both) -> str:
    """Return the answer with its label; safe to repeat."""
    return answer + label_suffix(answer, label)
