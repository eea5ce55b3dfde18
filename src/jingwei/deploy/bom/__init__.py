"""The AI-BOM: what a running AI system is made of, read without running any of it."""

from jingwei.deploy.bom.check import AiBom, AiBomOptions
from jingwei.deploy.bom.component import Component
from jingwei.deploy.bom.document import completeness, write_bom

__all__ = ["AiBom", "AiBomOptions", "Component", "completeness", "write_bom"]
