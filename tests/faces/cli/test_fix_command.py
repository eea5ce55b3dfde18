"""A person mends a finding from the terminal; a pipeline may look, and may not change anything."""

import json

import pytest

APP = "import requests\n\nrequests.get('https://example.org', verify=False, timeout=3)\n"


@pytest.fixture
def app(tmp_path):
    path = tmp_path / "app.py"
    path.write_text(APP)
    return path


def test_a_change_is_shown_and_the_file_left_alone(jingwei, app, tmp_path):
    done = jingwei("fix", "propose", "code", app, "--queue", tmp_path / "q")
    assert (done.code, "+requests.get('https://example.org', verify=True, timeout=3)" in done.out) == (1, True)
    assert app.read_text() == APP


def test_a_pipeline_cannot_apply_a_change(jingwei, app, tmp_path):
    jingwei("fix", "propose", "code", app, "--queue", tmp_path / "q")
    [fix] = json.loads(jingwei("fix", "list", "--json", "--queue", tmp_path / "q").out)

    refused = jingwei("fix", "apply", fix["id"], "--by", "lin", "--queue", tmp_path / "q")

    assert (refused.code, fix["state"], app.read_text()) == (3, "proposed", APP)


def test_a_person_applies_it_and_sees_the_median(jingwei, app, tmp_path, monkeypatch):
    jingwei("fix", "propose", "code", app, "--queue", tmp_path / "q")
    monkeypatch.setattr("jingwei.faces.cli.fix.attended", lambda: True)
    monkeypatch.setattr("click.confirm", lambda _: True)
    [fix] = json.loads(jingwei("fix", "list", "--json", "--queue", tmp_path / "q").out)

    done = jingwei("fix", "apply", fix["id"][:4], "--by", "lin", "--queue", tmp_path / "q")
    listed = jingwei("fix", "list", "--queue", tmp_path / "q", lang="zh")

    assert (done.code, "verify=True" in app.read_text()) == (0, True)
    assert (listed.code, "中位时间" in listed.out) == (0, True)


def test_without_a_folder_the_queue_lies_in_the_home(registered, app, tmp_path):
    registered("fix", "propose", "code", app)
    assert list((tmp_path / "home" / "fixes").glob("*.json"))
