"""The documentation page is held to the catalogue."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from jingwei.catalog import Pack, load_catalog, read_yaml, validated

PAGES = [Path(__file__).parents[2] / "docs" / "concepts" / name for name in ("catalogue.md", "catalogue.zh.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_names_every_pack_and_counts_right(page):
    source = page.read_text(encoding="utf-8")
    for pack in (files("jingwei.catalog") / "packs").iterdir():
        assert f"`{pack.name}`" in source
    catalog = load_catalog()
    counts = {
        "evidence-types.yaml": len(catalog.evidence_types),
        "caict-202510.yaml": len(catalog.controls),
        "grading-cases.yaml": len(catalog.grading_cases),
        "incident-clocks.yaml": len(catalog.clocks),
    }
    for name, count in counts.items():
        row = next(line for line in source.splitlines() if line.startswith(f"| `{name}`"))
        assert str(count) in row


def test_both_pages_have_the_same_headings_and_example():
    english, chinese = (page.read_text(encoding="utf-8") for page in PAGES)
    assert len(re.findall(r"^#+ ", english, re.MULTILINE)) == len(re.findall(r"^#+ ", chinese, re.MULTILINE))
    examples = [re.search(r"```yaml\n(.*?)```", page, re.DOTALL).group(1) for page in (english, chinese)]
    assert examples[0] == examples[1]
    assert validated(Pack, read_yaml(examples[0])).prefixes == ("ACME",)


def test_the_example_pack_of_the_page_loads(tmp_path):
    example = re.search(r"```yaml\n(.*?)```", PAGES[0].read_text(encoding="utf-8"), re.DOTALL).group(1)
    (tmp_path / "acme.yaml").write_text(example, encoding="utf-8")
    assert "ACME-C-1" in load_catalog((tmp_path,)).controls
