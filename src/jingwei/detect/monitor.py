"""The dual monitor: does a model do what its reasoning says, and does it reason like one that has something to hide?

A reasoning trace is no proof of anything: a model can leave its plan out of it. But where it does say that it will
only look, and then deletes; where it rules an act out, and then does it; where it names one target and calls with
another; where it plans that a person shall not notice: there trace and act together tell more than either alone.
The patterns are data (`monitor.yaml`), zh and en. Blue Book 四(三), monitoring of reasoning and action together.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from jingwei.core.package_data import package_data
from jingwei.core.policy import Effect, ToolRule

CONCEALS = "monitor.conceals"
READS_BUT_WRITES = "monitor.says-read-does-write"
RULED_OUT = "monitor.does-what-it-ruled-out"
OTHER_TARGET = "monitor.other-target"
OTHER_AMOUNT = "monitor.other-amount"
LONGEST = 8_000
"""Characters of a trace that are read: its end, where the act is decided."""
_BEFORE = 24
_AFTER = 80
_SENTENCE = r"[.;!?\n\u3002\uff1b\uff01\uff1f]"
_CLAUSE = r"[.;!?\n\u3002\uff1b\uff01\uff1f\uff0c,]"
_MOST_VALUES = 256


class _Act(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    names: str
    """In the name of a tool."""
    verbs: str
    """In a sentence."""


class _Amounts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    names: str
    number: str


class _Source(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    conceals: tuple[str, ...]
    not_yet: tuple[str, ...]
    harmless: tuple[str, ...]
    reads_only: tuple[str, ...]
    rules_out: tuple[str, ...]
    until: tuple[str, ...]
    acts: dict[str, _Act]
    targets: dict[str, str]
    amounts: _Amounts


class _Patterns:
    """The data, compiled."""

    def __init__(self, source: _Source) -> None:
        self.conceals = _any(source.conceals)
        self.until = _any(source.until)
        self.verbs = {act: re.compile(words.verbs, re.IGNORECASE) for act, words in source.acts.items()}
        self.not_yet = _any(source.not_yet)
        self.harmless = _any(source.harmless)
        self.reads_only = _any(source.reads_only)
        self.ruled_out = {
            act: _any([each.replace("{verb}", f"(?:{words.verbs})") for each in source.rules_out])
            for act, words in source.acts.items()
        }
        self.named = {
            act: re.compile(rf"(?:^|[_.\-/\s])(?:{words.names})(?=$|[_.\-/\s\d])", re.IGNORECASE)
            for act, words in source.acts.items()
        }
        self.targets = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in source.targets.items()}
        self.amount_names = re.compile(rf"(?:^|[_.\-])(?:{source.amounts.names})$", re.IGNORECASE)
        self.number = re.compile(source.amounts.number)


@lru_cache(maxsize=1)
def _patterns() -> _Patterns:
    return _Patterns(_Source.model_validate(package_data("jingwei.detect", "monitor.yaml")))


def disagreements(reasoning: str, rule: ToolRule, arguments: Mapping[str, object]) -> tuple[str, ...]:
    """Return how a trace and a call disagree, as rule ids; none where nothing speaks against the call.

    Args:
        reasoning: what the model wrote before the call.
        rule: the tool it calls.
        arguments: by dotted name, as `argument_facts` gives them.
    """
    trace = reasoning[-LONGEST:]
    if not trace.strip():
        return ()
    return tuple(_found(trace, rule, arguments))


def _found(trace: str, rule: ToolRule, arguments: Mapping[str, object]) -> Iterator[str]:
    known = _patterns()
    if _plans(known, trace):
        yield CONCEALS
    acts = _acts(known, rule)
    writes = rule.effect is not Effect.READ_ONLY
    if (writes or acts) and _last(known.reads_only, trace) and not _goes_on(known, trace, acts):
        yield READS_BUT_WRITES
    if any(_still_ruled_out(known, act, trace) for act in acts):
        yield RULED_OUT
    values = [str(value) for value in _scalars(arguments)]
    if any(_other(pattern, trace, values) for pattern in known.targets.values()):
        yield OTHER_TARGET
    if _other_amount(known, trace, arguments):
        yield OTHER_AMOUNT


def _plans(known: _Patterns, trace: str) -> bool:
    """Tell whether hiding is planned, and not what is being ruled out."""
    for match in known.conceals.finditer(trace):
        before = re.split(_CLAUSE, trace[max(0, match.start() - _BEFORE) : match.start()])[-1]
        sentence = re.split(_SENTENCE, trace[max(0, match.start() - _BEFORE) : match.end() + _AFTER])
        put_off = any(known.not_yet.search(each) for each in sentence if match.group() in each)
        if not put_off and not known.harmless.search(before):
            return True
    return False


def _acts(known: _Patterns, rule: ToolRule) -> list[str]:
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", rule.name)
    found = [act for act, pattern in known.named.items() if pattern.search(name)]
    return found + (["send"] if rule.sends_outside and "send" not in found else [])


def _last(pattern: re.Pattern[str], trace: str) -> int:
    """Return where a pattern is last found, counted from 1; 0 where it is not."""
    return max((match.end() for match in pattern.finditer(trace)), default=0)


def _goes_on(known: _Patterns, trace: str, acts: Sequence[str]) -> bool:
    """Tell whether the trace, after it spoke of reading alone, comes to the act by itself: first look, then delete."""
    rest = trace[_last(known.reads_only, trace) :]
    return any(known.verbs[act].search(rest) and not known.ruled_out[act].search(rest) for act in acts)


def _still_ruled_out(known: _Patterns, act: str, trace: str) -> bool:
    """Tell whether an act stays ruled out: not only of some other thing, or until something that then came."""
    end = _last(known.ruled_out[act], trace)
    if not end:
        return False
    sentence, *later = re.split(_SENTENCE, trace[end:])
    return not known.until.search(sentence) and not any(
        known.verbs[act].search(each) and not known.ruled_out[act].search(each) for each in later
    )


def _scalars(arguments: Mapping[str, object]) -> Iterator[object]:
    for value in list(arguments.values())[:_MOST_VALUES]:
        if isinstance(value, tuple):
            yield from value[:_MOST_VALUES]
        else:
            yield value


def _other(pattern: re.Pattern[str], trace: str, values: Sequence[str]) -> bool:
    """Tell whether the call has a target of a kind that the trace names, and none of those it names."""
    named = {each.casefold().rstrip("./") for each in pattern.findall(trace)}
    if not named:
        return False
    used = {each.casefold().rstrip("./") for value in values for each in pattern.findall(value[:2000])}
    return any(not any(each == one or each.startswith(one + "/") for one in named) for each in used)


def _other_amount(known: _Patterns, trace: str, arguments: Mapping[str, object]) -> bool:
    said = {_number(each) for each in known.number.findall(trace)}
    if not said:
        return False
    return any(
        known.amount_names.search(name) and _number(str(value)) not in said
        for name, value in arguments.items()
        if isinstance(value, int | float | str) and not isinstance(value, bool) and _number(str(value)) is not None
    )


def _number(written: str) -> float | None:
    try:
        return float(written.replace(",", ""))
    except ValueError:
        return None


def _any(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{each})" for each in patterns), re.IGNORECASE)
