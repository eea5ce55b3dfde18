"""Static rules over code in nine languages: by patterns, by syntax tree for Python, each with its CWE.

The rules are data (`rules.yaml`, `python.yaml`). A pattern looks at the code without comments, or (`bare: true`)
without what stands in strings as well; `unless` anywhere in the code, or `unless_line` near the find, takes it back.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from jingwei.core.package_data import package_data
from jingwei.core.text import Both
from jingwei.develop.evaluate.code.bare import without_comments, without_strings
from jingwei.develop.evaluate.code.blocks import LANGUAGES
from jingwei.develop.evaluate.code.python_tree import python_weaknesses

_LONGEST, _MOST = 20_000, 100
"""Characters of a piece of code that are read, and finds that are kept."""
_LONGEST_LINE = 2_000
_SCRIPT = re.compile(r"<script\b[^>]{0,300}>([\s\S]*?)(?:</script>|\Z)", re.IGNORECASE)


class Weakness(NamedTuple):
    """One find."""

    rule: str
    cwe: str
    line: int


class _Rule(NamedTuple):
    id: str
    cwe: str
    patterns: tuple[re.Pattern[str], ...]
    unless: tuple[re.Pattern[str], ...]
    unless_line: tuple[re.Pattern[str], ...]
    bare: bool


@lru_cache(maxsize=1)
def _source() -> Mapping[str, Any]:
    found: Mapping[str, Any] = package_data(__package__, "rules.yaml")
    return found


@lru_cache(maxsize=1)
def _rules() -> Mapping[str, tuple[_Rule, ...]]:
    return {
        language: tuple(_compiled(each) for each in _source()["rules"] if language in each["languages"])
        for language in LANGUAGES
    }


def _compiled(source: Mapping[str, Any]) -> _Rule:
    def patterns(name: str) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(each, re.MULTILINE) for each in source.get(name, ()))

    return _Rule(source["id"], source["cwe"], patterns("find"), patterns("unless"), patterns("unless_line"),
                 bool(source.get("bare")))  # fmt: skip


def weakness_name(cwe: str) -> Both:
    """Return what a weakness is called."""
    return Both(**_source()["names"].get(cwe, {"zh": cwe, "en": cwe}))


@lru_cache(maxsize=1)
def _places() -> Mapping[str, Mapping[str, str]]:
    found: Mapping[str, Any] = package_data(__package__, "places.yaml")
    return found


def place_name(place: str) -> Both:
    """Return what a language, scenario or attack of the grid is called; one of a user's suite goes by its id."""
    return Both(**_places().get(place, {"zh": place, "en": place}))


def weaknesses(code: str, language: str) -> tuple[Weakness, ...]:
    """Find weaknesses in a piece of code; nothing of it is run. Languages without rules find nothing."""
    if language not in LANGUAGES:
        return ()
    read = "\n".join(line[:_LONGEST_LINE] for line in code[:_LONGEST].expandtabs(4).splitlines())
    found = list(_patterned(read, language)) if language != "python" else _python(read)
    if language in {"html", "php"}:
        for script in _SCRIPT.finditer(read):
            first = read.count("\n", 0, script.start(1))
            found += [
                each._replace(line=each.line + first)
                for each in _patterned(script[1], "javascript")
            ]  # fmt: skip
    return tuple(sorted(dict.fromkeys(found), key=lambda each: (each.line, each.rule))[:_MOST])


def _python(code: str) -> list[Weakness]:
    """Look at the syntax tree, and at the text of the lines that could not be parsed."""
    found, read = python_weaknesses(code)
    trees = [Weakness(rule, cwe, line) for rule, cwe, line in found]
    if read >= code.count("\n") + 1:
        return trees
    return [*trees, *(each for each in _patterned(code, "python") if each.line > read)]


def _patterned(code: str, language: str) -> Iterator[Weakness]:
    spoken, bare = without_comments(code, language), without_strings(code, language)
    for rule in _rules()[language]:
        text = bare if rule.bare else spoken
        if any(each.search(spoken) for each in rule.unless):
            continue
        for line in _lines(rule, text):
            yield Weakness(rule.id, rule.cwe, line)


def _lines(rule: _Rule, text: str) -> Sequence[int]:
    """Return the lines on which a rule finds something, each once."""
    found: dict[int, None] = {}
    for pattern in rule.patterns:
        for match in pattern.finditer(text):
            begin = text.rfind("\n", 0, match.start()) + 1
            end = text.find("\n", match.end())
            around = text[begin : end if end >= 0 else len(text)]
            if not any(each.search(around) for each in rule.unless_line):
                place = match.start() + len(match[0]) - len(match[0].lstrip())
                found[text.count("\n", 0, place) + 1] = None
            if len(found) >= _MOST:
                return list(found)
    return list(found)
