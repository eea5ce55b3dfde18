"""Python code, read without being run: where it lets a model, a user or a document decide too much."""

from jingwei.deploy.code.python.audit import Audited, PythonSource, audit

__all__ = ["Audited", "PythonSource", "audit"]
