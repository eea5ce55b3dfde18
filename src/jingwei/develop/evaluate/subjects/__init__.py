"""Subjects: the things that can be put under test, each behind the one protocol (`exchange.Subject`)."""

from jingwei.develop.evaluate.subjects.openai import OpenAiSubject

__all__ = ["OpenAiSubject"]
