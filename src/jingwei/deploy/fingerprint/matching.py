"""Whether an answer is what a rule wants; pure functions over values."""

import base64
import binascii
import re
from contextlib import suppress
from itertools import islice

from jingwei.core.canonical import Json
from jingwei.deploy.fingerprint.answer import Answer
from jingwei.deploy.fingerprint.rule import VersionAt, Wanted

_KINDS: dict[str, type | tuple[type, ...]] = {
    "<object>": dict, "<list>": list, "<text>": str, "<number>": (int, float), "<flag>": bool,
}  # fmt: skip
_LONGEST_VALUE = 4096
_LOGIN_PAGES = frozenset({401, 403})
_ENCODED = re.compile(r"[\"']([A-Za-z0-9+/]{24,4096}={0,2})[\"']")
_MOST_ENCODED = 20


def holds(wanted: Wanted, answer: Answer) -> bool:
    """Tell whether an answer is what is wanted; the path is not looked at."""
    return (
        (not wanted.status or answer.status in wanted.status or _is_login_page(wanted, answer))
        and (not wanted.title or re.fullmatch(wanted.title, answer.title) is not None)
        and (not wanted.text or re.fullmatch(wanted.text, answer.text.strip()) is not None)
        and (not wanted.body or re.search(wanted.body, answer.text) is not None)
        and _says(answer, wanted.words)
        and all(_has(answer, place, pattern) for place, pattern in wanted.value.items())
        and all(re.search(pattern, answer.header(name)) for name, pattern in wanted.header.items())
        and _heads(answer, wanted.heads)
        and (not wanted.moved or any(re.search(wanted.moved, each) for each in answer.moved))
        and (not wanted.icon or answer.sha256 in wanted.icon)
    )


def _is_login_page(wanted: Wanted, answer: Answer) -> bool:
    """Tell whether a page that asks for a login is the one wanted: its title names its product all the same."""
    return bool(wanted.title) and wanted.status == (200,) and answer.status in _LOGIN_PAGES


def version_in(at: VersionAt, answer: Answer) -> str:
    """Return the version that an answer tells, or nothing."""
    if answer.status != 200 and not at.header:
        return ""
    if at.value:
        told = [str(each)[:_LONGEST_VALUE] for each in answer.at(at.value) if isinstance(each, (str, int, float))]
        found = next((match for each in told if (match := re.fullmatch(at.pattern, each.strip()))), None)
    elif at.header:
        found = re.search(at.pattern, answer.header(at.header))
    else:
        found = re.search(at.pattern, _decoded(answer.text) if at.encoded else answer.text)
    version = found[1][:64] if found else ""
    return "" if version in at.ignore else version


def _decoded(text: str) -> str:
    """Return what stands in Base64 in a page, as settings that its program reads do."""
    found = []
    for each in islice(_ENCODED.finditer(text), _MOST_ENCODED):
        with suppress(binascii.Error):
            found.append(base64.b64decode(each[1], validate=True).decode("utf-8", "replace"))
    return "\n".join(found)


def _says(answer: Answer, words: tuple[str, ...]) -> bool:
    if not words:
        return True
    folded = answer.text.casefold()
    return all(word.casefold() in folded for word in words)


def _heads(answer: Answer, words: tuple[str, ...]) -> bool:
    if not words:
        return True
    lines = "\n".join(f"{name}: {value}" for name, value in answer.headers).casefold()
    return all(word.casefold() in lines for word in words)


def _has(answer: Answer, place: str, pattern: str) -> bool:
    return any(_is(value, pattern) for value in answer.at(place))


def _is(value: Json, pattern: str) -> bool:
    if pattern == "<any>":
        return True
    if pattern in _KINDS:
        return isinstance(value, _KINDS[pattern]) and (pattern != "<number>" or not isinstance(value, bool))
    if isinstance(value, bool):
        value = "true" if value else "false"
    if value is None or isinstance(value, (dict, list)):
        return False
    return re.fullmatch(pattern, str(value)[:_LONGEST_VALUE]) is not None
