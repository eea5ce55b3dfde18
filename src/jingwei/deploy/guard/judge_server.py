"""A judge: a model's server that is asked for a second opinion on a text, OpenAI-compatible.

It is asked in the thread that other models run in, once a text for all its categories, bounded in time and size: a long
text in pieces, and of a very long one what lies between is said to be not judged. The text it judges is data: it stands
between marks that nobody can foresee, and what comes back is read strictly. A judge that is away, slow, or answers
something else has not judged: its categories are unjudged, and their fail mode decides.
"""

import http.client
import re
import secrets
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple
from urllib.error import URLError
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import orjson

from jingwei.core.errors import Unavailable
from jingwei.core.finding import Severity
from jingwei.core.policy import Category, Judge
from jingwei.core.text import text
from jingwei.core.upstream import demand_address, demand_key_name, upstream_key
from jingwei.deploy.guard.plans import PARTLY_JUDGED
from jingwei.detect import Detector, Folded, Hit, fold

LONGEST = 16_000
"""Characters that are sent at a time."""
MOST_PIECES = 4
"""Pieces of a text that are sent; of a longer one the beginning and the end."""
_SHARED = 400
"""Characters that two pieces have in common, so that what lies at their border is read whole."""
_MAX_ANSWER = 64 * 1024
_SAFETY = re.compile(r"^\s*Safety:\s*(Safe|Controversial|Unsafe)\b", re.MULTILINE)
_KINDS = re.compile(r"^\s*Categories:\s*(.*)$", re.MULTILINE)
_GUARD_SCORES = {"Safe": 0.0, "Controversial": 0.6, "Unsafe": 0.95}
_JAILBREAK = "jailbreak"
_LIKELY = 0.5


class _Stay(HTTPRedirectHandler):
    """Follow no redirect: the address was declared, another was not."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """Give no further request."""


class _Opinion(NamedTuple):
    """What a judge said of one piece of a text."""

    start: int
    end: int
    scores: Mapping[Category, float]


class JudgeServer:
    """Asks one judge; safe to share between threads."""

    def __init__(self, judge: Judge) -> None:
        demand_address(judge.url, field="judge.url")
        demand_key_name(judge.key_env, field="judge.key_env")
        self._judge = judge
        self._opener = build_opener(ProxyHandler({}), _Stay())

    def models(self) -> Mapping[Category, Detector]:
        """Return one scan function for each category that the judge is asked about."""
        return {category: self._asked_about(category) for category in self._judge.categories}

    def scores(self, folded: Folded) -> Mapping[Category, float]:
        """Ask about a text once and remember the answer with it: the highest score of each category in any piece.

        Raises:
            Unavailable: no answer, or none that can be read.
        """
        opinions = self._opinions(folded)
        asked = frozenset[Category].intersection(*(frozenset(each.scores) for each in opinions))
        return {category: max(each.scores[category] for each in opinions) for category in asked}

    def _opinions(self, folded: Folded) -> Sequence["_Opinion"]:
        key = f"judge {self._judge.url} {self._judge.model}"
        kept: Sequence[_Opinion] | None = folded.shared.get(key)
        if kept is None:
            read = _read_guard if self._judge.speaks == "qwen3guard" else _read_json
            parts = pieces(len(folded.original))
            kept = folded.shared[key] = [
                _Opinion(start, end, read(self._answer(folded.original[start:end], folded.role)))
                for start, end in parts
            ]
            if any(end < start for (_, end), (start, _) in pairwise(parts)):
                folded.shared[PARTLY_JUDGED] = folded.shared.get(PARTLY_JUDGED, frozenset()) | {*self._judge.categories}
        return kept

    def _asked_about(self, category: Category) -> Detector:
        def scan(given: str | Folded) -> tuple[Hit, ...]:
            folded = fold(given)
            opinions = self._opinions(folded)
            if any(category not in each.scores for each in opinions):  # it was asked, and silence is no answer
                raise Unavailable("deploy.guard:judge-unreadable")
            return tuple(
                Hit(each.start, each.end, category, f"{category}.judge", each.scores[category], Severity.HIGH)
                for each in opinions if each.scores[category] >= _LIKELY and folded.original
            )  # fmt: skip

        return scan

    def _answer(self, judged: str, role: str) -> str:
        body = {"model": self._judge.model, "messages": self._messages(judged, role), "temperature": 0,
                "max_tokens": 128, "stream": False}  # fmt: skip
        headers = {"Content-Type": "application/json"}
        if key := upstream_key(self._judge.key_env):
            headers["Authorization"] = f"Bearer {key}"
        request = Request(  # noqa: S310 - the scheme was checked when the judge was declared
            self._judge.url.rstrip("/") + "/chat/completions", data=orjson.dumps(body), headers=headers, method="POST"
        )
        try:
            with self._opener.open(request, timeout=self._judge.timeout_milliseconds / 1000) as response:
                raw = response.read(_MAX_ANSWER + 1)
            content = orjson.loads(raw)["choices"][0]["message"]["content"]
        except (URLError, OSError, http.client.HTTPException, ValueError, KeyError, IndexError, TypeError) as error:
            raise Unavailable("deploy.guard:judge-away", model=self._judge.model) from error
        if len(raw) > _MAX_ANSWER or not isinstance(content, str):
            raise Unavailable("deploy.guard:judge-away", model=self._judge.model)
        return content

    def _messages(self, judged: str, role: str) -> list[dict[str, str]]:
        if self._judge.speaks == "qwen3guard":
            asked = {"role": "user", "content": judged}
            return (
                [{"role": "user", "content": "-"}, {**asked, "role": "assistant"}] if role == "assistant" else [asked]
            )
        mark = secrets.token_hex(8)
        told = text("deploy.guard:judge-task", mark=mark, categories=", ".join(self._judge.categories), role=role).en
        return [{"role": "system", "content": told}, {"role": "user", "content": f"<{mark}>\n{judged}\n</{mark}>"}]


def pieces(length: int) -> list[tuple[int, int]]:
    """Cut a text of some length into the pieces that are judged; of a very long one the last is its end."""
    starts = range(0, max(1, length - _SHARED), LONGEST - _SHARED)
    if len(starts) <= MOST_PIECES:
        return [(start, min(start + LONGEST, length)) for start in starts]
    return [*((start, start + LONGEST) for start in starts[: MOST_PIECES - 1]), (length - LONGEST, length)]


def _read_guard(answer: str) -> Mapping[Category, float]:
    """Read the lines of a Qwen3Guard: `Safety: Unsafe`, `Categories: Violent, Jailbreak`."""
    found = _SAFETY.search(answer)
    if not found:
        raise Unavailable("deploy.guard:judge-unreadable")
    score = _GUARD_SCORES[found[1]]
    listed = _KINDS.search(answer)
    kinds = [each.strip().lower() for each in listed[1].split(",")] if listed else []
    attack = score if _JAILBREAK in kinds else 0.0
    harmful = score if not kinds or any(each != _JAILBREAK for each in kinds) else 0.0
    return {Category.HARM: harmful, Category.INJECTION: attack}


def _read_json(answer: str) -> Mapping[Category, float]:
    """Read `{"harm": 0.9, "injection": 0.1}`, fenced or not; a number outside 0 to 1 is no answer."""
    start, end = answer.find("{"), answer.rfind("}")
    try:
        given = orjson.loads(answer[start : end + 1])
        scores = {Category(name): float(value) for name, value in given.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise Unavailable("deploy.guard:judge-unreadable") from error
    if not scores or not all(0 <= score <= 1 for score in scores.values()):
        raise Unavailable("deploy.guard:judge-unreadable")
    return scores
