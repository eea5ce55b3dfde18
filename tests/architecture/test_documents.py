"""The papers are held to the code: README, help, docs in both languages, the framework and the tree."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READMES = [ROOT / "README.md", ROOT / "README.zh.md"]
DOCUMENTS = sorted(
    path for path in (ROOT / "docs").rglob("*.md") if "decisions" not in path.parts and not path.name.endswith(".zh.md")
)


def jingwei(*arguments, lang="en"):
    command = [str(Path(sys.executable).parent / "jingwei"), "--lang", lang, *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin", "COLUMNS": "100", "HOME": "/nonexistent"},
    )


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_readme_is_short_and_begins_with_the_two_commands(readme):
    text = readme.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    commands = re.findall(r"^\./dev \w+", text, re.MULTILINE)
    assert commands[:2] == ["./dev run", "./dev test"]


def test_ci_calls_the_test_command_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "./dev test" in script


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_readme_shows_the_help_as_it_is(readme):
    lang = "zh" if ".zh." in readme.name else "en"
    shown = re.search(r"```text\n\$ jingwei\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    assert shown
    assert shown[1].strip() == jingwei(lang=lang).stdout.strip()


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_tree_in_the_readme_is_the_tree(readme):
    tree = re.search(r"```tree\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    assert tree
    shown = set(re.findall(r"^\s*(?:[├└]─+ )?(\w+)/", tree[1], re.MULTILINE)) - {"jingwei"}
    rooms = {path.name for path in (ROOT / "src" / "jingwei").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert shown == rooms


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_document_has_its_twin_with_the_same_headings(document):
    twin = document.with_suffix(".zh.md")
    assert twin.exists()
    levels = [
        [len(mark) for mark in re.findall(r"^(#+) ", each.read_text(encoding="utf-8"), re.MULTILINE)]
        for each in (document, twin)
    ]
    assert levels[0] == levels[1]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_command_has_help_that_teaches(lang):
    names = re.findall(r"^  ([a-z]+)  +\S", jingwei(lang=lang).stdout.split("\n\n")[-2 if lang else 0], re.MULTILINE)
    assert len(names) >= 10
    for name in names:
        done = jingwei(name, "--help", lang=lang)
        assert done.returncode == 0, done.stderr
        assert ("例子" if lang == "zh" else "Examples") in done.stdout, name
