"""A finding is mended: found, a change tried on a copy, applied by a person, scanned again, and timed."""

from datetime import UTC, datetime, timedelta

import pytest

from jingwei.core.errors import Conflict, InputError, NotFound
from jingwei.core.finding import Severity
from jingwei.core.package_data import package_data
from jingwei.deploy.fixing import FixState, Queue, apply, median_seconds, propose
from jingwei.deploy.fixing.bumps import bumped
from jingwei.deploy.fixing.patches import patches

APP = (
    "import requests\n\n\ndef page(address):\n    return requests.get('https://example.org', verify=False, timeout=3)\n"
)
START = datetime(2026, 11, 23, 8, tzinfo=UTC)


class Ticking:
    """A clock that goes on a minute each time it is asked."""

    def __init__(self):
        self.now = START

    def __call__(self):
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture
def app(tmp_path):
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "app.py").write_text(APP)
    return folder


@pytest.fixture
def queue(tmp_path):
    return Queue(tmp_path / "fixes")


def test_a_change_is_proposed_and_nothing_is_touched(app, queue):
    [fix] = propose("code", app, queue)

    assert fix.state is FixState.PROPOSED
    assert "-    return requests.get('https://example.org', verify=False, timeout=3)" in fix.diff
    assert "+    return requests.get('https://example.org', verify=True, timeout=3)" in fix.diff
    assert (app / "app.py").read_text() == APP


def test_a_person_applies_it_and_the_next_scan_closes_it(app, queue):
    clock = Ticking()
    [fix] = propose("code", app, queue, clock=clock)

    done = apply(queue, fix.id[:5], by="lin", clock=clock)

    assert (done.state, done.applied_by) == (FixState.CLOSED, "lin")
    assert "verify=True" in (app / "app.py").read_text()
    assert list(propose("code", app, queue)) == []
    assert median_seconds(queue) == (done.closed_at - done.found_at).total_seconds() > 0


def test_nobody_is_not_a_person(app, queue):
    [fix] = propose("code", app, queue)
    with pytest.raises(InputError):
        apply(queue, fix.id, by=" ")


def test_a_file_that_changed_meanwhile_is_left_alone(app, queue):
    [fix] = propose("code", app, queue)
    (app / "app.py").write_text("# new\n" + APP)

    with pytest.raises(Conflict):
        apply(queue, fix.id, by="lin")

    assert (app / "app.py").read_text() == "# new\n" + APP
    [again] = propose("code", app, queue)
    assert (again.id, again.found_at) == (fix.id, fix.found_at)
    assert apply(queue, fix.id, by="lin").state is FixState.CLOSED


def test_what_nobody_knows_how_to_mend_stays_in_the_queue(app, queue):
    (app / "app.py").write_text("import flask, os\napp = flask.Flask(__name__)\n\n\n@app.route('/')\ndef run():\n"
                                "    os.system(flask.request.args['q'])\n    return ''\n")  # fmt: skip

    found = [fix for fix in propose("code", app, queue) if fix.rule == "code.command"]

    assert [fix.state for fix in found] == [FixState.FOUND]
    with pytest.raises(Conflict):
        apply(queue, found[0].id, by="lin")


def test_what_was_mended_by_hand_is_closed_too(app, queue):
    list(propose("code", app, queue))
    (app / "app.py").write_text("print('nothing left')\n")
    assert [fix.state for fix in propose("code", app, queue)] == [FixState.CLOSED]


def test_a_problem_that_comes_back_starts_a_new_clock(app, queue):
    clock = Ticking()
    [fix] = propose("code", app, queue, clock=clock)
    apply(queue, fix.id, by="lin", clock=clock)
    (app / "app.py").write_text(APP)

    [back] = propose("code", app, queue, clock=clock)

    assert back.found_at > fix.found_at
    assert back.state is FixState.PROPOSED


def test_a_grave_fix_is_due_within_a_day(app, queue):
    [fix] = propose("code", app, queue)
    grave = fix.model_copy(update={"severity": Severity.CRITICAL, "found_at": START})
    assert (grave.due_at, grave.late(START + timedelta(hours=25))) == (START + timedelta(hours=24), True)


def test_an_unknown_fix_is_said(queue):
    with pytest.raises(NotFound):
        queue["3f2a"]


@pytest.mark.parametrize("rule", sorted(name for name in patches() if name.startswith("code.")))
def test_every_patch_ends_its_own_rule(rule, tmp_path, queue):
    (tmp_path / "app.py").write_text(package_data("jingwei.deploy.code", "rules.yaml")[rule]["bad"])
    found = [fix for fix in propose("code", tmp_path / "app.py", queue, level=Severity.LOW) if fix.rule == rule]
    assert found
    assert all(fix.state is FixState.PROPOSED for fix in found), found[0].path


@pytest.mark.parametrize(("line", "after"), [
    ("mlflow==2.8.0", "mlflow==2.8.1"),
    ("mlflow[extras] == 2.8.0 ; python_version > '3.8'  # pinned", "mlflow[extras] == 2.8.1 ; python_version > '3.8'  # pinned"),
    ('  "MLflow==2.8.0",', '  "MLflow==2.8.1",'),
    ('    "mlflow": "^2.8.0",', '    "mlflow": "^2.8.1",'),
    ("RUN pip install mlflow==2.8.0 torch==2.8.0", "RUN pip install mlflow==2.8.1 torch==2.8.0"),
])  # fmt: skip
def test_the_line_that_pins_a_package_is_bumped(line, after):
    [edit] = bumped(["# first", line], "mlflow", version="2.8.0", fixed="2.8.1")
    assert (edit.line, edit.after) == (2, after)


@pytest.mark.parametrize("line", [
    "mlflow==2.8.0.post1", "my-mlflow==2.8.0", "mlflow-skinny==2.8.0", "mlflow>=2.8.0",
    "mlflow==2.8.0 --hash=sha256:00", "mlflow==2.8.0 \\",
])  # fmt: skip
def test_a_line_that_says_something_else_is_left_alone(line):
    assert list(bumped([line], "mlflow", version="2.8.0", fixed="2.8.1")) == []


def test_all_advisories_of_a_package_are_ended_by_one_bump(tmp_path, queue):
    path = tmp_path / "requirements.txt"
    path.write_text("# web\nrequests==2.19.0\npackaging==24.1\n")

    [fix] = [each for each in propose("advisories", path, queue) if each.where == "requests"]
    done = apply(queue, fix.id, by="lin")

    assert "-requests==2.19.0\n+requests==2." in fix.diff
    assert done.state is FixState.CLOSED
    assert "packaging==24.1" in path.read_text()


CONFIGURATION = {
    "config.root-user": ("Dockerfile", "FROM python:3.11.9-slim@sha256:" + "0" * 64 + '\nUSER root\nCMD ["python", "app.py"]\n'),
    "config.privileged": ("compose.yaml", "services:\n  app:\n    image: a:1.0\n    privileged: true\n"),
    "config.host-network": ("pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  hostNetwork: true\n  containers:\n  - name: a\n    image: a:1.0\n"),
    "config.folder-listing": ("nginx.conf", "events {}\nhttp {\n  server {\n    listen 127.0.0.1:8080;\n    location / {\n      root /srv/models;\n      autoindex on;\n    }\n  }\n}\n"),
    "config.old-tls": ("nginx.conf", "events {}\nhttp {\n  server {\n    listen 443 ssl;\n    ssl_certificate a.pem;\n    ssl_certificate_key a.key;\n    ssl_protocols TLSv1 TLSv1.2;\n    location / { root /srv; }\n  }\n}\n"),
    "config.trust-remote-code": ("compose.yaml", "services:\n  llm:\n    image: vllm/vllm-openai:v0.11.0\n    command: --model m --api-key ${KEY} --trust-remote-code\n"),
    "config.webui-auth-off": ("compose.yaml", "services:\n  ui:\n    image: ghcr.io/open-webui/open-webui:v0.6.5\n    environment:\n      - WEBUI_AUTH=False\n"),
    "config.ray-auth-off": (".env", "RAY_AUTH_MODE=disabled\n"),
}  # fmt: skip


@pytest.mark.parametrize("rule", sorted(CONFIGURATION))
def test_a_configuration_is_mended(rule, tmp_path, queue):
    name, content = CONFIGURATION[rule]
    folder = tmp_path / "deploy"
    folder.mkdir()
    (folder / name).write_text(content)

    [fix] = [each for each in propose("config", folder, queue, level=Severity.LOW) if each.rule == rule]

    assert fix.state is FixState.PROPOSED, fix
    assert apply(queue, fix.id, by="lin").state is FixState.CLOSED
    assert rule not in {each.rule for each in propose("config", folder, queue, level=Severity.LOW)}
