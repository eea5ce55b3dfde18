"""From evidence back to a run: what a check measured and kept is shown and compared as a run of its own is."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from jingwei.core.check import Run
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
_RAN = "suite.json"
_Model = TypeVar("_Model", bound=BaseModel)


class SuiteRan(BaseModel):
    """What of a run over one suite is kept beside its evidence, so that its report can be made again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    suite: str
    version: str
    licence: str
    title: Both
    digest: str = ""
    limits: dict[str, float] = {}
    planned: int = 0
    seed: int = 0
    jingwei: str = ""
    mitigated: SubjectCard | None = None


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
    results = results_in(artefact_of(evidence), read)
    return KeptRun(Path(evidence.id[:16]), _evaluation(evidence, results, read), results)


def artefact_of(evidence: Evidence) -> Artefact:
    """Return the artefact that holds the attempts.

    Raises:
        NotFound: the evidence holds no attempts.
    """
    kept = attempts_in(evidence)
    if kept is None:
        raise NotFound("develop.evaluate:evidence-no-attempts", field="evidence", id=evidence.id)
    return kept


def results_in(kept: Artefact, read: Callable[[str], bytes]) -> list[Result]:
    """Return the results that an artefact holds.

    Raises:
        InputError: they are damaged, or more than is shown at once.
    """
    if kept.size > _BYTES:
        raise InputError("develop.evaluate:log-too-large", field="evidence", file=kept.name, limit=_BYTES)
    results: list[Result] = []
    for number, line in enumerate(read(kept.sha256).splitlines(), start=1):
        try:
            results.append(Result.model_validate_json(line))
        except ValidationError as error:
            raise InputError("develop.evaluate:run-unreadable", field="evidence", file=kept.name,
                             line=number) from error  # fmt: skip
    return results


def keep_ran(run: Run, ran: SuiteRan) -> Artefact:
    """Keep with evidence what of a run its own fields do not say."""
    return run.keep(_RAN, "application/json", ran.model_dump_json().encode())


def _kept(evidence: Evidence, name: str, model: type[_Model], read: Callable[[str], bytes]) -> _Model | None:
    """Return what an artefact of that name holds; None where there is none, or none that can be read."""
    kept = next((each for each in evidence.artefacts if each.name == name), None)
    try:
        return model.model_validate_json(read(kept.sha256)) if kept and kept.size <= _BYTES else None
    except ValidationError:
        return None


def _evaluation(evidence: Evidence, results: list[Result], read: Callable[[str], bytes]) -> Evaluation:
    target = evidence.target
    card = _kept(evidence, "judge-card.json", JudgeCard, read) or judge_card()
    ran = _kept(evidence, _RAN, SuiteRan, read)
    return Evaluation(
        id=evidence.source.run_id or evidence.id[:16],
        jingwei=ran.jingwei if ran else version("jingwei-ai"),
        started_at=evidence.started_at,
        finished_at=evidence.finished_at,
        subject=SubjectCard(
            kind="gateway" if target.kind is TargetKind.GATEWAY else "openai",
            locator=target.locator,
            model=target.name,
            digest=evidence.bindings[0].digest if evidence.bindings else "",
        ),
        mitigated=ran.mitigated if ran else None,
        seed=ran.seed if ran else 0,
        languages=tuple(each for each in LANGUAGES if any(one.language == each for one in results)) or LANGUAGES,
        suites=(_outcome(evidence, results, ran),),
        judge=card,
        spent=Spent(
            requests=sum(each.turns for each in results),
            asked_tokens=sum(each.asked_tokens for each in results),
            answered_tokens=sum(each.answered_tokens for each in results),
            seconds=(evidence.finished_at - evidence.started_at).total_seconds(),
        ),
    )


def _outcome(evidence: Evidence, results: list[Result], ran: SuiteRan | None) -> SuiteOutcome:
    """Return the suite's part; evidence of an earlier version does not tell the suite's hash and limits."""
    name = (results[0].suite if results else "") or evidence.source.name
    suite = load_suite(name) if name in suite_names() else None
    told = ran or SuiteRan(
        suite=name,
        version=suite.version if suite else "-",
        licence=suite.licence if suite else "-",
        title=suite.title if suite else Both(zh=name, en=name),
    )
    return SuiteOutcome(
        suite=told.suite,
        version=told.version,
        digest=told.digest,
        licence=told.licence,
        title=told.title,
        evidence_type=evidence.type,
        outcome=evidence.outcome,
        planned=told.planned or evidence.examined,
        examined=len(results),
        limits=told.limits,
        measures=evidence.measures,
        gaps=evidence.skipped,
    )
