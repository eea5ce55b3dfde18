"""The console's texts: all used, none missing, none written anywhere else."""

import re
from pathlib import Path

import pytest

import jingwei.faces.console
from jingwei.core.clock import utc_now
from jingwei.core.evidence import Outcome
from jingwei.core.finding import Severity
from jingwei.core.identity import Role
from jingwei.core.policy import Category, Decision
from jingwei.core.target import TargetKind
from jingwei.core.text import texts
from jingwei.faces.console.wording import Wording
from jingwei.manage import State

ROOM = Path(jingwei.faces.console.__file__).parent
TEMPLATES = sorted((ROOM / "templates").rglob("*.html"))
WORDS = texts("faces.console")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_no_words_of_their_own(path):
    source = re.sub(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", "\n", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    source = re.sub(r"<[^>]*>|[a-z-]+=\"[^\"]*\"|^(?:app|bare)$", " ", source, flags=re.MULTILINE)
    assert re.findall(r"[A-Za-z]{2,}|[一-鿿]", source) == []


def test_every_text_a_template_names_is_there():
    named = set()
    for path in TEMPLATES:
        named |= set(re.findall(r'\bt\(["\']([\w.-]+)["\'][,)]', path.read_text(encoding="utf-8")))
    assert named - WORDS.keys() == set()


def test_no_text_is_left_unused():
    source = "".join(path.read_text(encoding="utf-8") for path in [*TEMPLATES, *ROOM.rglob("*.py")])
    prefixes = set(re.findall(r'["{:]([\w-]+(?:\.[\w-]+)*)\.(?:\{|" ~)', source))
    prefixes |= set(re.findall(r'(?:pairs|options)\("([\w.-]+)"', source)) | {
        "ago",
        "in",
        "event",
        "stat",
        "happened",
        "waiting",
    }
    unused = [name for name in WORDS if f'"{name}"' not in source and f":{name}" not in source and f"'{name}'" not in source
              and name.rpartition(".")[0] not in prefixes and name.partition(".")[0] not in prefixes]  # fmt: skip
    assert unused == []


@pytest.mark.parametrize(("prefix", "values"), [
    ("standing", State), ("outcome", Outcome), ("severity", Severity), ("role", Role), ("category", Category),
    ("decision", Decision), ("target", TargetKind),
])  # fmt: skip
def test_every_value_of_the_core_has_its_words(prefix, values):
    assert [value for value in values if f"{prefix}.{value.value}" not in WORDS] == []


def test_numbers_and_moments_read_as_each_language_writes_them():
    zh, en = Wording("zh"), Wording("en")
    moment = utc_now().replace(year=2026, month=3, day=4)
    assert zh.day(moment) == "2026年3月4日"
    assert en.day(moment) == "4 Mar 2026"
    assert en.count(12345) == "12,345"
    assert en.percent(0.14) == "14%"
    assert en.percent(0.123) == "12.3%"
    assert zh.size(64 * 1024 * 1024) == "64.0 MiB"
