"""The HTTP API: everything a person can do, for programs that hold an API key."""

from jingwei.faces.api.app import api

__all__ = ["api"]
