"""Audit of AI applications' code: what a model, a user or a document decides too much (Blue Book 四(三) 代码安全)."""

from jingwei.deploy.code.check import CodeAudit, CodeAuditOptions

__all__ = ["CodeAudit", "CodeAuditOptions"]
