"""Practices for managers, and the focus areas of research bodies, each shown by evidence."""

from jingwei.catalog.entry import Id, Requirement
from jingwei.core.text import Both


class Practice(Requirement):
    """One of the nine practices for managers."""

    questions: tuple[Both, ...]
    """What to ask to see whether it is lived."""


class FocusArea(Requirement):
    """A focus area of a research body (APAIS 2026, Zhejiang University and Ant Group 2020)."""

    body: Both
    risks: tuple[Id, ...] = ()
