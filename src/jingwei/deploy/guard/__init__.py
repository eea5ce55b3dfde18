"""The guard: what may pass between people, a model and its tools. The gateway is its network face."""

from jingwei.core.configuration import deployment_digest
from jingwei.deploy.guard.compile import Enforced, compile_policy, weaker_points
from jingwei.deploy.guard.configuration import gateway_version
from jingwei.deploy.guard.guard import Guard, with_lexicon
from jingwei.deploy.guard.holding import Holding, take_readable
from jingwei.deploy.guard.loosening import loosens
from jingwei.deploy.guard.passages import Passage, extract_texts, rewrite
from jingwei.deploy.guard.sessions import Caller, Sessions
from jingwei.deploy.guard.stages import glance
from jingwei.deploy.guard.streaming import Release, StreamGuard
from jingwei.deploy.guard.taint import Label, labels_found, labels_of_messages, labels_of_result
from jingwei.deploy.guard.tool_call import ToolCall, ToolContext, ToolDecision, definition_digest
from jingwei.deploy.guard.tools import Toolbox
from jingwei.deploy.guard.verdict import GuardFinding, GuardVerdict, Unjudged
from jingwei.deploy.guard.watch import Binding, approval_for, is_watched

__all__ = [
    "Binding",
    "Caller",
    "Enforced",
    "Guard",
    "GuardFinding",
    "GuardVerdict",
    "Holding",
    "Label",
    "Passage",
    "Release",
    "Sessions",
    "StreamGuard",
    "ToolCall",
    "ToolContext",
    "ToolDecision",
    "Toolbox",
    "Unjudged",
    "approval_for",
    "compile_policy",
    "definition_digest",
    "deployment_digest",
    "extract_texts",
    "gateway_version",
    "glance",
    "is_watched",
    "labels_found",
    "labels_of_messages",
    "labels_of_result",
    "loosens",
    "rewrite",
    "take_readable",
    "weaker_points",
    "with_lexicon",
]
