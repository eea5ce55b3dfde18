"""MCP through the gateway: an agent's tools, prompts and resources, each message read, judged and written anew."""

from jingwei.faces.gateway.mcp.events import EventReader
from jingwei.faces.gateway.mcp.mediator import Mediator
from jingwei.faces.gateway.mcp.message import Message, Problem, read_message
from jingwei.faces.gateway.mcp.proxy import PREFIX, McpProxy

__all__ = ["PREFIX", "EventReader", "McpProxy", "Mediator", "Message", "Problem", "read_message"]
