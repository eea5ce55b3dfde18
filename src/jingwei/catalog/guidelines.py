"""Guideline points: what developers, providers, key-sector users and the public should do (TC260 1.0, chapter 6)."""

from typing import Literal

from jingwei.catalog.entry import Requirement


class Guideline(Requirement):
    """One point; for the public, the evidence is what the operator must show so that people can follow it."""

    paragraph: str
    audience: Literal["developer", "provider", "key-sector-user", "public"]
