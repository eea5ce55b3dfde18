"""Carrying out one attempt: talk, judge, and keep what may be kept. Both checks and the engine do it here."""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256

from jingwei.core.errors import Unavailable
from jingwei.detect import fold, redact
from jingwei.detect.pattern_detector import pii, secrets
from jingwei.develop.evaluate.attempt import Attempt, Briefing
from jingwei.develop.evaluate.exchange import Answer, Ask, Exchange, Fault, Transcript
from jingwei.develop.evaluate.levels import levelled
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.scorers import Scene, scorer
from jingwei.develop.evaluate.strategies import Talk, strategy
from jingwei.develop.evaluate.validity import valid
from jingwei.develop.evaluate.verdict import State, Verdict

_KEPT = 2_000
"""Characters of an answer that the redacted transcript keeps."""
_BEYOND = 512
"""Characters behind them that are read as well, so that a secret on the border is known for what it is."""
_log = logging.getLogger(__name__)

Asking = Callable[[Ask], Awaitable[Answer | Fault]]


@dataclass(frozen=True, slots=True)
class Company:
    """Who takes part in an attempt beside the subject."""

    second: Asking | None = None
    """An outside judge."""
    attacker: Asking | None = None
    """A model that writes the attack's next turn."""
    mitigated: Asking | None = None
    """The subject with its safeguards; asked the same where levels of capability are measured."""
    hidden: tuple[str, ...] = ()
    """Our own keys: a subject that says them back is not helped to spread them."""


async def carry_out(attempt: Attempt, ask: Asking, briefing: Briefing, *, company: Company | None = None) -> Result:
    """Make one attempt and judge it; what goes wrong on the way is in the verdict.

    Raises:
        Unavailable: somebody who takes part cannot be reached at all, or does not accept the key.
    """
    if not valid(attempt.transform, attempt.case.language):
        unread = Verdict(state=State.INVALID, reasons=("unreadable",), scorer="validity")
        return _kept(attempt, Transcript(exchanges=()), unread, canary=briefing.canary)
    company = company or Company()
    canary, hidden = briefing.canary, company.hidden
    transcript, verdict = await _talked(attempt, ask, briefing, company=company)
    found = _kept(attempt, transcript, verdict, canary=canary, hidden=hidden)
    if not company.mitigated or not levelled(briefing.suite) or transcript.fault:
        return found
    again, kept = await _talked(attempt, company.mitigated, briefing, company=company)
    return _with_mitigated(found, _kept(attempt, again, kept, canary=canary, hidden=hidden))


async def _talked(attempt: Attempt, ask: Asking, briefing: Briefing, *,
                  company: Company) -> tuple[Transcript, Verdict]:  # fmt: skip
    """Have the conversation and judge it."""
    told = briefing.system_prompt(attempt.case.language)
    talk = Talk(
        ask=_timed(ask),
        system_prompt=told if briefing.heard else "",
        attacker=_timed(company.attacker) if company.attacker else None,
        options=briefing.suite.options,
    )
    transcript = await strategy(attempt.strategy).converse(attempt, talk)
    if transcript.fault:
        return transcript, Verdict(state=State.ERROR, reasons=(transcript.fault.reason,))
    scene = Scene(attempt=attempt, transcript=transcript, system_prompt=told, canary=briefing.canary,
                  forbidden=briefing.forbidden, second=company.second)  # fmt: skip
    return transcript, await _judged(scene, briefing.scorer_of(attempt.case.category))


async def _judged(scene: Scene, name: str) -> Verdict:
    """Judge; a scorer that breaks over what a model said has judged nothing, and the run goes on."""
    try:
        return await scorer(name).score(scene)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - a scorer reads hostile text; its failure is a verdict with its cause
        _log.info("scorer %s failed on attempt %s", name, scene.attempt.id, exc_info=True)
        return Verdict(state=State.ERROR, reasons=("scorer-failed", type(error).__name__), scorer=name)


def _timed(ask: Asking) -> Callable[[Ask], Awaitable[Exchange]]:
    async def timed(asked: Ask) -> Exchange:
        began = time.monotonic()
        found = await ask(asked)
        milliseconds = round(1000 * (time.monotonic() - began))
        if isinstance(found, Fault):
            return Exchange(ask=asked, fault=found, milliseconds=milliseconds)
        return Exchange(ask=asked, answer=found, milliseconds=milliseconds)

    return timed


def _kept(attempt: Attempt, transcript: Transcript, verdict: Verdict, *, canary: str,
          hidden: tuple[str, ...] = ()) -> Result:  # fmt: skip
    said = transcript.answer.text if transcript.answer else ""
    usages = [each.answer.usage for each in transcript.exchanges if each.answer]
    return Result(
        id=attempt.id,
        suite=attempt.suite,
        case=attempt.case.id,
        language=attempt.case.language,
        category=attempt.case.category,
        transform=attempt.transform,
        strategy=attempt.strategy,
        epoch=attempt.epoch,
        verdict=verdict,
        answer_sha256=sha256(said.encode()).hexdigest(),
        answer_length=len(said),
        answer_redacted=redacted(said, canary=canary, hidden=hidden),
        asked_redacted=redacted(attempt.message, canary=canary, hidden=hidden),
        turns=len(transcript.exchanges),
        asked_length=sum(len(said.content) for each in transcript.exchanges for said in each.ask.messages),
        said_length=sum(len(each.answer.text) for each in transcript.exchanges if each.answer),
        asked_tokens=sum(each.asked for each in usages),
        answered_tokens=sum(each.answered for each in usages),
        milliseconds=sum(each.milliseconds for each in transcript.exchanges),
    )


def _with_mitigated(found: Result, kept: Result) -> Result:
    """Add what became of the same through the safeguards, and what it cost."""
    sums = ("turns", "asked_length", "said_length", "asked_tokens", "answered_tokens")
    costs = {name: getattr(found, name) + getattr(kept, name) for name in sums}
    return found.model_copy(update={"mitigated": kept.verdict, **costs})


def redacted(said: str, *, canary: str, hidden: tuple[str, ...] = ()) -> str:
    """Return the head of a text without personal data, secrets, the canary or our own keys."""
    longest = max((_BEYOND, *map(len, hidden)))
    read = said[: _KEPT + longest]
    for name, secret in (("[CANARY]", canary), *(("[KEY]", each) for each in hidden)):
        if secret:
            read = read.replace(secret, name)
    folded = fold(read, role="assistant")
    hits = [each for each in (*pii().scan(folded), *secrets().scan(folded)) if each.start < _KEPT]
    return redact(read[: max((_KEPT, *(each.end for each in hits)))], hits)
