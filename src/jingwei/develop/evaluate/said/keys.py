"""Holding an answer against a key: a name with its aliases, an amount, a date, or sentences right and wrong."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from jingwei.develop.evaluate.said import stance
from jingwei.develop.evaluate.said.alike import likeness, pieces
from jingwei.develop.evaluate.said.amounts import Amount, agrees, amounts, vague
from jingwei.develop.evaluate.said.dates import When, agree, coarser, dates, spelled
from jingwei.develop.evaluate.said.stance import Mention
from jingwei.develop.evaluate.verdict import State

_LIKE_ENOUGH = 0.42
"""How much an answer must resemble a sentence to side with it."""
_MARGIN = 0.05
_NEAR_NAME = 0.8
_COVERED = 0.9
"""Share of a long name's pieces in one sentence that make it named; above the other it may be."""
_MAYBE_COVERED = 0.65
_LONG_NAME = 8


class Held(NamedTuple):
    """What holding an answer against a key showed."""

    state: State
    reason: str


def by_name(  # noqa: PLR0911 - one line a state
    answer: str, *, right: Sequence[str], wrong: Sequence[str], closed: bool, question: str
) -> Held:
    """Hold a folded answer against names.

    Args:
        answer: folded.
        right: folded names, each enough.
        wrong: folded names of what the question is often answered with.
        closed: nothing but these names answers the question: what names none is undetermined.
        question: folded; a name that it has itself may be only repeated.
    """
    good, bad = _found(answer, right), _found(answer, wrong)
    yes, no = [each for each in good if not each.denied], [each for each in bad if not each.denied]
    yes = [each for each in yes if not any(_inside(each, other) for other in bad)]
    no = [each for each in no if not any(_inside(each, other) for other in good)]
    if yes and no:
        return _both(answer, yes, no)
    if yes:
        places = [(each.start, each.end) for each in good]
        if all(stance.left_open(answer, each, places) for each in yes):
            return Held(State.INCORRECT, "hedged")
        return Held(State.CORRECT, "key")
    if no:
        return Held(State.INCORRECT, "wrong-key")
    if any(each.denied for each in good):
        return Held(State.INCORRECT, "denied")
    if any(each.denied for each in bad) and closed and len(wrong) > 0:
        return Held(State.UNDETERMINED, "wrong-denied")
    if stance.abstains(answer) and not stance.guesses(answer):
        return Held(State.ABSTAINED, "does-not-know")
    share = max((_covered(answer, name) for name in right if _long(name)), default=0.0)
    if share >= _COVERED:
        return Held(State.CORRECT, "key-in-other-words")
    if closed or share >= _MAYBE_COVERED or _nearly(answer, right, question):
        return Held(State.UNDETERMINED, "near" if not closed else "none-named")
    return Held(State.INCORRECT, "other")


def by_amount(answer: str, *, right: Sequence[str], wrong: Sequence[str], tolerance: float, question: str) -> Held:
    """Hold a folded answer against amounts."""
    keys = [found[0] for name in right if (found := amounts(name))]
    slips = [found[0] for name in wrong if (found := amounts(name))]
    asked = {(each.low, each.high, each.dimension) for each in amounts(question)}
    said = [each for each in amounts(answer) if (each.low, each.high, each.dimension) not in asked or len(answer) < 12]
    said = [each for each in said if any(_comparable(key, each) for key in keys)]
    hits = [each for each in said if any(agrees(key, each, tolerance=tolerance) for key in keys)]
    agreed = [each for each in hits if not _denied(answer, each)]
    other = [each for each in said if each not in hits and not _denied(answer, each)]
    if agreed:
        return _open(answer, [(each.start, each.end) for each in agreed], [(each.start, each.end) for each in other])
    if any(vague(key, each) for key in keys for each in other):
        return Held(State.UNDETERMINED, "vague")
    if hits:
        return Held(State.INCORRECT, "denied")
    if any(agrees(slip, each) for slip in slips for each in other):
        return Held(State.INCORRECT, "wrong-key")
    return _without(answer, bool(other))


def by_date(answer: str, *, right: Sequence[str], question: str) -> Held:
    """Hold a folded answer against dates."""
    keys = [found[0] for name in right if (found := dates(name))]
    asked = {each[2:] for each in dates(question)}
    text = spelled(answer)
    said = [each for each in dates(answer) if each[2:] not in asked]
    hits = [each for each in said if any(agree(key, each) for key in keys)]
    agreed = [each for each in hits if not _denied(text, each)]
    others = [each for each in said if each not in hits and not _denied(text, each)]
    if agreed:
        return _open(text, [(each.start, each.end) for each in agreed], [(each.start, each.end) for each in others])
    if any(coarser(key, each) for key in keys for each in others):
        return Held(State.UNDETERMINED, "less-exact")
    return Held(State.INCORRECT, "denied") if hits else _without(answer, bool(others))


def by_statement(answer: str, *, right: Sequence[str], wrong: Sequence[str]) -> Held:
    """Hold a folded answer against sentences that are right and sentences that are wrong."""
    found = likeness(answer, right, wrong)
    if stance.abstains(answer) and not any(map(stance.abstains, right)) and found.right < _LIKE_ENOUGH + _MARGIN:
        return Held(State.ABSTAINED, "does-not-know")
    if max(found) < _LIKE_ENOUGH or abs(found.right - found.wrong) < _MARGIN:
        return Held(State.UNDETERMINED, "unlike")
    return Held(State.CORRECT, "like-right") if found.right > found.wrong else Held(State.INCORRECT, "like-wrong")


def names_key(text: str, right: Sequence[str], *, kind: str) -> bool:
    """Tell whether a folded passage holds a key: what a citation must show."""
    if kind == "number":
        keys = [found[0] for name in right if (found := amounts(name))]
        return any(agrees(key, each) for key in keys for each in amounts(text))
    if kind == "date":
        days = [when[0] for name in right if (when := dates(name))]
        return any(agree(key, each) for key in days for each in dates(text))
    return bool(_found(text, right))


def _found(text: str, names: Sequence[str]) -> list[Mention]:
    return [each for name in names for each in stance.mentions(text, name)]


def _inside(mention: Mention, other: Mention) -> bool:
    """Tell whether a mention is only a part of a longer name: New York in New York Mets."""
    longer = other.end - other.start > mention.end - mention.start
    return longer and other.start <= mention.start and mention.end <= other.end


def _both(answer: str, yes: Sequence[Mention], no: Sequence[Mention]) -> Held:
    """Decide where an answer names right and wrong: by its conclusion, then by what is not only named together."""
    tail = len(answer) - len(stance.decided(answer))
    late_yes, late_no = [each for each in yes if each.start >= tail], [each for each in no if each.start >= tail]
    if tail and bool(late_yes) is not bool(late_no):
        return Held(State.CORRECT, "concluded") if late_yes else Held(State.INCORRECT, "wrong-key")
    alone_yes = [each for each in yes if not any(stance.joined(answer, each, other) for other in no)]
    alone_no = [each for each in no if not any(stance.joined(answer, each, other) for other in yes)]
    if bool(alone_yes) is not bool(alone_no):
        return Held(State.CORRECT, "key") if alone_yes else Held(State.INCORRECT, "wrong-key")
    if any(stance.left_open(answer, each) for each in yes):
        return Held(State.INCORRECT, "hedged")
    return Held(State.UNDETERMINED, "both")


def _open(text: str, agreed: Sequence[tuple[int, int]], other: Sequence[tuple[int, int]]) -> Held:
    """Decide where the key is among an answer's amounts or dates: alternatives keep it open."""
    for start, end in agreed:
        mention = Mention(start, end, denied=False)
        beside = [each for each in other if stance.joined(text, mention, Mention(*each, denied=False))]
        if not (beside and stance.left_open(text, mention)) and not (other and stance.left_open(text, mention)):
            return Held(State.CORRECT, "key")
    return Held(State.INCORRECT, "hedged")


def _without(answer: str, named: bool) -> Held:  # noqa: FBT001 - what was found, for one caller's two kinds
    if stance.abstains(answer) and not (named and stance.guesses(answer)):
        return Held(State.ABSTAINED, "does-not-know")
    return Held(State.INCORRECT, "other") if named else Held(State.UNDETERMINED, "none-named")


def _comparable(key: Amount, said: Amount) -> bool:
    return not (key.dimension and said.dimension) or key.dimension in {said.dimension, "ratio"}


def _denied(text: str, place: Amount | When) -> bool:
    return stance.denied(text, place.start, place.end)


def _long(name: str) -> bool:
    return len(name) >= _LONG_NAME


def _covered(answer: str, name: str) -> float:
    wanted = pieces(name)
    if not wanted:
        return 0.0
    spans = stance.sentences(answer)
    return max((len(wanted & pieces(answer[start:end])) / len(wanted) for start, end in spans), default=0.0)


def _nearly(answer: str, names: Sequence[str], question: str) -> bool:
    """Tell whether an answer has something that is spelled nearly like a name: a person should look."""
    words = [word for word in answer.replace(",", " ").replace(".", " ").split() if word not in question][:200]
    for name in map(stance.clean, names):
        size = len(name.split())
        runs = [" ".join(words[at : at + size]) for at in range(len(words) - size + 1)] if name.isascii() else []
        if len(name) >= 5 and any(SequenceMatcher(None, run, name).ratio() >= _NEAR_NAME for run in runs):
            return True
    return False
