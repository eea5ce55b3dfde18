"""Text in two equal languages.

Every text a person reads lives in a `text.yaml` beside the code that says it, zh and en side by side, so that
one reviewer sees both. Code names a text by its key, `"<package>:<name>"`: `"manage:gate-closed"` is the entry
`gate-closed` of `jingwei/manage/text.yaml`. Neither language may be empty.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, ClassVar, Literal

import yaml

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Both:
    """One text in Chinese and English; a gap in either is refused.

    A plain dataclass, so that the terminal can speak without importing pydantic; models take it as a field too.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    zh: str
    en: str

    def __post_init__(self) -> None:
        """Refuse an empty text.

        Raises:
            ValueError: one of the two is empty.
        """
        if not (self.zh and self.en):
            raise ValueError("both zh and en need a text")

    def of(self, language: Language) -> str:
        """Return the text in one language."""
        return self.zh if language == "zh" else self.en

    def format(self, **values: object) -> "Both":
        """Fill the `{name}` places; a value that is itself `Both` is filled in its own language."""
        return Both(zh=_filled(self.zh, "zh", values), en=_filled(self.en, "en", values))


def _filled(template: str, language: Language, values: dict[str, object]) -> str:
    return template.format_map(
        {name: value.of(language) if isinstance(value, Both) else value for name, value in values.items()}
    )


@lru_cache
def texts(package: str) -> dict[str, Both]:
    """Return every text of `jingwei.<package>` by name.

    Args:
        package: dotted path under `jingwei`, such as `"core"` or `"faces.console"`.
    """
    source = files("jingwei").joinpath(*package.split("."), "text.yaml").read_text(encoding="utf-8")
    return {name: Both(**entry) for name, entry in yaml.load(source, Loader=_Loader).items()}  # noqa: S506


# libyaml's safe loader reads a catalogue ten times faster than the pure Python one.
_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def text(key: str, /, **values: object) -> Both:
    """Return the text of a key, its places filled.

    Raises:
        KeyError: the catalogue has no such text; a test keeps this from happening.
    """
    package, _, name = key.partition(":")
    found = texts(package)[name]
    return found.format(**values) if values else found
