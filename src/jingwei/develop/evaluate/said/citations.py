"""Citations in an answer: which passages it names, whether they exist, and whether they show what is said."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from jingwei.detect.grounding import Support
from jingwei.develop.evaluate.said import stance
from jingwei.develop.evaluate.said.claims import weighed
from jingwei.develop.evaluate.signals import plain

_MARK = re.compile(
    r"[\[\u3010(]{1,2}\s*(?:[a-z\u4e00-\u9fff]{0,8}[\s:.#]*)?([\w.-]{1,40}(?:\s*[,\u3001;&]\s*[\w.-]{1,40}){0,9})\s*[\]\u3011)]{1,2}"
)
_SQUARE = re.compile(r"^[\[\u3010]")
_BETWEEN = re.compile(r"\s*[,\u3001;&]\s*")


class Cited(NamedTuple):
    """What an answer cites."""

    known: tuple[str, ...]
    invented: tuple[str, ...]
    """Looks like a citation and names no passage."""
    claims: int
    """Sentences that cite something that exists."""
    supported: int
    """Those of them that a passage they cite supports."""
    contradicted: int


def cited(answer: str, passages: Sequence[tuple[str, str]]) -> Cited:
    """Read the citations of an answer.

    Args:
        answer: as it was given.
        passages: id and text of each.
    """
    texts = {plain(name): passage for name, passage in passages}
    folded = plain(answer)
    known: list[str] = []
    invented: list[str] = []
    pairs: list[tuple[str, list[str]]] = []
    for sentence in _with_marks(folded):
        here: list[str] = []
        for match in _MARK.finditer(sentence):
            names = [name for name in _BETWEEN.split(match[1]) if name]
            here += [name for name in names if name in texts]
            shaped = _SQUARE.match(match[0]) and all(_like(name, texts) for name in names)
            invented += (
                [name for name in names if name not in texts] if shaped or any(n in texts for n in names) else []
            )
        known += here
        bare = _MARK.sub(" ", sentence).strip()
        if here and bare:
            pairs.append((bare, [texts[name] for name in here]))
    supports = [_support(said, sources) for said, sources in pairs]
    return Cited(
        tuple(dict.fromkeys(known)), tuple(dict.fromkeys(invented)), len(pairs),
        sum(each is Support.SUPPORTED for each in supports),
        sum(each is Support.CONTRADICTED for each in supports),
    )  # fmt: skip


def _with_marks(text: str) -> list[str]:
    """Return the sentences, a mark that stands after the full stop with the sentence before it."""
    found: list[str] = []
    for start, end in stance.sentences(text):
        part = text[start:end]
        lead = re.match(rf"(?:\s*{_MARK.pattern})+", part)
        if lead and found:
            found[-1] += " " + lead[0]
            part = part[lead.end() :]
        if part.strip(" .\u3002"):
            found.append(part)
    return found


def _like(name: str, texts: dict[str, str]) -> bool:
    """Tell whether a name looks like the passages' own: digits for digits, letters for letters."""
    shapes = {re.sub(r"[a-z]+", "a", re.sub(r"\d+", "0", each)) for each in texts}
    return re.sub(r"[a-z]+", "a", re.sub(r"\d+", "0", name)) in shapes


def _support(said: str, sources: Sequence[str]) -> Support | None:
    found = [each.support for each in weighed(said, "\n".join(sources))]
    for worst in (Support.CONTRADICTED, Support.ABSENT, None):
        if worst in found:
            return worst
    return Support.SUPPORTED
