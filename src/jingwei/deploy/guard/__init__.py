"""The guard: what may pass between people, a model and its tools. The gateway is its network face."""

from jingwei.core.configuration import deployment_digest
from jingwei.deploy.guard.compile import Enforced, compile_policy, weaker_points
from jingwei.deploy.guard.configuration import gateway_version
from jingwei.deploy.guard.guard import Guard
from jingwei.deploy.guard.passages import Passage, extract_texts, rewrite
from jingwei.deploy.guard.streaming import Release, StreamGuard
from jingwei.deploy.guard.verdict import GuardFinding, GuardVerdict, Unjudged

__all__ = [
    "Enforced",
    "Guard",
    "GuardFinding",
    "GuardVerdict",
    "Passage",
    "Release",
    "StreamGuard",
    "Unjudged",
    "compile_policy",
    "deployment_digest",
    "extract_texts",
    "gateway_version",
    "rewrite",
    "weaker_points",
]
