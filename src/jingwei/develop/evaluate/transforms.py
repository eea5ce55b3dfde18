"""Attack transforms: pure functions that rewrite a request the way attackers do. Seeded, named, composable.

`role-play+base64` wraps the request in a story and then encodes the whole. A transform says which languages it fits and
gives None where it would change nothing, so that no attempt claims an attack that was not made.
"""

import base64
import codecs
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from jingwei.core.errors import InputError
from jingwei.core.text import LANGUAGES, Both, Language
from jingwei.develop.evaluate.suite import OneOrBoth

PLAIN = "plain"
_INVISIBLE = ("\u200b", "\u200c", "\u2060")


class Wordings(BaseModel):
    """The content of `transforms.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=lambda name: name.replace("_", "-"))

    title: dict[str, Both]
    base64: OneOrBoth
    rot13: OneOrBoth
    reverse: OneOrBoth
    split: OneOrBoth
    role_play: tuple[OneOrBoth, ...]
    prefix: tuple[OneOrBoth, ...]
    no_refusal: tuple[OneOrBoth, ...]
    leetspeak: dict[str, str]
    homoglyph: dict[str, str]
    chaizi: dict[str, str]
    pinyin: dict[str, str]
    traditional: str
    """Pairs of a simplified and a traditional character, separated by blanks."""


@lru_cache
def wordings() -> Wordings:
    """Return the wordings and tables."""
    source: Any = yaml.safe_load(files(__package__).joinpath("transforms.yaml").read_text(encoding="utf-8"))
    return Wordings.model_validate(source)


Rewrite = Callable[[str, Language, random.Random], str]


@dataclass(frozen=True, slots=True)
class Transform:
    """One way to rewrite a request."""

    name: str
    rewrite: Rewrite
    languages: tuple[Language, ...] = LANGUAGES

    @property
    def title(self) -> Both:
        """Return its name for people."""
        return wordings().title[self.name]


def transform_names() -> list[str]:
    """List the single transforms, `plain` first."""
    return list(_TRANSFORMS)


def transform(name: str) -> Transform:
    """Return one single transform.

    Raises:
        InputError: there is none of that name.
    """
    if name not in _TRANSFORMS:
        raise InputError("develop.evaluate:transform-unknown", field="transforms", name=name,
                         known=", ".join(_TRANSFORMS))  # fmt: skip
    return _TRANSFORMS[name]


def rewrite(chain: str, text: str, *, language: Language, seed: int) -> str | None:
    """Rewrite a request by a chain such as `role-play+base64`.

    Returns:
        The rewritten text, or None where a link of the chain does not fit the language or changes nothing.

    Raises:
        InputError: a link of the chain has an unknown name.
    """
    chance = random.Random(f"{seed}|{chain}|{text}")  # noqa: S311 - a reproducible choice, not a secret
    for name in chain.split("+"):
        link = transform(name)
        if language not in link.languages:
            return None
        changed = link.rewrite(text, language, chance)
        if changed == text and name != PLAIN:
            return None
        text = changed
    return text


def _encode_base64(text: str, language: Language, _: random.Random) -> str:
    return wordings().base64.of(language).format(text=base64.b64encode(text.encode()).decode())


def _encode_rot13(text: str, language: Language, _: random.Random) -> str:
    return wordings().rot13.of(language).format(text=codecs.encode(text, "rot13"))


def _reverse(text: str, language: Language, _: random.Random) -> str:
    return wordings().reverse.of(language).format(text=text[::-1])


def _split(text: str, language: Language, chance: random.Random) -> str:
    """Cut at two random places, so that no piece alone shows what is asked."""
    if len(text) < 3:
        return text
    first, second = sorted(chance.sample(range(1, len(text)), 2))
    return wordings().split.of(language).format(first=text[:first], second=text[first:second], third=text[second:])


def _wrapped(kind: str) -> Rewrite:
    def wrap(text: str, language: Language, chance: random.Random) -> str:
        choices: Sequence[OneOrBoth] = getattr(wordings(), kind)
        return chance.choice(choices).of(language).format(text=text)

    return wrap


def _leetspeak(text: str, _: Language, __: random.Random) -> str:
    table = wordings().leetspeak
    return "".join(table.get(each.lower(), each) for each in text)


def _homoglyph(text: str, _: Language, chance: random.Random) -> str:
    table = wordings().homoglyph
    return "".join(table[each] if each in table and chance.random() < 0.6 else each for each in text)


def _zero_width(text: str, _: Language, chance: random.Random) -> str:
    return "".join(each + (chance.choice(_INVISIBLE) if each.isalnum() else "") for each in text)


def _by_table(kind: str) -> Rewrite:
    def replace(text: str, _: Language, __: random.Random) -> str:
        table: dict[str, str] = getattr(wordings(), kind)
        return "".join(table.get(each, each) for each in text)

    return replace


def _traditional(text: str, _: Language, __: random.Random) -> str:
    return text.translate(_traditional_table())


@lru_cache
def _traditional_table() -> dict[int, str]:
    return {ord(pair[0]): pair[1] for pair in wordings().traditional.split()}


_TRANSFORMS: dict[str, Transform] = {
    each.name: each
    for each in (
        Transform(PLAIN, lambda text, _language, _chance: text),
        Transform("base64", _encode_base64),
        Transform("rot13", _encode_rot13, ("en",)),
        Transform("leetspeak", _leetspeak, ("en",)),
        Transform("zero-width", _zero_width),
        Transform("homoglyph", _homoglyph, ("en",)),
        Transform("role-play", _wrapped("role_play")),
        Transform("prefix", _wrapped("prefix")),
        Transform("split", _split),
        Transform("no-refusal", _wrapped("no_refusal")),
        Transform("reverse", _reverse),
        Transform("chaizi", _by_table("chaizi"), ("zh",)),
        Transform("pinyin", _by_table("pinyin"), ("zh",)),
        Transform("traditional", _traditional, ("zh",)),
    )
}
