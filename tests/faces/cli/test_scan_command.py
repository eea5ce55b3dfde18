"""`jingwei scan`: a folder of model files looked at from the terminal, in every form, with exit codes a CI can use."""

import json
import os
import pickle
from xml.etree import ElementTree as ET

import pytest

GOOD = pickle.dumps({"weights": [1.0, 2.0]}, 4)
EVIL = b"cos\nsystem\n(S'true'\ntR."


@pytest.fixture
def models(tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "good.pkl").write_bytes(GOOD)
    (folder / "evil.pkl").write_bytes(EVIL)
    (folder / "torn.pkl").write_bytes(GOOD[:-5])
    return folder


def test_without_a_kind_model_files_are_scanned(jingwei, models):
    done = jingwei("scan", models / "evil.pkl")
    assert (done.code, "os.system" in done.out, "evil.pkl" in done.out) == (1, True, True)


def test_options_may_stand_before_the_files(jingwei, models):
    done = jingwei("scan", "--format", "json", models / "good.pkl")
    assert (done.code, json.loads(done.out)["summary"]["verdicts"]["clean"]) == (0, 1)


def test_json_says_of_each_file_what_was_seen_and_what_was_not(jingwei, models):
    done = jingwei("scan", "model", models, "--json")

    told = {each["path"]: each for each in json.loads(done.out)["files"]}
    assert {path: each["verdict"] for path, each in told.items()} == {
        "good.pkl": "clean", "evil.pkl": "malicious", "torn.pkl": "incomplete"}  # fmt: skip
    assert told["good.pkl"]["coverage"] == [[0, len(GOOD)]]
    [finding] = [each for each in told["evil.pkl"]["findings"] if each["severity"] == "critical"]
    assert set(finding) == {"rule", "severity", "title", "message", "location", "evidence", "remedy"}
    assert len(told["evil.pkl"]["sha256"]) == 64


@pytest.mark.parametrize(("name", "level", "code"), [
    ("good.pkl", "info", 0), ("evil.pkl", "critical", 1), ("torn.pkl", "critical", 1),
])  # fmt: skip
def test_what_is_incomplete_fails_at_every_level(jingwei, models, name, level, code):
    assert jingwei("scan", models / name, "--fail-on", level).code == code


def test_a_missing_file_does_not_keep_the_others_from_being_scanned(jingwei, models):
    done = jingwei("scan", models / "nothing.pkl", models / "good.pkl", "--json")
    assert (done.code, "nothing.pkl" in done.err, len(json.loads(done.out)["files"])) == (1, True, 1)


def test_nothing_but_a_missing_file_is_wrong_use(jingwei, models):
    assert jingwei("scan", models / "nothing.pkl").code == 2


def test_a_folder_with_nothing_to_look_at_is_not_wrong_use(jingwei, tmp_path):
    assert jingwei("scan", "config", tmp_path).code == 4


def test_two_folders_with_like_names_are_told_apart(jingwei, models, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "good.pkl").write_bytes(GOOD)
    paths = [each["path"] for each in json.loads(jingwei("scan", models, other, "--json").out)["files"]]
    assert len(set(paths)) == 4


def test_what_is_no_plain_file_is_one_line_and_the_rest_goes_on(jingwei, models):
    os.mkfifo(models / "pipe.pkl")
    (models / "loop").symlink_to(models)
    (models / "new\nline.pkl").write_bytes(GOOD)

    told = json.loads(jingwei("scan", models, "--json").out)["files"]

    verdicts = {each["path"]: each["verdict"] for each in told}
    assert verdicts["pipe.pkl"] == "incomplete"
    assert verdicts["good.pkl"] == "clean"
    assert not any("\n" in path for path in verdicts)


def test_sarif_is_read_by_code_hosts(jingwei, models, tmp_path):
    out = tmp_path / "scan.sarif"
    done = jingwei("scan", models, "--format", "sarif", "--out", out)

    [run] = json.loads(out.read_text())["runs"]
    assert done.code == 1
    assert run["invocations"][0]["executionSuccessful"] is False
    assert any(each["level"] == "error" for each in run["results"])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_stands_alone_and_shows_what_is_dangerous(jingwei, models, lang):
    (models / "<b>x.pkl").write_bytes(EVIL)
    page = jingwei("scan", models, "--format", "html", lang=lang).out

    assert "<b>x.pkl" not in page
    assert "&lt;b&gt;x.pkl" in page
    assert "http" not in page.split("</style>")[1].replace("http-equiv", "")
    ET.fromstring(page.split("<body>")[1].split("</body>")[0])  # well-formed


def test_a_wrong_option_names_those_there_are(jingwei, models):
    wrong = jingwei("scan", models, "--set", "depht=2")
    listed = jingwei("scan", "model", "--options")

    assert (wrong.code, "depht" in wrong.err) == (2, True)
    assert (listed.code, "depth" in listed.out) == (0, True)


def test_hostile_names_cannot_command_the_terminal(jingwei, models):
    (models / "\x1b[2J[red]x.pkl").write_bytes(EVIL)
    assert "\x1b[2J" not in jingwei("scan", models).out
