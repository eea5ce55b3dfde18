"""From evidence back to a run: what a check measured and kept is shown and compared as a run of its own is."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from pydantic import ValidationError

from jingwei.core.errors import InputError, NotFound
from jingwei.core.evidence import Artefact, Evidence
from jingwei.core.target import TargetKind
from jingwei.core.text import LANGUAGES, Both
from jingwei.develop.evaluate.evaluation import Evaluation, Spent, SubjectCard, SuiteOutcome
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.rubric import JudgeCard, judge_card
from jingwei.develop.evaluate.runs import KeptRun
from jingwei.develop.evaluate.suite_file import load_suite, suite_names

_BYTES = 64 * 1024 * 1024


def attempts_in(evidence: Evidence) -> Artefact | None:
    """Return the artefact that holds the attempts; None where the evidence is of another kind."""
    return next((each for each in evidence.artefacts if each.name.startswith("attempts")), None)


def run_of(evidence: Evidence, read: Callable[[str], bytes]) -> KeptRun:
    """Return the run that evidence came of.

    Args:
        evidence: of the checks `redteam` or `evaluate`.
        read: gives an artefact by its hash.

    Raises:
        NotFound: the evidence holds no attempts.
        InputError: they are damaged, or more than is shown at once.
    """
    kept = attempts_in(evidence)
    if kept is None:
        raise NotFound("develop.evaluate:evidence-no-attempts", field="evidence", id=evidence.id)
    if kept.size > _BYTES:
        raise InputError("develop.evaluate:log-too-large", field="evidence", file=kept.name, limit=_BYTES)
    results = []
    for number, line in enumerate(read(kept.sha256).splitlines(), start=1):
        try:
            results.append(Result.model_validate_json(line))
        except ValidationError as error:
            raise InputError("develop.evaluate:run-unreadable", field="evidence", file=kept.name,
                             line=number) from error  # fmt: skip
    return KeptRun(Path(evidence.id[:16]), _evaluation(evidence, results, _card(evidence, read)), results)


def _card(evidence: Evidence, read: Callable[[str], bytes]) -> JudgeCard:
    """Return the judge's record as it was then."""
    kept = next((each for each in evidence.artefacts if each.name == "judge-card.json"), None)
    try:
        return JudgeCard.model_validate_json(read(kept.sha256)) if kept and kept.size <= _BYTES else judge_card()
    except ValidationError:
        return judge_card()


def _evaluation(evidence: Evidence, results: list[Result], card: JudgeCard) -> Evaluation:
    target = evidence.target
    return Evaluation(
        id=evidence.source.run_id or evidence.id[:16],
        jingwei=version("jingwei-ai"),
        started_at=evidence.started_at,
        finished_at=evidence.finished_at,
        subject=SubjectCard(
            kind="gateway" if target.kind is TargetKind.GATEWAY else "openai",
            locator=target.locator,
            model=target.name,
            digest=evidence.bindings[0].digest if evidence.bindings else "",
        ),
        seed=0,
        languages=tuple(each for each in LANGUAGES if any(one.language == each for one in results)) or LANGUAGES,
        suites=(_outcome(evidence, results),),
        judge=card,
        spent=Spent(
            requests=sum(each.turns for each in results),
            asked_tokens=sum(each.asked_tokens for each in results),
            answered_tokens=sum(each.answered_tokens for each in results),
            seconds=(evidence.finished_at - evidence.started_at).total_seconds(),
        ),
    )


def _outcome(evidence: Evidence, results: list[Result]) -> SuiteOutcome:
    """Return the suite's part; limits are not in evidence, so none are shown."""
    name = (results[0].suite if results else "") or evidence.source.name
    suite = load_suite(name) if name in suite_names() else None
    return SuiteOutcome(
        suite=name,
        version=suite.version if suite else "-",
        digest="",
        licence=suite.licence if suite else "-",
        title=suite.title if suite else Both(zh=name, en=name),
        evidence_type=evidence.type,
        outcome=evidence.outcome,
        planned=evidence.examined,
        examined=len(results),
        limits={},
        measures=evidence.measures,
        gaps=evidence.skipped,
    )
