"""Evaluation: suites, transforms, a three-state judge, the native engine, and the checks that run them."""

from jingwei.develop.evaluate.carriers import carried, carrier_names
from jingwei.develop.evaluate.evaluate import Evaluate, EvaluateOptions
from jingwei.develop.evaluate.exchange import Answer, Call
from jingwei.develop.evaluate.judge import judge
from jingwei.develop.evaluate.redteam import RedTeam, RedTeamOptions
from jingwei.develop.evaluate.report import Thresholds
from jingwei.develop.evaluate.rubric import JudgeCard, judge_card
from jingwei.develop.evaluate.suite import Case, Expectation, Suite, ToolDefinition
from jingwei.develop.evaluate.suite_file import load_suite, suite_names
from jingwei.develop.evaluate.transforms import Transform, rewrite, transform, transform_names
from jingwei.develop.evaluate.validity import valid
from jingwei.develop.evaluate.verdict import State, Verdict

__all__ = [
    "Answer",
    "Call",
    "Case",
    "Evaluate",
    "EvaluateOptions",
    "Expectation",
    "JudgeCard",
    "RedTeam",
    "RedTeamOptions",
    "State",
    "Suite",
    "Thresholds",
    "ToolDefinition",
    "Transform",
    "Verdict",
    "carried",
    "carrier_names",
    "judge",
    "judge_card",
    "load_suite",
    "rewrite",
    "suite_names",
    "transform",
    "transform_names",
    "valid",
]
