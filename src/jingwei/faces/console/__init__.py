"""The console: server-rendered pages that work without script, in both languages, under a strict policy."""

from jingwei.faces.console.app import console

__all__ = ["console"]
