"""Whether a text gives a model orders that its user is not meant to see; the words are data, in both languages."""

import re
from functools import lru_cache

from jingwei.core.package_data import package_data

_LONGEST = 20_000
_WORD = re.compile(r"[^\W\d_]{2,}")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_STRONG = frozenset({"override", "exfiltration", "sabotage"})
_KINDS = _STRONG | {"secrecy", "promotion"}
_DEEDS = frozenset({"exfiltration", "sabotage"})
_MANY_WORDS, _MANY_CHARACTERS = 5, 8


@lru_cache(maxsize=1)
def _patterns() -> dict[str, re.Pattern[str]]:
    lists: dict[str, list[str]] = package_data(__package__, "instructions.yaml")
    return {kind: re.compile("|".join(patterns), re.IGNORECASE | re.MULTILINE) for kind, patterns in lists.items()}


def orders(text: str) -> frozenset[str]:
    """Return which kinds of orders a text gives."""
    text = text[:_LONGEST]
    return frozenset(
        kind
        for kind, pattern in _patterns().items()
        if kind != "negation"
        and any(kind not in _DEEDS or not _forbidden(text, found.start()) for found in pattern.finditer(text))
    )


def _forbidden(text: str, at: int) -> bool:
    """Tell whether what stands at a place is forbidden there, not ordered: "never give wrong figures"."""
    return _patterns()["negation"].search(text[max(0, at - 30) : at]) is not None


def harm(text: str) -> bool:
    """Tell whether a text is plainly meant against whoever talks to the model, wherever it stands."""
    kinds = orders(text) - {"address"}
    return len(kinds & _KINDS) >= 2 or (bool(kinds & _STRONG) and "command" in kinds)


def doubtful(text: str) -> bool:
    """Tell whether a person should look at a text that is said to everybody."""
    return bool(orders(text) & (_STRONG | {"secrecy", "advert"}))


def prose(text: str) -> bool:
    """Tell whether a text is a sentence rather than a mark."""
    return len(_WORD.findall(text)) >= _MANY_WORDS or len(_CHINESE.findall(text)) >= _MANY_CHARACTERS
