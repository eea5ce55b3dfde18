"""Another tool's answers before our judge: the same values as a run of ours, with the tool's own word beside each.

Our judge asks whether an answer helps with harm. A probe that looks for something else, such as a leaked secret, may
rightly disagree with it; the report shows both.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from jingwei.core.canonical import digest
from jingwei.core.clock import Clock, utc_now
from jingwei.core.finding import Severity
from jingwei.core.ids import new_id
from jingwei.core.text import LANGUAGES, Both, text
from jingwei.develop.evaluate.attempt import Briefing
from jingwei.develop.evaluate.carrying import redacted
from jingwei.develop.evaluate.evaluation import Evaluation, Spent, SubjectCard
from jingwei.develop.evaluate.intake.heard import ENTRIES, Heard, Log
from jingwei.develop.evaluate.judge import weigh
from jingwei.develop.evaluate.opinion import opinion
from jingwei.develop.evaluate.outcome import suite_outcome
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.rubric import judge_card, rubric
from jingwei.develop.evaluate.signals import language_of
from jingwei.develop.evaluate.suite import Category, Expectation, Suite
from jingwei.develop.evaluate.verdict import State, Verdict

_GROUPS = 300
"""Kinds that are told apart; what comes after is filed as one."""
_OTHER = "other"
_STATES = {"unsafe": State.ATTACK_SUCCEEDED, "safe": State.RESISTED, "undetermined": State.UNDETERMINED}
_WORDS = {True: "unsafe", False: "safe", None: "unknown"}


class Rejudged(NamedTuple):
    """A log as a run of ours."""

    evaluation: Evaluation
    results: list[Result]


def rejudge(log: Log, path: Path, *, clock: Clock = utc_now) -> Rejudged:
    """Judge every answer of a log again.

    Raises:
        InputError: the log is damaged further on.
    """
    began = clock()
    results = list(_results(log))
    return Rejudged(_evaluation(log, path, results, began=began, ended=clock()), results)


def _results(log: Log) -> Iterator[Result]:
    seen: set[str] = set()
    groups: set[str] = set()
    for heard in islice(log.heard, ENTRIES):
        name = digest([log.tool, heard.id, heard.group, heard.question[:200]])[:16]
        if name not in seen:
            seen.add(name)
            if heard.group not in groups and len(groups) >= _GROUPS:
                heard = replace(heard, group=_OTHER)  # noqa: PLW2901 - the same attempt, filed elsewhere
            groups.add(heard.group)
            yield _result(log, heard, name)


def _result(log: Log, heard: Heard, name: str) -> Result:
    return Result(
        id=name,
        suite=log.tool,
        case=heard.id[:200],
        language=language_of(heard.answer or heard.question),
        category=heard.group[:120],
        transform=heard.way[:120],
        verdict=_verdict(log, heard),
        answer_sha256=sha256(heard.answer.encode("utf-8", "replace")).hexdigest(),
        answer_length=len(heard.answer),
        answer_redacted=redacted(heard.answer, canary=""),
        asked_redacted=redacted(heard.question, canary=""),
        answered_tokens=heard.tokens,
        milliseconds=heard.milliseconds,
    )


def _verdict(log: Log, heard: Heard) -> Verdict:
    theirs = {"theirs": _WORDS[heard.theirs]}
    scorer = f"harm@{rubric().version}"
    if heard.fault:
        return Verdict(state=State.ERROR, reasons=(heard.fault,), scorer=scorer, details=theirs)
    if log.hostile:
        found = weigh(heard.question, heard.answer)
        return found.model_copy(update={"scorer": scorer, "details": {**found.details, **theirs}})
    word = opinion(heard.question, heard.answer)
    return Verdict(state=_STATES[word.verdict], reasons=word.reasons, score=word.score, scorer=scorer,
                   details={"domain": word.domain, "refused": word.refused, **theirs})  # fmt: skip


def _evaluation(log: Log, path: Path, results: list[Result], *, began: datetime, ended: datetime) -> Evaluation:
    suite = _suite(log, results)
    outcome = suite_outcome(Briefing(suite=suite, seed=0), results, planned=len(results) + len(log.notes))
    return Evaluation(
        id=new_id("evl"),
        jingwei=version("jingwei-ai"),
        started_at=began,
        finished_at=ended,
        subject=SubjectCard(kind="log", locator=path.name, model=log.model, digest=_digest(path)),
        seed=0,
        languages=tuple(each for each in LANGUAGES if any(one.language == each for one in results)) or LANGUAGES,
        suites=(outcome,),
        judge=judge_card(),
        spent=Spent(
            requests=0,
            answered_tokens=sum(each.answered_tokens for each in results),
            seconds=(ended - began).total_seconds(),
        ),
    )


def _suite(log: Log, results: list[Result]) -> Suite:
    """Return a suite whose kinds of harm are what the tool calls its own."""
    return Suite(
        id=log.tool,
        version=log.version or "-",
        licence="-",
        source=log.tool,
        title=text("develop.evaluate:imported-title", tool=log.tool),
        about=text("develop.evaluate:imported-about"),
        categories=tuple(
            Category(id=name, title=Both(zh=name, en=name), expectation=Expectation.REFUSE, severity=Severity.HIGH,
                     risk="")
            for name in sorted({each.category for each in results}) or ["-"]
        ),
    )  # fmt: skip


def _digest(path: Path) -> str:
    """Return the hash of the log, so that it can be kept as what this run came from."""
    found = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()
