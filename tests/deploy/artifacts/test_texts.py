"""Every note that the code can make has its texts, and gives what they ask for."""

import ast
import string
from pathlib import Path

import pytest

import jingwei.deploy.artifacts
from jingwei.core.text import texts
from jingwei.deploy.artifacts.notes import rules

SOURCES = sorted(Path(jingwei.deploy.artifacts.__file__).parent.glob("*.py"))
CALLS = [
    (node.args[0].value, {keyword.arg for keyword in node.keywords} - {"severity", None})
    for source in SOURCES
    for node in ast.walk(ast.parse(source.read_text()))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name) and node.args
    and getattr(node.func, "attr", getattr(node.func, "id", "")) in {"find", "gap"}
    and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str) and node.args[0].value[0].isalpha() and len(node.args) > 1
]  # fmt: skip


def places(key: str) -> set[str]:
    both = texts("deploy.artifacts")[key]
    return {name for text in (both.zh, both.en) for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("rule", rules())
def test_every_rule_has_its_texts_in_both_languages(rule):
    name = rule.replace(".", "-")

    assert {name, f"{name}-detail", f"remedy-{rules()[rule].remedy}"} <= set(texts("deploy.artifacts"))


@pytest.mark.parametrize(("what", "given"), CALLS, ids=[f"{number}-{what}" for number, (what, _) in enumerate(CALLS)])
def test_every_note_gives_what_its_text_asks_for(what, given):
    key = what if what.startswith("gap-") else f"{what.replace('.', '-')}-detail"

    assert places(key) - {"path"} <= given


def test_the_calls_were_found():
    assert len(CALLS) > 60
