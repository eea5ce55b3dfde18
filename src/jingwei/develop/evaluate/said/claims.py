"""The claims of an answer against what it was to be taken from: supported, contradicted, absent, or not to be told.

`jingwei.detect.grounding` holds each sentence against the passages by words, numbers and nearness. This adds what a
test may spend more on than a guard: amounts and dates in any writing, words that exclude each other, names that stand
nowhere in the context, and claims by clause, so that one invented half of a sentence shows.
"""

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any, NamedTuple

from jingwei.core.package_data import package_data
from jingwei.detect.grounding import Claim, Support, claims
from jingwei.develop.evaluate.said import stance
from jingwei.develop.evaluate.said.alike import pieces
from jingwei.develop.evaluate.said.amounts import Amount, amounts
from jingwei.develop.evaluate.said.amounts import agrees as same_amount
from jingwei.develop.evaluate.said.dates import When, dates, spelled
from jingwei.develop.evaluate.said.dates import agree as same_date
from jingwei.develop.evaluate.signals import bounded, plain

_TAKEN_OVER = 0.95
"""With this share of its pieces in the context a sentence is taken from it, even where it seems to abstain."""
_SHORT_WORD, _LONG_NAME = 2, 3
_SAME_CLAUSE = 0.6
"""Share of pieces that two clauses must have of each other before a denial in one counts against the other."""
_SAME_SUBJECT = 0.5
"""Share of a claim's pieces that a source sentence must have before opposite words count against it."""
_ENOUGH, _ENOUGH_WITH_FIGURES = 0.75, 0.4
"""Share of a claim's pieces in the context that is support enough; less where its figures are all there too."""
_SURE = 0.62
"""From this score of the guard's on an absent claim counts as invented; below it nobody can tell."""
_MOST, _MOST_SOURCES, _MOST_CLAUSES = 64, 256, 512
_HAN = re.compile(r"[\u3400-\u9fff]{2,12}")


class Weighed(NamedTuple):
    """One claim, weighed."""

    start: int
    end: int
    support: Support | None
    """None where it cannot be told."""
    reason: str


@lru_cache(maxsize=1)
def _data() -> Mapping[str, Any]:
    found: Mapping[str, Any] = package_data(__package__, "contrast.yaml")
    return found


@lru_cache(maxsize=1)
def _shapes() -> Mapping[str, re.Pattern[str]]:
    data = _data()
    named = {name: data[name] for name in ("quoted", "capitals", "place", "clause", "yes_no", "denials")}
    return {name: re.compile(each) for name, each in {**named, **data["asks"]}.items()}


@lru_cache(maxsize=1)
def _opposites() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for words in _data()["opposites"]:
        for word in words:
            found.setdefault(word, set()).update(each for each in words if each != word)
    return {word: frozenset(each) for word, each in found.items()}


def weighed(answer: str, context: str) -> list[Weighed]:
    """Weigh each claim of an answer against its context; sentences that only say "not stated" claim nothing."""
    context = bounded(context)
    folded = plain(context)
    sources = [folded[start:end] for start, end in stance.sentences(folded)[:_MOST_SOURCES]]
    found = []
    for claim in claims(answer, [context])[:_MOST]:
        said = answer[claim.start : claim.end]
        if not stance.abstains(plain(said)) or _shared(plain(said), folded) >= _TAKEN_OVER:
            found.append(_weigh(claim, said, folded=folded, sources=sources))
    return found


def _weigh(claim: Claim, said: str, *, folded: str, sources: Sequence[str]) -> Weighed:
    text = plain(said)
    nearest = max(sources, key=lambda each: _shared(text, each), default="")
    figures = _figures(text, folded, nearest)
    if figures is not None:
        return Weighed(claim.start, claim.end, figures, "figure")
    if _excluded(text, sources):
        return Weighed(claim.start, claim.end, Support.CONTRADICTED, "opposite")
    if _denied(text, sources):
        return Weighed(claim.start, claim.end, Support.CONTRADICTED, "denial")
    if (swapped := _swapped(text, folded, sources)) is not None:
        return Weighed(claim.start, claim.end, Support.CONTRADICTED if swapped else None, "swap")
    if stranger := _stranger(said, folded=folded):
        beside = _shared(text.replace(stranger, " "), nearest) >= _SAME_SUBJECT
        sure = beside or (claim.support is Support.ABSENT and claim.score >= _SURE)
        return Weighed(claim.start, claim.end, Support.ABSENT if sure else None, "name")
    return Weighed(claim.start, claim.end, *_by_words(claim, text, folded))


def _by_words(claim: Claim, text: str, folded: str) -> tuple[Support | None, str]:
    """Decide a claim whose figures and names are all in the context by how much of the rest is."""
    rest = _undated(text)
    for each in amounts(rest):
        rest = f"{rest[: each.start]}{' ' * (each.end - each.start)}{rest[each.end :]}"
    shared = _shared(rest, folded)
    if claim.support is not Support.ABSENT or shared >= (_ENOUGH if rest == text else _ENOUGH_WITH_FIGURES):
        loose = _loose_clause(text, folded)
        return (None, "clause") if loose else (Support.SUPPORTED, "words")
    sure = claim.score >= _SURE if rest == text else shared < _ENOUGH_WITH_FIGURES / 2
    return (Support.ABSENT if sure else None), "words"


def _shared(text: str, source: str) -> float:
    wanted = pieces(text)
    return len(wanted & pieces(source)) / len(wanted) if wanted else 1.0


def _figures(text: str, folded: str, nearest: str) -> Support | None:
    """Tell what a claim's amounts and dates make of it; None where they are all in the context, or there are none."""
    known, known_days = _known(folded)
    days = dates(text)
    stray = [each for each in days if not any(same_date(each, other) for other in known_days)]
    numbers = amounts(_undated(text))
    odd = [each for each in numbers if not any(same_amount(other, each) or same_amount(each, other) for other in known)
           and not (each.low <= 1 and not each.dimension)]  # fmt: skip
    if not stray and not odd:
        return None
    beside = bool(amounts(nearest) if odd else dates(nearest))
    return Support.CONTRADICTED if beside and _shared(text, nearest) >= _SAME_SUBJECT / 2 else Support.ABSENT


def _undated(text: str) -> str:
    """Return a text with its dates blanked out: the 12 of 12 March counts no books."""
    said, at, parts = spelled(text), 0, []
    for each in dates(text):
        parts += [said[at : each.start], " " * (each.end - each.start)]
        at = each.end
    return "".join([*parts, said[at:]])


@lru_cache(maxsize=8)
def _known(folded: str) -> tuple[tuple[Amount, ...], tuple[When, ...]]:
    """Return the amounts and dates of a context; read once for all claims."""
    return tuple(amounts(_undated(folded))), tuple(dates(folded))


def _excluded(text: str, sources: Sequence[str]) -> bool:
    """Tell whether a claim has a word whose opposite stands in the sentence that speaks of the same."""
    best = max(sources, key=lambda each: _shared(text, each), default="")
    if _shared(text, best) < _SAME_SUBJECT:
        return False
    for word, others in _opposites().items():
        if _has(text, word) and not any(
            _has(source, word) for source in sources if _shared(text, source) >= _SAME_SUBJECT
        ):
            hit = [other for other in others if _has(best, other)]
            if hit and not any(_has(text, other) for other in hit):
                return True
    return False


def _has(text: str, word: str) -> bool:
    return re.search(rf"\b{re.escape(word)}\b", text) is not None if word.isascii() else word in text


def _denied(text: str, sources: Sequence[str]) -> bool:
    """Tell whether a clause denies what one of the sources says in nearly the same words, or the other way round."""
    shapes = _shapes()
    known = [each for source in sources for each in _clauses(source)][:_MOST_CLAUSES]
    for clause in _clauses(text)[:_MOST]:
        for other in known:
            alike = _shared(clause, other) >= _SAME_CLAUSE and _shared(other, clause) >= _SAME_CLAUSE
            if alike and len(shapes["denials"].findall(clause)) % 2 != len(shapes["denials"].findall(other)) % 2:
                return True
    return False


def _swapped(text: str, folded: str, sources: Sequence[str]) -> bool | None:
    """Tell whether a Chinese clause is one of the sources' with a name changed; None where nothing was changed.

    True for a person's name or a run long enough to be a name, False for a word that may only say the same otherwise.
    """
    found = None
    known = [each for source in sources for each in _clauses(source)][:_MOST_CLAUSES]
    for clause in _clauses(text)[:_MOST]:
        nearest = max(known, key=lambda each, clause=clause: _shared(clause, each) + _shared(each, clause), default="")  # type: ignore[misc]  # the default binds the loop's value
        for kind, start, end, at, to in SequenceMatcher(None, nearest, clause, autojunk=False).get_opcodes():
            was, said = nearest[start:end], clause[at:to]
            if kind != "replace" or not _HAN.fullmatch(said) or not _HAN.fullmatch(was) or said in folded:
                continue
            if _shared(clause, nearest) < _SAME_CLAUSE / 2 or pieces(said) & pieces(folded):
                continue
            surnames = _data()["surnames"]
            names = len(said) <= _LONG_NAME and said[0] in surnames and was[0] in surnames
            found = found or names or min(len(said), len(was)) > _LONG_NAME
    return found


def _clauses(text: str) -> list[str]:
    return [part for part in _shapes()["clause"].split(text) if len(pieces(part)) >= 2]


def _stranger(said: str, *, folded: str) -> str:
    """Return what a claim names and of whose name the context has no part; empty where there is nothing such."""
    shapes = _shapes()
    quoted = [match[1] for match in shapes["quoted"].finditer(said)]
    for name in [*quoted, *(match[0] for match in shapes["capitals"].finditer(said))]:
        bare = plain(name)
        if bare in folded or pieces(bare) <= pieces(folded):
            continue
        if not any(word in folded for word in bare.split() if len(word) > _SHORT_WORD):
            return bare
    places = (match[0] for match in shapes["place"].finditer(plain(said)))
    return next((each for each in places if not pieces(each) & pieces(folded)), "")


def _loose_clause(text: str, folded: str) -> bool:
    """Tell whether a clause of an otherwise supported sentence has hardly a word in the context."""
    parts = [part for part in _shapes()["clause"].split(text) if len(pieces(part)) >= 3]
    return len(parts) > 1 and any(_shared(part, folded) < 0.25 for part in parts)


def deviates(answer: str, question: str) -> bool | None:
    """Tell whether an answer leaves its question aside; None where it cannot be told."""
    asked, said = plain(question), plain(answer)
    shapes = _shapes()
    if shapes["date"].search(asked):
        return None if dates(said) or amounts(said) else True
    if shapes["number"].search(asked):
        return None if amounts(said) or dates(said) else True
    if shapes["whether"].search(asked) and shapes["yes_no"].search(said):
        return None if _shared(asked, said) < 0.1 else False
    near = _shared(asked, said)
    return False if near >= 0.3 else None
