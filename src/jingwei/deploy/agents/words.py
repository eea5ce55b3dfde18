"""Signs in words: what a model would be talked into by a tool, a prompt, a skill or a rule file.

One sign rarely convicts. Each has a weight, and all signs of one thing are taken together as one minus the product of
their doubts. The rules lie in `words.yaml`; the shared injection detector (`detect`) is one more witness.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.package_data import package_data
from jingwei.detect import Folded, fold
from jingwei.detect.hidden import reveal
from jingwei.detect.injection import MODEL_RULE, InjectionDetector

LONGEST = 24_000
"""Characters of one text that are judged at once; longer texts are judged in pieces."""
_OVERLAP = 400
_REMEMBERED = 1_000
_AROUND = 48
"""Characters around a match in which `unless` is looked for."""
_BEFORE = 28
"""Characters before a match in which a `no` turns it round."""
_DEFENDED = 80
"""Characters around a match in which a refusal makes it a defence."""
_INJECTION = "injection"
_ENCODED = "encoded"
_MODEL_ASKED = 1_200
"""Characters of a text about which the model's opinion is asked: it costs by length."""
_SPEECH = 24
"""A shorter text is a name or a word; the model has no opinion about it."""
_DOUBT, _ALONE = 0.85, 0.45
"""What the shared rules say counts for less, they were made for messages and not for manuals: for much less where the
model, asked about the same text, does not agree."""
_AGREES, _LIKELY, _SURE = 0.25, 0.6, 0.9
_SHARED = frozenset(
    f"injection.{name}"
    for name in ("override", "prompt-extraction", "unbound-persona", "known-jailbreak", "fake-turn", "exfiltration",
                 "tool-coercion", "addressed-to-model", "smuggling", "new-orders", "encoded-payload")
)  # fmt: skip
_OPINION = {False: 0.35, True: 0.6}
_HINT, _HINTED = 0.3, 0.25
"""From this opinion on the model's word counts a little, together with other signs."""


class WordRule(BaseModel):
    """One rule of `words.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: float = Field(gt=0, le=1)
    patterns: tuple[str, ...]
    unless: tuple[str, ...] = ()
    negated: bool = False
    defended: bool = False
    """What is around may make mention of it a defence (`defence`)."""


class Sign(NamedTuple):
    """One rule that fired, with how much it says and the words that it saw."""

    rule: str
    weight: float
    start: int
    end: int
    seen: str


class _Compiled(NamedTuple):
    name: str
    rule: WordRule
    patterns: tuple[re.Pattern[str], ...]
    unless: re.Pattern[str] | None


@lru_cache(maxsize=1)
def _compiled() -> tuple[_Compiled, ...]:
    data = package_data(__package__, "words.yaml")
    terms = {name: f"(?:{'|'.join(words)})" for name, words in data["terms"].items()}
    compiled = []
    for name, entry in data["rules"].items():
        rule = WordRule.model_validate(entry)
        patterns = tuple(re.compile(_spelled(each, terms), re.ASCII) for each in rule.patterns)
        unless = re.compile("|".join(_spelled(each, terms) for each in rule.unless), re.ASCII) if rule.unless else None
        compiled.append(_Compiled(name, rule, patterns, unless))
    return tuple(compiled)


@lru_cache(maxsize=1)
def _no() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what turns words round: right before them, and among them."""
    data = package_data(__package__, "words.yaml")
    return re.compile(data["negation"], re.ASCII), re.compile(data["inner_negation"], re.ASCII)


def _spelled(pattern: str, terms: dict[str, str]) -> str:
    return re.sub(r"\{([a-z_]+)\}", lambda match: terms[match[1]], pattern)


def signs_of(text: str) -> tuple[Sign, ...]:
    """Return every sign in a text that a model would read, hidden and encoded readings included."""
    return _remembered(text) if len(text) <= _REMEMBERED else _signs_of(text)


@lru_cache(maxsize=2_048)
def _remembered(text: str) -> tuple[Sign, ...]:
    """Judge a short text once: listings repeat the same descriptions of parameters."""
    return _signs_of(text)


def _signs_of(text: str) -> tuple[Sign, ...]:
    found: dict[str, Sign] = {}
    for start in range(0, max(1, len(text)), LONGEST - _OVERLAP):
        piece = fold(text[start : start + LONGEST], role="document")
        for sign in _piece(piece):
            known = found.get(sign.rule)
            if known is None or known.weight < sign.weight:
                found[sign.rule] = sign._replace(start=sign.start + start, end=sign.end + start)
    return tuple(sorted(found.values(), key=lambda sign: -sign.weight))


def _piece(text: Folded) -> Iterator[Sign]:
    yield from _worded(text)
    yield from _witness(text)
    for start, end, plain, invisible in reveal(text):
        inner = fold(plain, role="document")
        signs = [*_worded(inner), *_witness(inner)]
        if signs and not invisible:  # what is invisible is a finding of its own, whatever it says
            strongest = max(sign.weight for sign in signs)
            yield Sign(_ENCODED, max(0.6, strongest), start, end, plain)


def _worded(text: Folded) -> Iterator[Sign]:
    for name, rule, patterns, unless in _compiled():
        for match in (match for pattern in patterns for match in pattern.finditer(text.folded)):
            start, end = match.span()
            if _counts(text.folded, start, end, rule=rule, unless=unless):
                first, last = text.span(start, end)
                yield Sign(name, rule.weight, first, last, text.original[first:last])
                break


def _counts(text: str, start: int, end: int, *, rule: WordRule, unless: re.Pattern[str] | None) -> bool:
    if unless is not None and unless.search(text, max(0, start - _AROUND), end + _AROUND):
        return False
    if rule.defended and _defends(text, start, end):
        return False
    if not rule.negated:
        return True
    before, inner = _no()
    return not (before.search(text[max(0, start - _BEFORE) : start]) or inner.search(text[start:end]))


def needs_talk(said: str, seen: str) -> bool:
    """Tell whether a tool that asks a model wants a prompt or messages for it, and not those that are there."""
    data = package_data(__package__, "words.yaml")
    about, present = (re.compile(data[key], re.ASCII) for key in ("about_models", "present_talk"))
    return about.search(said.lower()) is not None and present.search(seen.lower()) is None


@lru_cache(maxsize=1)
def _defence() -> re.Pattern[str]:
    return re.compile("|".join(package_data(__package__, "words.yaml")["defence"]), re.ASCII)


def _defends(text: str, start: int, end: int) -> bool:
    """Tell whether words stand where an attack is named to be refused, or where honesty is asked for."""
    return any(match.start() <= end and match.end() >= start
               for match in _defence().finditer(text, max(0, start - _DEFENDED), end + _DEFENDED))  # fmt: skip


def _witness(text: Folded) -> Iterator[Sign]:
    """Ask the shared detector: its rules, and the model where the text is long enough to be speech."""
    detector = _detector()
    opinion = 0.0
    if len(text.original) >= _SPEECH:
        asked = text if len(text.original) <= _MODEL_ASKED else fold(text.original[:_MODEL_ASKED], role="document")
        for hit in detector.scan(asked):
            if hit.rule_id == MODEL_RULE:
                opinion = max(opinion, hit.score)
                if hit.score >= _HINT:
                    seen = text.original[hit.start : hit.end]
                    weight = _OPINION[hit.score >= _SURE] if hit.score >= _LIKELY else _HINTED
                    yield Sign("speech", weight, hit.start, hit.end, seen)
    for hit in detector.rules(text):
        seen = text.original[hit.start : hit.end]
        before = text.original[max(0, hit.start - _BEFORE) : hit.start].lower()
        if hit.score < 0.5 or hit.rule_id not in _SHARED or _defends(text.original.lower(), hit.start, hit.end):
            continue
        if not _no()[0].search(before):
            weight = hit.score * (_DOUBT if opinion >= _AGREES else _ALONE)
            yield Sign(_INJECTION, round(weight, 4), hit.start, hit.end, seen)


@lru_cache(maxsize=1)
def _detector() -> InjectionDetector:
    return InjectionDetector()
