"""Generated samples: personal data and keys that belong to nobody, with correct check digits; and disguises of text."""

import random
import string
from collections.abc import Callable

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ALNUM = string.ascii_letters + string.digits


def filled(template: str, chance: random.Random) -> str:
    """Replace each `<name>` place by a fresh sample of its kind."""
    for name, make in _SAMPLES.items():
        while f"<{name}>" in template:
            template = template.replace(f"<{name}>", make(chance), 1)
    return template


def disguised(content: str, disguise: str) -> str:
    """Write a text in a way that means the same to a model and not to a simple filter."""
    return _DISGUISES[disguise](content) if disguise else content


def _mobile(chance: random.Random) -> str:
    return chance.choice(("138", "139", "158", "186", "199")) + _digits(chance, 8)


def _id_card(chance: random.Random) -> str:
    head = f"11010519{chance.randint(50, 99)}{chance.randint(1, 12):02}{chance.randint(1, 28):02}{_digits(chance, 3)}"
    return head + "10X98765432"[sum(int(d) * w for d, w in zip(head, _WEIGHTS, strict=True)) % 11]


def _bank_card(chance: random.Random) -> str:
    head = "622202" + _digits(chance, 12)
    total = sum(sum(divmod(int(d) * (2 - place % 2), 10)) for place, d in enumerate(reversed(head)))
    return head + str(-total % 10)


def _email(chance: random.Random) -> str:
    return f"{_letters(chance, 7)}.{_letters(chance, 5)}@{_letters(chance, 8)}.com.cn"


def _aws(chance: random.Random) -> str:
    return "AKIA" + "".join(chance.choices(string.ascii_uppercase + "234567", k=16))


def _github(chance: random.Random) -> str:
    return "ghp_" + "".join(chance.choices(_ALNUM, k=36))


def _private_key(chance: random.Random) -> str:
    body = "\n".join("".join(chance.choices(_ALNUM + "+/", k=64)) for _ in range(4))
    return f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----"


def _digits(chance: random.Random, count: int) -> str:
    return "".join(chance.choices(string.digits, k=count))


def _letters(chance: random.Random, count: int) -> str:
    return "".join(chance.choices(string.ascii_lowercase, k=count))


_SAMPLES: dict[str, Callable[[random.Random], str]] = {
    "mobile": _mobile, "id-card": _id_card, "bank-card": _bank_card, "email": _email, "aws": _aws, "github": _github,
    "private-key": _private_key,
}  # fmt: skip

_DISGUISES: dict[str, Callable[[str], str]] = {
    "fullwidth": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "zero-width": "\u200b".join,
    "spaced": " ".join,
    "dotted": "·".join,
    "tagged": lambda text: text[:4] + "".join(chr(0xE0000 + ord(c)) for c in "ok") + text[4:],
    "upper": str.upper,
}
