"""What the pages on `detect` and the guard's policy show does as it is shown."""

import json
import re
from pathlib import Path

import pytest

from jingwei.core.policy import Decision
from jingwei.deploy.guard import Guard
from jingwei.deploy.guard.lines import Asked, judged, told

DOCS = Path(__file__).resolve().parents[3] / "docs" / "reference"


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("page", ["detect.md", "detect.zh.md"])
def test_the_python_of_the_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("policy.yaml").write_text("words: [飞鸟计划]\n", encoding="utf-8")
    for example in blocks(page, "python"):
        given = {}
        exec(example, given)
        assert given["verdict"].action is Decision.ALLOW


@pytest.mark.parametrize("page", ["detect.md", "detect.zh.md"])
def test_a_line_comes_out_with_the_fields_of_the_page(page):
    shown = json.loads(blocks(page, "json")[0])
    answer = told(asked := Asked(1, "我的手机号是13812345678"), judged(asked, Guard.load()))
    assert {**answer, "scores": {"pii": answer["scores"]["pii"]}} == shown


@pytest.mark.parametrize("page", ["detect.md", "detect.zh.md"])
def test_every_reason_why_something_was_not_judged_is_on_the_page(page):
    from typing import get_args

    from jingwei.deploy.guard.verdict import Why

    text = (DOCS / page).read_text(encoding="utf-8")
    assert all(f"`{why}`" in text for why in get_args(Why))
