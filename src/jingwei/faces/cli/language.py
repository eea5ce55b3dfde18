"""Which of the two languages the terminal speaks: `--lang`, then `JINGWEI_LANG`, then the locale."""

import os
import sys
from functools import lru_cache

from jingwei.core.text import Language, text


@lru_cache
def current() -> Language:
    """Return the language of this process; read before click parses, because help texts need it."""
    arguments = sys.argv[1:]
    for index, argument in enumerate(arguments):
        if argument == "--lang" and index + 1 < len(arguments):
            return _language(arguments[index + 1])
        if argument.startswith("--lang="):
            return _language(argument.removeprefix("--lang="))
    for name in ("JINGWEI_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return _language(value)
    return "en"


def _language(value: str) -> Language:
    return "zh" if value.lower().startswith("zh") else "en"


def say(key: str, **values: object) -> str:
    """Return a text of the terminal's own catalogue in the current language."""
    return text(f"faces.cli:{key}", **values).of(current())
