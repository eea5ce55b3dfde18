"""The transforms by name, and chains of them."""

import random
from functools import lru_cache

from jingwei.core.errors import InputError
from jingwei.core.text import Language
from jingwei.develop.evaluate.transforms.bytewise import bytewise
from jingwei.develop.evaluate.transforms.chinese import chinese
from jingwei.develop.evaluate.transforms.ciphers import ciphers
from jingwei.develop.evaluate.transforms.styles import styles
from jingwei.develop.evaluate.transforms.values import Transform, wordings

PLAIN = "plain"
BRIEF = (
    PLAIN, "base64", "rot13", "leetspeak", "zero-width", "homoglyph", "role-play", "prefix", "split", "no-refusal",
    "reverse", "chaizi", "pinyin", "traditional",
)  # fmt: skip
"""A few of each kind: what a short check tries."""
_LARGEST = 200_000
"""Characters that a chain may make of a request."""
_MOST_LINKS = 6


@lru_cache
def _transforms() -> dict[str, Transform]:
    made = [Transform(PLAIN, "plain"), *bytewise(), *ciphers(), *styles(), *chinese()]
    framings = wordings().keys() - {each.name for each in made}
    made += [Transform(name, "framing") for name in wordings() if name in framings]
    return {each.name: each for each in made}


def transform_names() -> list[str]:
    """List the single transforms, `plain` first."""
    return list(_transforms())


def transform(name: str) -> Transform:
    """Return one single transform.

    Raises:
        InputError: there is none of that name.
    """
    if name not in _transforms():
        raise InputError("develop.evaluate:transform-unknown", field="transforms", name=name,
                         known=", ".join(_transforms()))  # fmt: skip
    return _transforms()[name]


def links(chain: str) -> list[Transform]:
    """Return the transforms of a chain such as `role-play+base64`.

    Raises:
        InputError: a link of the chain has an unknown name.
    """
    return [transform(name) for name in chain.split("+")]


def rewrite(chain: str, text: str, *, language: Language, seed: int) -> str | None:
    """Rewrite a request by a chain such as `role-play+base64`.

    Returns:
        The rewritten text, or None where a link of the chain does not fit the language or changes nothing, or the
        chain makes too much of it.

    Raises:
        InputError: a link of the chain has an unknown name.
    """
    chance = random.Random(f"{seed}|{chain}|{text}")  # noqa: S311 - a reproducible choice, not a secret
    given = links(chain)
    if len(given) > _MOST_LINKS:
        return None
    for link in given:
        said = link.apply(text, language, chance)
        if said is None or len(said) > _LARGEST:
            return None
        text = said
    return text


def reading(chain: str, said: str, *, language: Language) -> str | None:
    """Read the request out of what a chain made of it, as a patient reader would; None where it cannot be read."""
    for link in reversed(links(chain)):
        found = _read(link, said, language)
        if found is None:
            return None
        said = found
    return said


def _read(link: Transform, said: str, language: Language) -> str | None:
    try:
        return link.read(said, language)
    except (ValueError, IndexError, KeyError, OverflowError):
        return None
