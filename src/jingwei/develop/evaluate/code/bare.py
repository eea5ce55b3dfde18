"""Code without its comments, and without what stands in its strings; every place stays where it was."""

import re
from functools import lru_cache

_STRING = r"\"(?:\\.|[^\"\\\n])*\"?|'(?:\\.|[^'\\\n])*'?"
_BY_LANGUAGE = {
    "bash": (r"(?:(?<=\s)|^)#[^\n]*", r"\"(?:\\.|[^\"\\])*\"?|'[^']*'?"),
    "c": (r"//[^\n]*|/\*[\s\S]*?(?:\*/|\Z)", _STRING),
    "go": (r"//[^\n]*|/\*[\s\S]*?(?:\*/|\Z)", rf"{_STRING}|`[^`]*`?"),
    "html": (r"<!--[\s\S]*?(?:-->|\Z)", r"(?!)"),
    "java": (r"//[^\n]*|/\*[\s\S]*?(?:\*/|\Z)", rf"\"\"\"[\s\S]*?(?:\"\"\"|\Z)|{_STRING}"),
    "javascript": (r"(?<![:\\\w])//[^\n]*|/\*[\s\S]*?(?:\*/|\Z)", rf"{_STRING}|`(?:\\.|[^`\\])*`?"),
    "php": (r"(?<![:\\])//[^\n]*|#(?!\[)[^\n]*|/\*[\s\S]*?(?:\*/|\Z)", r"\"(?:\\.|[^\"\\])*\"?|'(?:\\.|[^'\\])*'?"),
    "python": (r"#[^\n]*", rf"\"\"\"[\s\S]*?(?:\"\"\"|\Z)|'''[\s\S]*?(?:'''|\Z)|{_STRING}"),
    "sql": (r"--[^\n]*|/\*[\s\S]*?(?:\*/|\Z)", r"'(?:''|[^'])*'?"),
}


@lru_cache
def _lexer(language: str) -> re.Pattern[str]:
    comment, string = _BY_LANGUAGE[language]
    return re.compile(rf"(?P<comment>{comment})|(?P<string>{string})", re.MULTILINE)


def without_comments(code: str, language: str) -> str:
    """Blank the comments."""
    return _lexer(language).sub(lambda found: _blank(found[0]) if found["comment"] is not None else found[0], code)


def without_strings(code: str, language: str) -> str:
    """Blank the comments and what stands in strings; the quotes stay."""
    return _lexer(language).sub(
        lambda found: _blank(found[0]) if found["comment"] is not None else _hollow(found[0]), code
    )


def _blank(part: str) -> str:
    return re.sub(r"[^\n]", " ", part)


def _hollow(part: str) -> str:
    return part if len(part) < 3 else part[0] + _blank(part[1:-1]) + part[-1]
