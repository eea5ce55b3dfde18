"""Agents: MCP servers, tools, skills and rule files, read as a model reads them (Blue Book 四(三) 代码安全, 四(四))."""

from jingwei.deploy.agents.check import AgentScan
from jingwei.deploy.agents.scanner import Options, pin, scan

__all__ = ["AgentScan", "Options", "pin", "scan"]
