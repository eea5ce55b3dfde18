"""The head of an answer: what stands beside its text, taken from the model's server only where it can carry none.

A name, a fingerprint or a count of tokens is read by nobody's guard, and would be a way round it. So names are short
and of few letters, counts are numbers under names, all of them are judged like any answer, and the rest is left out.
"""

import re
import time
from collections.abc import Mapping
from typing import cast

import orjson

from jingwei.core.canonical import Json
from jingwei.core.policy import Decision
from jingwei.deploy.guard import Guard, glance

_NAMES = ("id", "model", "system_fingerprint", "service_tier")
_FIXED = ("model", "service_tier", "system_fingerprint")
_COUNTS = ("usage", "timings")
_NAME = re.compile(r"[\w.:/@+-]{1,128}", re.ASCII)
_RANDOM = re.compile(
    r"(?:(?:chatcmpl|cmpl|gen|msg|req|resp)[-_])?([0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})"
)
_SAYS_SOMETHING = re.compile(r"\d(?:-?\d){8}|[a-f]{6}")
"""A number long enough to be somebody's, or letters enough for a word."""
_COUNT_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
_USUAL_COUNTS = frozenset({
    "accepted_prediction_tokens", "audio_tokens", "cache_creation_input_tokens", "cache_read_input_tokens",
    "cached_tokens", "completion_tokens", "completion_tokens_details", "image_tokens", "input_tokens", "output_tokens",
    "prompt_cache_hit_tokens", "prompt_cache_miss_tokens", "prompt_tokens", "prompt_tokens_details",
    "reasoning_tokens", "rejected_prediction_tokens", "text_tokens", "total_tokens", "usage",
})  # fmt: skip
_USUAL_MOST = 10_000_000
"""Under these names, smaller numbers say how many tokens there were and nothing else."""
_MOST_COUNTS = 40
_NEWEST = 2**33
_MOST_KNOWN = 1024
_KNOWN: dict[tuple[str | None, ...], bool] = {}
"""Whether some names of a model may leave, by the policy, the detectors and the names."""


def plain_head(answer: Mapping[str, Json], guard: Guard, *, request_id: str, kind: str) -> dict[str, Json]:
    """Return the head that may leave.

    Args:
        answer: as the model's server gave it.
        guard: judges the names.
        request_id: stands for an id that may not leave.
        kind: what the answer is, `chat.completion` or `chat.completion.chunk`.
    """
    named = {name: value for name in _NAMES if isinstance(value := answer.get(name), str) and _NAME.fullmatch(value)}
    created = answer.get("created")
    sound = isinstance(created, int) and not isinstance(created, bool) and 0 < created < _NEWEST
    sound_id = "id" not in named or _is_random(named["id"]) or _clean({"id": named["id"]}, guard)
    kept = cast("dict[str, Json]", named) if sound_id and _names_clean(named, guard) else {}
    return {"id": request_id, **kept, "object": kind, "created": created if sound else int(time.time())}


def _is_random(identity: str) -> bool:
    """Tell whether an id is 128 bits in hexadecimal, as servers draw them, that neither read nor decode to text."""
    found = _RANDOM.fullmatch(identity)
    if found is None or _SAYS_SOMETHING.search(found[1]):
        return False
    try:
        bytes.fromhex(found[1].replace("-", "")).decode()
    except UnicodeDecodeError:
        return True
    return False


def _names_clean(named: Mapping[str, str], guard: Guard) -> bool:
    """Judge the names that are the same in every answer of a model, once for each detectors that judge them."""
    fixed = (guard.policy.digest, guard.bundle.version, *[named.get(name) for name in _FIXED])
    known = _KNOWN.get(fixed)
    if known is None:
        if len(_KNOWN) >= _MOST_KNOWN:
            _KNOWN.clear()
        known = _KNOWN[fixed] = _clean({name: named[name] for name in sorted(_FIXED) if name in named}, guard)
    return known


def plain_counts(answer: Mapping[str, Json], guard: Guard) -> dict[str, Json]:
    """Return the counts of tokens and the times that may leave; empty where there are none."""
    found = {name: _numbers(value) for name in _COUNTS if isinstance(value := answer.get(name), dict)}
    return cast("dict[str, Json]", found) if _is_usual(found) or _clean(found, guard) else {}


def _is_usual(counts: Mapping[str, object]) -> bool:
    return all(
        name in _USUAL_COUNTS and (_is_usual(each) if isinstance(each, dict) else type(each) is int
                                   and 0 <= each < _USUAL_MOST)
        for name, each in counts.items()
    )  # fmt: skip


def _numbers(value: Mapping[str, Json], *, inner: bool = False) -> dict[str, Json]:
    kept: dict[str, Json] = {}
    for name, each in list(value.items())[:_MOST_COUNTS]:
        if not _COUNT_NAME.fullmatch(name):
            continue
        if isinstance(each, int | float) and not isinstance(each, bool):
            kept[name] = each
        elif isinstance(each, dict) and not inner:
            kept[name] = cast("Json", _numbers(each, inner=True))
    return kept


def _clean(values: Mapping[str, object], guard: Guard) -> bool:
    if not values:
        return True
    return glance(guard, orjson.dumps(values).decode()).decision is Decision.ALLOW
