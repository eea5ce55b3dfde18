"""The policy page's own examples are policies."""

import re
from pathlib import Path

import pytest

from jingwei.deploy.guard.policy_file import read_policy

DOCS = Path(__file__).resolve().parents[3] / "docs" / "reference"


@pytest.mark.parametrize("page", ["guard-policy.md", "guard-policy.zh.md"])
def test_every_example_of_the_policy_page_can_be_read(page, tmp_path):
    (tmp_path / "words.csv").write_text("word\n蓝鲸\n", encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) >= 3
    for number, example in enumerate(examples):
        path = tmp_path / f"{number}.yaml"
        path.write_text(example, encoding="utf-8")
        assert read_policy(path).rules
