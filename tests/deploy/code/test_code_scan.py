"""The code scan of files and folders: what is read, what is told of what could not be, and what others say."""

import json
import os
from pathlib import Path

import pytest

from jingwei.core.errors import InputError
from jingwei.core.finding import Severity
from jingwei.deploy.code import semgrep
from jingwei.deploy.code.scanner import Options, scan
from jingwei.deploy.scanned import ScanVerdict

KEY = "sk-proj-" + "Zx81qWmN04TtLpR7" * 3
OFF = Options(semgrep="off", bandit=False)


def scanned(path, options=OFF):
    return {one.path: one for one in scan(str(path), options)}


def rules_of(one):
    return [each.rule_id for each in one.findings]


def test_a_key_is_found_and_never_shown(tmp_path):
    (tmp_path / "app.py").write_text(f"import openai\nclient = openai.OpenAI(api_key='{KEY}')\n")
    one = scanned(tmp_path)["app.py"]
    assert rules_of(one) == ["code.secret"]
    assert one.findings[0].location.line == 2
    assert KEY not in one.model_dump_json()
    assert "sk-p***" in one.findings[0].evidence


def test_a_key_is_hidden_in_the_evidence_of_other_findings_on_its_line(tmp_path):
    (tmp_path / "app.py").write_text(
        f"import openai\nc = openai.OpenAI(api_key='{KEY}', base_url='http://a.example/v1')\n"
    )
    one = scanned(tmp_path)["app.py"]
    assert set(rules_of(one)) == {"code.secret", "code.cleartext-model"}
    assert KEY not in one.model_dump_json()


@pytest.mark.parametrize(
    "line",
    ["api_key = 'your-api-key-here-1234'", "API_KEY = os.environ['API_KEY']", "password = 'changeme-please-1'", "token = '<your token 12345>'",
     "secret_key = 'sk-xxxxxxxxxxxxxxxxxxxxxxxx'", "api_key_header = 'X-Api-Key-Header-Name'"],
)  # fmt: skip
def test_a_placeholder_is_no_secret(line, tmp_path):
    (tmp_path / "app.py").write_text(f"import os\n{line}\n")
    assert "code.secret" not in rules_of(scanned(tmp_path)["app.py"])


def test_a_secret_in_a_test_is_worth_less(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text(f"KEY = '{KEY}'\n")
    assert scanned(tmp_path)["tests/test_a.py"].findings[0].severity is Severity.LOW


def test_environment_files_are_searched(tmp_path):
    (tmp_path / "app.py").write_text("x = 1\n")
    (tmp_path / ".env").write_text("MODE=a\nDB_PASSWORD=kT5xw9Lq2\n")
    assert rules_of(scanned(tmp_path)[".env"]) == ["code.secret"]


def test_the_cells_of_a_notebook_are_read_with_their_places(tmp_path):
    cells = [
        {"cell_type": "markdown", "source": "# eval(x)"},
        {"cell_type": "code", "source": ["%pip install openai\n", "import os\n"]},
        {"cell_type": "code", "source": "!ls\nos.system(input())\n"},
    ]
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": cells}))
    one = scanned(tmp_path)["a.ipynb"]
    assert [(each.location.path, each.location.line) for each in one.findings] == [("a.ipynb!cell-3", 2)]


@pytest.mark.parametrize("content", [b"[]", b"{", b"\xff\xfe\x00", b'{"cells": 3}', b"[" * 100_000])
def test_a_broken_notebook_is_a_gap(content, tmp_path):
    (tmp_path / "a.ipynb").write_bytes(content)
    (tmp_path / "b.py").write_text("x = 1")
    found = scanned(tmp_path)
    assert found["a.ipynb"].verdict is ScanVerdict.INCOMPLETE
    assert found["b.py"].verdict is ScanVerdict.CLEAN


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "latin-1"])
def test_a_file_in_another_encoding_is_read(encoding, tmp_path):
    mark = f"# -*- coding: {encoding} -*-\n" if encoding in {"gb18030", "latin-1"} else ""
    (tmp_path / "a.py").write_bytes((mark + "eval(input())\n").encode(encoding))
    assert "code.eval" in rules_of(scanned(tmp_path)["a.py"])


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(tmp_path):
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "out.py").symlink_to("/etc/hostname")
    (tmp_path / "nul.py").write_bytes(b"a\0b")
    (tmp_path / "bad\nname.py").write_text("eval(input())")
    (tmp_path / "deep.py").write_text("x = " + "[" * 3000 + "]" * 3000)
    (tmp_path / "good.py").write_text("eval(input())")
    (tmp_path / "empty.py").write_text("")
    found = scanned(tmp_path)
    assert {path for path, one in found.items() if one.gaps} == {"pipe.py", "loop.py", "out.py", "nul.py", "deep.py"}
    assert all(path.isprintable() for path in found)
    assert sum("code.eval" in rules_of(one) for one in found.values()) == 2


def test_a_file_that_is_too_large_is_a_gap(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n" * 1000)
    assert scanned(tmp_path, Options(semgrep="off", most_bytes=100))["a.py"].gaps


def test_installed_packages_are_not_the_programs_own(tmp_path):
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "a.py").write_text("eval(input())")
    (tmp_path / "b.py").write_text("x = 1")
    assert set(scanned(tmp_path)) == {"b.py"}


def test_languages_that_only_semgrep_reads_are_a_gap_without_it(tmp_path):
    (tmp_path / "A.java").write_text("class A {}")
    found = scanned(tmp_path)
    assert found["*.java"].verdict is ScanVerdict.INCOMPLETE
    assert "semgrep" in found["*.java"].gaps[0].en


def test_bandit_says_what_we_do_not_and_nothing_twice(tmp_path):
    pytest.importorskip("bandit")
    (tmp_path / "a.py").write_text(
        "import telnetlib, yaml\ntelnetlib.Telnet('h')\nyaml.load(open('a'), Loader=yaml.Loader)\nassert 1\n"
    )
    one = scanned(tmp_path, Options(semgrep="off"))["a.py"]
    assert sorted((each.location.line, each.rule_id) for each in one.findings) == [
        (2, "code.lint"),
        (3, "code.yaml-load"),
    ]


def sarif(path, *results):
    path.write_text(
        json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "other"}}, "results": list(results)}]})
    )
    return str(path)


def test_the_findings_of_other_tools_are_merged(tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "a.py").write_text("x = 1\n")
    result = {
        "ruleId": "r1", "level": "error", "message": {"text": "bad"},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 1}}}],
    }  # fmt: skip
    given = sarif(tmp_path / "o.sarif", result, {"ruleId": "r2", "message": {"text": "elsewhere"}})
    found = scanned(tmp_path / "app", Options(semgrep="off", sarif=given))
    assert [(each.title.en, each.severity) for each in found["a.py"].findings] == [("other: r1", Severity.HIGH)]
    assert len(found) == 2


@pytest.mark.parametrize("content", ["", "[]", '{"runs": 3}', '{"runs": [{"results": [3]}]}'])
def test_a_broken_sarif_file_is_refused(content, tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "o.sarif").write_text(content)
    with pytest.raises(InputError, match="SARIF"):
        scanned(tmp_path, Options(semgrep="off", sarif=str(tmp_path / "o.sarif")))


def test_a_target_that_is_not_there_or_holds_no_code_is_refused(tmp_path):
    with pytest.raises(InputError):
        scanned(tmp_path / "nothing")
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(InputError):
        scanned(tmp_path)


def test_a_semgrep_that_is_not_there_is_refused(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    with pytest.raises(InputError):
        scanned(tmp_path, Options(semgrep=str(tmp_path / "nothing")))


def test_a_semgrep_that_fails_is_a_gap(tmp_path):
    program = tmp_path / "semgrep"
    program.write_text("#!/bin/sh\nexit 7\n")
    program.chmod(0o755)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "a.js").write_text("eval(x)")
    found = scanned(tmp_path / "app", Options(semgrep=str(program)))
    assert "exit 7" in found["."].gaps[0].en


def test_what_semgrep_says_is_told_in_our_words(tmp_path):
    (tmp_path / "app").mkdir()
    source = tmp_path / "app" / "a.js"
    source.write_text("eval(answer)\n")
    said = {"results": [{"path": str(source), "start": {"line": 1}, "check_id": "x", "extra": {
        "lines": "eval(answer)", "metadata": {"rule": "code.eval", "origin": "model", "name": "answer", "call": "eval"}}}]}  # fmt: skip
    program = tmp_path / "semgrep"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(said)}\nEND\n")
    program.chmod(0o755)
    found = scanned(tmp_path / "app", Options(semgrep=str(program)))
    assert [(each.rule_id, each.severity.value) for each in found["a.js"].findings] == [("code.eval", "critical")]


def test_no_semgrep_is_looked_for_when_it_is_off(tmp_path):
    assert semgrep.program("") is None or os.access(semgrep.program(""), os.X_OK)


def test_a_secret_that_is_made_at_run_time_is_none(tmp_path):
    (tmp_path / "a.py").write_text("import secrets\npassword = secrets.token_urlsafe(12)\napi_key = make_key1234(x)\n")
    assert not scanned(tmp_path)["a.py"].findings


def test_our_own_example_is_clean_though_it_sends_a_model_its_own_words():
    example = Path(__file__).resolve().parents[3] / "examples" / "assistant"
    assert not [each for one in scan(str(example), Options()) for each in one.findings]
