"""Dialects: other shapes of the same conversation. The guard judges one form, and so does every caller's question."""

from jingwei.faces.gateway.dialects.translated import Dialect, Translated, dialect_of

__all__ = ["Dialect", "Translated", "dialect_of"]
