"""What a data scan can be told."""

from typing import ClassVar

from pydantic import Field

from jingwei.core.check import CheckOptions


class DataScanOptions(CheckOptions):
    """Limits of a data scan; a share is of all rows that could be read."""

    tunable: ClassVar[frozenset[str]] = frozenset({"seed", "words"})

    fields: tuple[str, ...] = ()
    """Columns or top-level keys to read; none means all text of a row."""
    words: tuple[str, ...] = ()
    """Keywords that the organisation adds."""
    allowed_words: tuple[str, ...] = ()
    """Phrases in which no keyword is flagged."""
    threshold: float = Field(default=0.5, ge=0, le=1)
    """Hits scored below this count nowhere: in no measure, and in no finding."""
    max_pii_share: float = Field(default=0.0, ge=0, le=1)
    max_secret_share: float = Field(default=0.0, ge=0, le=1)
    max_keyword_share: float = Field(default=0.01, ge=0, le=1)
    max_injection_share: float = Field(default=0.001, ge=0, le=1)
    max_harm_share: float = Field(default=0.01, ge=0, le=1)
