"""Weaknesses in code that a model wrote: found without running any of it."""
