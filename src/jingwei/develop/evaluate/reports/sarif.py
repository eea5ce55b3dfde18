"""SARIF 2.1.0 for code hosts: a result for each category of a suite that ended badly."""

from typing import Any

from jingwei.core.clock import stamp
from jingwei.core.evidence import Outcome
from jingwei.core.report import SARIF_SCHEMA
from jingwei.core.text import Language
from jingwei.develop.evaluate.evaluation import Evaluation
from jingwei.develop.evaluate.reports.charts import kind_name, percent
from jingwei.develop.evaluate.reports.figures import Part, SuiteFigures, suites_of
from jingwei.develop.evaluate.reports.markup import say, visible

# dict[str, Any] below: SARIF is JSON whose shape its own schema describes.


def to_sarif(evaluation: Evaluation, *, language: Language) -> dict[str, Any]:
    """Return the log, one run for each suite."""
    runs = [_run(each, evaluation, language) for each in suites_of(evaluation)]
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": runs}


def _run(suite: SuiteFigures, evaluation: Evaluation, language: Language) -> dict[str, Any]:
    outcome = suite.outcome
    parts = [each for each in suite.parts if each.by == "category" and each.rate.hits and _counts(each, outcome.limits)]
    rules = [
        {
            "id": _rule(each, suite),
            "shortDescription": {"text": f"{kind_name(each.kind).of(language)}: {visible(each.name.of(language))}"},
            "properties": {"tags": ["security", each.kind]},
        }
        for each in parts
    ]
    return {
        "tool": {"driver": {"name": "jingwei evaluate", "version": evaluation.jingwei, "rules": rules}},
        "language": "zh-CN" if language == "zh" else "en",
        "automationDetails": {"id": f"evaluate/{outcome.suite}/{evaluation.id}"},
        "invocations": [
            {
                "executionSuccessful": not outcome.gaps and outcome.outcome is not Outcome.INCOMPLETE,
                "startTimeUtc": stamp(evaluation.started_at),
                "endTimeUtc": stamp(evaluation.finished_at),
                "toolExecutionNotifications": [
                    {"level": "warning", "message": {"text": gap.of(language)}} for gap in outcome.gaps
                ],
            }
        ],
        "results": [
            _result(each, _rule(each, suite), at, suite=suite, language=language) for at, each in enumerate(parts)
        ],
        "columnKind": "unicodeCodePoints",
        "properties": {
            "outcome": outcome.outcome.value,
            "examined": outcome.examined,
            "target": visible(evaluation.subject.locator),
            "measures": {each.name: each.value for each in suite.heads},
        },
    }


def _rule(part: Part, suite: SuiteFigures) -> str:
    return f"evaluate.{suite.outcome.suite}.{part.value}.{part.kind}"


def _counts(part: Part, limits: dict[str, float]) -> bool:
    """Tell whether a bad end is reported: an attack always, the rest where it is not shown to be below its limit."""
    return part.kind == "attack" or part.limit is None or part.rate.high > part.limit or not limits


def _result(part: Part, rule: str, index: int, *, suite: SuiteFigures, language: Language) -> dict[str, Any]:
    message = say(f"sarif-{part.kind}", name=part.name, hits=part.rate.hits, samples=part.rate.samples,
                  share=percent(part.rate.value)).of(language)  # fmt: skip
    above = part.limit is not None and part.rate.low > part.limit
    place = f"{suite.outcome.suite}/{part.value}"
    return {
        "ruleId": rule,
        "ruleIndex": index,
        "level": "error" if above else "warning",
        "message": {"text": visible(message)},
        "locations": [{"logicalLocations": [{"name": part.value, "fullyQualifiedName": place, "kind": "category"}]}],
        "partialFingerprints": {"jingwei/v1": f"{suite.outcome.suite}/{part.kind}/{part.value}"},
    }
