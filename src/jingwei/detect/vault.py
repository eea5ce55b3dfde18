r"""The vault: placeholders that can be taken back, for one session.

    text, hits ──conceal──► "Call [PHONE_1]" ──model──► "I called [PHONE_1]." ──restore──► the number again

A value has one placeholder for the whole session, so that a model can tell two people apart. Models change what they
repeat: brackets of another kind or width, blanks, case, traditional characters and Markdown's backslashes are all
read back. Text that already looks like a placeholder is concealed as well, as a value of its own; so whoever writes
`[PHONE_1]` into a prompt or a document gets back what he wrote, and never another value.

Values lie in memory encrypted with the session's key, under a keyed hash; they are never written anywhere.
"""

import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from jingwei.core.text import Both, Language, text
from jingwei.detect.hit import Hit
from jingwei.detect.normalize import fold
from jingwei.detect.redact import placeholder
from jingwei.detect.rule import rule_file

KEY_BYTES = 32
MOST_VALUES = 10_000
LONGEST_VALUE = 8_192
LONGEST_PLACEHOLDER = 96
"""Characters of the longest placeholder that is read back, with all that a model may have put into it."""

_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_OPEN = "\\[({<\u3010\u3014\u300c\u300e\u300a"
_CLOSE = "\\])}>\u3011\u3015\u300d\u300f\u300b"
_BETWEEN = r"[\s_\\-]{0,3}"
_LEFT_OUT = re.compile(r"[\s_\\-]+")
_DIGITS = re.compile(r"[0-9]{1,6}")


class _Region(NamedTuple):
    start: int
    end: int
    rule_id: str
    """Empty for text that only looks like a placeholder."""


class Vault:
    """What one session has concealed; safe to share between threads."""

    def __init__(self, key: bytes | None = None, *, most_values: int = MOST_VALUES) -> None:
        """Open an empty vault.

        Args:
            key: 32 random bytes of this session; made here where none is given.
            most_values: values beyond these are redacted for good.
        """
        self._key = key if key is not None else secrets.token_bytes(KEY_BYTES)
        self._cipher = ChaCha20Poly1305(self._key)
        self._most = most_values
        self._names: dict[bytes, str] = {}
        self._values: dict[str, bytes] = {}
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return how many values are kept."""
        return len(self._values)

    def conceal(self, said: str, hits: Iterable[Hit]) -> str:
        """Put a placeholder in the place of each hit; overlapping hits become one."""
        language: Language = "zh" if _HAN.search(said) else "en"
        pieces: list[str] = []
        done = 0
        for region in _regions(said, hits):
            pieces += [said[done : region.start], self._name(said[region.start : region.end], region.rule_id, language)]
            done = region.end
        return "".join(pieces) + said[done:]

    def restore(self, said: str) -> str:
        """Put every value back that this session has concealed; what looks like a placeholder and is none stays."""
        pieces: list[str] = []
        done = 0
        for start, end, name in _named(said):
            value = self._value(name)
            if value is not None:
                pieces += [said[done:start], value]
                done = end
        return "".join(pieces) + said[done:]

    def _name(self, value: str, rule_id: str, language: Language) -> str:
        label = label_of(rule_id).of(language)
        digest = hmac.digest(self._key, value.encode("utf-8", "surrogatepass"), hashlib.sha256)
        with self._lock:
            known = self._names.get(digest)
            if known is not None:
                return known
            if len(self._values) >= self._most or len(value) > LONGEST_VALUE:
                return placeholder(rule_id or "text.text")
            count = self._counts[_bare(label)] = self._counts.get(_bare(label), 0) + 1
            name = f"[{label}_{count}]"
            nonce = secrets.token_bytes(12)
            kept = f"{_bare(label)}{count}"
            sealed = self._cipher.encrypt(nonce, value.encode("utf-8", "surrogatepass"), kept.encode())
            self._values[kept] = nonce + sealed
            self._names[digest] = name
        return name

    def _value(self, name: str) -> str | None:
        sealed = self._values.get(name)
        if sealed is None:
            return None
        try:
            return self._cipher.decrypt(sealed[:12], sealed[12:], name.encode()).decode("utf-8", "surrogatepass")
        except InvalidTag:  # not what was put in: nothing is better than anything else
            return None


class RestoringStream:
    """Restores a stream: holds back the beginning of a placeholder until it is whole or turns out to be none."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._held = ""

    def feed(self, piece: str) -> str:
        """Take the next piece; return what may leave, restored."""
        whole = self._held + piece
        safe = _unfinished(whole)
        self._held = whole[safe:]
        return self._vault.restore(whole[:safe])

    def finish(self) -> str:
        """Tell that nothing follows; return the rest."""
        rest, self._held = self._held, ""
        return self._vault.restore(rest)


@lru_cache
def labels() -> dict[str, Both]:
    """Return the label of every rule of personal information and secrets, by the rule's id."""
    rules = [*rule_file("pii").rules, *rule_file("secrets").rules]
    return {rule.id: rule.label or text("detect:secret-label") for rule in rules}


def label_of(rule_id: str) -> Both:
    """Return what stands in a placeholder for a rule, in both languages."""
    return labels().get(rule_id) or text("detect:text-label")


def _regions(said: str, hits: Iterable[Hit]) -> list[_Region]:
    """Return what to conceal, in order and apart; the first of overlapping hits gives the label."""
    regions = [_Region(hit.start, hit.end, hit.rule_id) for hit in hits]
    regions += [_Region(start, end, "") for start, end, _ in _named(said)]
    merged: list[_Region] = []
    for region in sorted(regions, key=lambda each: (each.start, -each.end)):
        if merged and region.start < merged[-1].end:
            before = merged.pop()
            rule_id = before.rule_id or region.rule_id
            region = _Region(before.start, max(before.end, region.end), rule_id)  # noqa: PLW2901 - the two are one now
        merged.append(region)
    return merged


def _bare(label: str) -> str:
    return _LEFT_OUT.sub("", label).lower()


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    spoken = [*labels().values(), text("detect:secret-label"), text("detect:text-label")]
    return frozenset(_bare(label) for both in spoken for label in (both.zh, both.en))


@lru_cache(maxsize=1)
def _beginnings() -> frozenset[str]:
    return frozenset(label[:length] for label in _known() for length in range(len(label) + 1))


@lru_cache(maxsize=1)
def _looks_so() -> re.Pattern[str]:
    spelled = "|".join(
        "".join(f"{re.escape(each)}{_BETWEEN if place < len(label) - 1 else ''}" for place, each in enumerate(label))
        for label in sorted(_known(), key=len, reverse=True)
    )
    inner = rf"{_BETWEEN}({spelled}){_BETWEEN}([0-9]{{1,6}})"
    return re.compile(rf"\\[{_OPEN}]{inner}\s?\\[{_CLOSE}]|[{_OPEN}]{inner}[\s_-]{{0,3}}[{_CLOSE}]", re.IGNORECASE)


def _named(said: str) -> Iterator[tuple[int, int, str]]:
    """Find what looks like a placeholder: where, and by which name it would be kept."""
    folded = fold(said)
    if not any(each in folded.clean for each in "])}>\u3011\u3015\u300d\u300f\u300b"):
        return
    for match in _looks_so().finditer(folded.clean):
        start, end = folded.span(*match.span())
        if end - start <= LONGEST_PLACEHOLDER:
            label, number = (group for group in match.groups() if group is not None)
            yield start, end, f"{_bare(label)}{int(number)}"


def _unfinished(said: str) -> int:
    """Return where the placeholder begins that the end of a text may be the beginning of."""
    tail = said[-LONGEST_PLACEHOLDER:]
    folded = fold(tail)
    match = _begun().search(folded.clean)
    if match is None:
        return len(said)
    inner = _LEFT_OUT.sub("", match["inner"] or "").lower()
    label = _DIGITS.sub("", inner, count=1) if inner[-1:].isdigit() else inner
    if inner not in _beginnings() and label not in _known():
        return len(said)
    return len(said) - len(tail) + folded.span(match.start(), match.end())[0]


@lru_cache(maxsize=1)
def _begun() -> re.Pattern[str]:
    return re.compile(rf"(?:\\?[{_OPEN}](?P<inner>[^{_OPEN}{_CLOSE}]*)|\\)\Z")
