"""The catalogue's messages: each is used, each place it fills is in both languages."""

import re
from importlib.resources import files

import pytest

from jingwei.core.text import texts

CODE = "\n".join(
    path.read_text(encoding="utf-8") for path in files("jingwei.catalog").iterdir() if path.name.endswith(".py")
)


@pytest.mark.parametrize("name", texts("catalog"))
def test_a_message_is_used_and_fills_the_same_places_in_both_languages(name):
    message = texts("catalog")[name]
    places = [sorted(re.findall(r"\{(\w+)\}", message.of(language))) for language in ("zh", "en")]
    assert places[0] == places[1]
    assert "key" not in places[0], "the text function's own argument"
    assert f"catalog:{name}" in CODE or f'"{name.removeprefix("kind-")}"' in CODE


def test_every_message_that_the_code_names_exists():
    named = set(re.findall(r'"catalog:([a-z0-9-]+)"', CODE))
    assert named <= set(texts("catalog"))
