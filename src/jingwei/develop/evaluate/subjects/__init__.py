"""Subjects: the things that can be put under test, each behind the one protocol (`exchange.Subject`)."""

from jingwei.develop.evaluate.subjects.anthropic import AnthropicSubject
from jingwei.develop.evaluate.subjects.app import AppSubject
from jingwei.develop.evaluate.subjects.function import FunctionSubject
from jingwei.develop.evaluate.subjects.mcp import McpSubject
from jingwei.develop.evaluate.subjects.openai import OpenAiSubject

__all__ = ["AnthropicSubject", "AppSubject", "FunctionSubject", "McpSubject", "OpenAiSubject"]
