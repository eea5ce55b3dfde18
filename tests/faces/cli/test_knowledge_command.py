"""`jingwei knowledge`: load a folder, ask as somebody, screen an answer."""

import json

import pytest
from click.testing import CliRunner

from jingwei.faces.cli.root import root


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/h.md").write_text(
        "# Leave\n\nEveryone has twelve days of leave a year.\n\n# Pay\n\n"
        "A senior engineer earns between thirty and forty thousand a month, bonus not included.\n",
        encoding="utf-8",
    )
    (tmp_path / "docs/access.yaml").write_text(
        "documents:\n- {file: h.md, groups: [staff], sections: [{heading: Pay, groups: [hr]}]}\n", encoding="utf-8"
    )

    def called(*words, given=""):
        return CliRunner().invoke(root, ["--lang", "en", "knowledge", *words], input=given, standalone_mode=False)

    assert "1 documents" in called("load", "docs").output
    return called


def test_each_asker_is_shown_what_is_theirs(run):
    shown = json.loads(run("ask", "what does an engineer earn", "--as", "wang", "--group", "staff", "--json").output)
    assert [each["heading"] for each in shown] == ["Leave"]
    both = run("ask", "what does an engineer earn", "--as", "li", "--group", "staff", "--group", "hr").output
    assert both.index("thirty") < both.index("twelve")


def test_a_stranger_is_shown_nothing_and_the_exit_code_says_so(run):
    result = run("ask", "leave", "--as", "stranger")
    assert "Nothing" in result.output
    assert result.return_value == 1


def test_an_answer_is_screened_for_its_reader(run):
    answer = "I heard a senior engineer earns between thirty and forty thousand a month, bonus not included."
    assert run("screen", "--as", "wang", "--group", "staff", given=answer).return_value == 1
    assert run("screen", "--as", "li", "--group", "staff", "--group", "hr", given=answer).return_value == 0


def test_the_documents_are_listed_with_whom_they_are_for(run):
    (listed,) = json.loads(run("documents", "--json").output)
    assert (listed["source"], listed["acl"]["groups"], listed["paragraphs"], listed["narrowed"]) == (
        "h.md",
        ["staff"],
        2,
        1,
    )


def test_help_names_every_command(run):
    assert {"load", "ask", "screen", "documents"} <= set(run("--help").output.split())
