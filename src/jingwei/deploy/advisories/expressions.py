"""Version rules of AI components, `version >= "1.0" && version < "2.0" || version == "2.1"`, turned into ranges.

`&&` binds before `||`, parentheses before both. `is_internal` says how a service is reached, nothing about its version:
a rule made of it alone gives no range. What cannot be read is refused, never half understood.
"""

import re
from collections.abc import Sequence

_TOKEN = re.compile(r'\s*(?:(\()|(\))|(&&)|(\|\|)|(version|is_internal)\s*(<=|>=|==|!=|~=|<|>|=)\s*"([^"]{0,100})")')
_MOST_TOKENS = 400
_MOST_RANGES = 200
_COMMIT = re.compile(r"(?:git )?(?=[0-9a-f]*\d)[0-9a-f]{7,40}")

Ranges = list[tuple[str, ...]]
"""Alternatives; each is a list of bounds that all have to hold."""


class NotARule(ValueError):  # noqa: N818 - the word reads better
    """The text is no rule."""


def ranges_of(rule: str) -> tuple[str, ...]:
    """Return a rule as ranges, `>=1.0,<2.0`; none where it says nothing about versions.

    Raises:
        NotARule: it cannot be read.
    """
    tokens = _tokens(rule)
    if not tokens:
        return ()
    reader = _Reader(tokens)
    found = reader.alternatives()
    if reader.at != len(tokens):
        raise NotARule
    return tuple(dict.fromkeys(",".join(dict.fromkeys(bounds)) for bounds in found if bounds))


def commit(bound: str) -> str:
    """Return the commit that a bound names; empty where it names a release."""
    found = _COMMIT.fullmatch(bound)
    return bound.removeprefix("git ") if found else ""


def _tokens(rule: str) -> list[tuple[str, ...]]:
    tokens: list[tuple[str, ...]] = []
    at = 0
    text = rule.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or len(tokens) >= _MOST_TOKENS:
            raise NotARule
        tokens.append(tuple(part for part in found.groups() if part is not None))
        at = found.end()
    return tokens


class _Reader:
    def __init__(self, tokens: Sequence[tuple[str, ...]]) -> None:
        self.tokens, self.at, self.depth = tokens, 0, 0

    def alternatives(self) -> Ranges:
        found = self.together()
        while self._next("||"):
            found = found + self.together()
            if len(found) > _MOST_RANGES:
                raise NotARule
        return found

    def together(self) -> Ranges:
        found = self.one()
        while self._next("&&"):
            other = self.one()
            if len(found) * len(other) > _MOST_RANGES:
                raise NotARule
            found = [left + right for left in found for right in other]
        return found

    def one(self) -> Ranges:
        if self._next("("):
            self.depth += 1
            if self.depth > 20:
                raise NotARule
            found = self.alternatives()
            if not self._next(")"):
                raise NotARule
            self.depth -= 1
            return found
        token = self.tokens[self.at] if self.at < len(self.tokens) else ()
        if len(token) != 3:
            raise NotARule
        self.at += 1
        subject, operator, bound = token
        if subject == "is_internal":
            return [()]
        if operator in {"!=", "~="}:
            raise NotARule
        return [(f"{'==' if operator == '=' else operator}{bound.replace(',', '')}",)]

    def _next(self, wanted: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at] == (wanted,):
            self.at += 1
            return True
        return False
