"""Live lexicons on this side: the words that a snapshot tells, compiled for the policies that name them.

A base of many words is loaded once from its file beside the snapshot, and only where its SHA-256 is the one told; what
changed since comes in the snapshot itself. Only that is compiled, so a word is enforced a moment after it was told.
"""

import threading
from collections.abc import Collection, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from jingwei.core.errors import InputError, Tampered, Unavailable
from jingwei.core.policy import Policy
from jingwei.core.snapshot import LEXICONS, LiveLexicon
from jingwei.detect.lexicon import Base, Given, Lexicon, folded_word
from jingwei.detect.wordlist import load

LARGEST_BASE = 2 * 1024 * 1024 * 1024


def told_for(lexicons: Sequence[LiveLexicon], policy: Policy) -> tuple[LiveLexicon, ...]:
    """Return the lexicons that apply: those the policy names, and the System's own."""
    wanted = {*policy.lexicons, policy.system_id}
    return tuple(each for each in lexicons if each.name in wanted)


def written(told: Sequence[LiveLexicon]) -> str:
    """Return what an event says of them."""
    return ",".join(f"{each.name}@{each.version}" for each in told)


class LiveWords:
    """Compiles lexicons and holds their bases; safe to share between threads.

    Args:
        snapshot_path: the base files lie beside it.
    """

    def __init__(self, snapshot_path: Path) -> None:
        self._folder = snapshot_path.with_name(LEXICONS)
        self._bases: dict[str, Base] = {}
        self._lock = threading.Lock()

    def lexicon(self, told: Sequence[LiveLexicon], policy: Policy) -> Lexicon:
        """Compile the words of a policy and of its live lexicons.

        Raises:
            Unavailable: a base file is not there.
            Tampered: a base file is not what the platform signed for.
        """
        bases = [self._base(each.base) if each.base else None for each in told]
        words: list[Given] = [*policy.given_words, *(pair for each in told for pair in each.added)]
        return Lexicon(words, allowed=policy.allowed_words, bases=[each for each in bases if each],
                       removed=_removed(told, bases, words))  # fmt: skip

    def keep(self, digests: Collection[str]) -> None:
        """Let go of every other base."""
        with self._lock:
            self._bases = {digest: base for digest, base in self._bases.items() if digest in digests}

    def _base(self, digest: str) -> Base:
        with self._lock:
            if digest not in self._bases:
                self._bases[digest] = self._loaded(digest)
            return self._bases[digest]

    def _loaded(self, digest: str) -> Base:
        path = self._folder / f"{digest}.words"
        try:
            if path.stat().st_size > LARGEST_BASE:
                raise Tampered("faces.gateway:base-changed", name=path.name)
            image = path.read_bytes()
        except OSError as error:
            raise Unavailable("faces.gateway:base-unreadable", name=path.name) from error
        if sha256(image).hexdigest() != digest:  # before anything of it is read
            raise Tampered("faces.gateway:base-changed", name=path.name)
        return Base(digest, load(image))


def _removed(told: Sequence[LiveLexicon], bases: Sequence[Base | None], words: Sequence[Given]) -> set[str]:
    """Return the removed words that nothing else holds: a lexicon takes away what it brought itself, and no more."""
    removed: set[str] = set()
    for number, each in enumerate(told):
        if each.removed:
            others = [base for place, base in enumerate(bases) if base and place != number]
            known = Lexicon(words, bases=others)
            removed.update(word for word in each.removed if not _holds(known, word))
    return removed


def _holds(lexicon: Lexicon, word: str) -> bool:
    with suppress(InputError):
        plain = folded_word(word, field="removed")
        return any(hit.start == 0 and hit.end == len(plain) for hit in lexicon.scan(plain))
    return True
