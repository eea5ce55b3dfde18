"""Checks of the guard in place: what it catches, what it enforces, what agents may do, what is recorded."""

from jingwei.deploy.guard.checks.agent import AgentLog, AgentPermissions
from jingwei.deploy.guard.checks.enforcement import GuardConfig
from jingwei.deploy.guard.checks.measurement import GuardTest
from jingwei.deploy.guard.checks.second import SecondCheck

__all__ = ["AgentLog", "AgentPermissions", "GuardConfig", "GuardTest", "SecondCheck"]
