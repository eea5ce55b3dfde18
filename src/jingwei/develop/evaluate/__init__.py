"""Red teaming: suites of attacks, transforms, a three-state judge and the check that runs them."""

from jingwei.develop.evaluate.judge import Answer, State, Verdict, judge
from jingwei.develop.evaluate.redteam import RedTeam, RedTeamOptions
from jingwei.develop.evaluate.report import Thresholds
from jingwei.develop.evaluate.rubric import JudgeCard, judge_card
from jingwei.develop.evaluate.suite import Case, Expectation, Suite, ToolDefinition, load_suite, suite_names
from jingwei.develop.evaluate.transforms import Transform, rewrite, transform, transform_names

__all__ = [
    "Answer",
    "Case",
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
    "judge",
    "judge_card",
    "load_suite",
    "rewrite",
    "suite_names",
    "transform",
    "transform_names",
]
