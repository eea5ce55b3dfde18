"""Bad input at the terminal: one clear error in the person's language, the right exit code, nothing half-written."""

import fcntl
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

HAN = re.compile(r"[\u4e00-\u9fff]")
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)


def demand_one_clear_error(done, *, code, lang):
    assert done.code == code, done.out + done.err
    assert "Traceback" not in done.err
    assert done.err.count("✗") == 1, done.err
    said = next(line for line in done.err.splitlines() if "✗" in line)
    assert bool(HAN.search(said)) == (lang == "zh"), said


def edited(folder, old, new):
    file = folder / "system.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return file


FILES = {
    "wrong type": (lambda folder: edited(folder, "autonomy: L2", "autonomy: [1, 2]"), "autonomy"),
    "unknown field": (lambda folder: edited(folder, "domain: default", "domian: default"), "domian"),
    "missing purpose": (lambda folder: edited(folder, "purpose:", "porpoise:"), "p"),
    "yaml bomb": (lambda folder: written(folder, BOMB), ""),
    "not yaml": (lambda folder: written(folder, "name: [unclosed"), ""),
    "binary": (lambda folder: written(folder, b"\x00\xff\xfe\x80" * 40), ""),
    "empty": (lambda folder: written(folder, ""), ""),
    "a list": (lambda folder: written(folder, "- 1\n- 2\n"), ""),
    "deep": (lambda folder: written(folder, "[" * 5000), ""),
    "python tag": (lambda folder: written(folder, "!!python/object/apply:os.system ['true']"), ""),
    "huge": (lambda folder: written(folder, "name: " + "x" * 20_000_000), ""),
}


def written(folder, content):
    file = folder / "system.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("command", [["system", "register"], ["assess"]], ids=" ".join)
@pytest.mark.parametrize("case", FILES)
def test_a_wrong_system_yaml_is_said_before_anything_is_made(jingwei, folder, tmp_path, case, command, lang):
    make, names = FILES[case]
    done = jingwei(*command, make(folder), lang=lang)
    demand_one_clear_error(done, code=2, lang=lang)
    assert names in done.err
    assert not (tmp_path / "home").exists()


FACTS = {
    "missing fact": ('  red_line: "no"\n', "", "red_line"),
    "unknown value": ("autonomy: L2", "autonomy: L9", "autonomy"),
    "unknown fact": ("autonomy: L2", "autonomy: L2\n  colour: red", "colour"),
    "missing file": ("files: [model.gguf]", "files: [nowhere.gguf]", "components[0].files"),
    "file outside": ("files: [model.gguf]", "files: [../../etc/passwd]", "components[0].files"),
    "a key that is no server's": ("model: smollm2-135m-instruct", "key_env: AWS_SECRET_ACCESS_KEY", "upstream.key_env"),
    "where clouds keep credentials": ("http://127.0.0.1:8080/v1", "http://169.254.169.254/v1", "upstream.url"),
    "a threshold out of range": ("harm: 0.7", "harm: 6", "guard.thresholds.harm"),
    "a threshold of nothing": ("harm: 0.7", "harms: 0.6", "guard.thresholds.harms"),
    "unknown owner": ("domain: default", "domain: default\nowner: nobody", "owner"),
}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("case", FACTS)
def test_a_wrong_fact_or_file_is_named_and_no_system_is_left(registered, folder, case, lang):
    old, new, names = FACTS[case]
    edited(folder, "name: Staff assistant", "name: Another")
    done = registered("system", "register", edited(folder, old, new), lang=lang)
    demand_one_clear_error(done, code=2, lang=lang)
    assert names in done.err
    assert [each["name"] for each in json.loads(registered("system", "list", "--json").out)] == ["Staff assistant"]


USES = {
    "no such command": ["sytem"],
    "no such option": ["system", "list", "--stauts", "live"],
    "missing argument": ["system", "show"],
    "too many arguments": ["system", "list", "one", "two"],
    "not a choice": ["system", "list", "--status", "asleep"],
    "not in range": ["event", "list", "--limit", "0"],
    "not a number": ["event", "list", "--limit", "many"],
    "no such file": ["system", "register", "nowhere.yaml"],
    "not a date": ["system", "key", "x", "--name", "y", "--until", "tomorrow"],
    "option without value": ["system", "list", "--status"],
}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("case", USES)
def test_wrong_use_is_said_in_the_language_of_the_person(jingwei, case, lang):
    done = jingwei(*USES[case], lang=lang)
    assert done.code == 2
    first = done.err.splitlines()[0]
    assert bool(HAN.search(first)) == (lang == "zh"), first


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("arguments", [
    ["system", "show", "Nobody's"], ["evidence", "show", "0" * 64], ["gate", "show", "Nobody's"], ["gate", "replay", "req_1"],
    ["gate", "release", "req_1"], ["gate", "revoke", "tok_1", "--reason", "x"], ["job", "show", "run_1"],
    ["job", "start", "Staff assistant", "no-such-check"], ["system", "override", "withdraw", "ovr_1"],
    ["account", "role", "nobody", "security"], ["system", "answer", "Staff assistant", "autonomy"],
    ["policy", "show", "Staff assistant"], ["assess", "assistant/system.yaml", "--set", "attempts=6"],
], ids=" ".join)  # fmt: skip
def test_what_does_not_exist_is_named(registered, folder, arguments, lang):
    demand_one_clear_error(registered(*arguments, lang=lang), code=2, lang=lang)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_command_on_a_home_that_is_none_says_how_to_begin_one(jingwei, tmp_path, lang):
    done = jingwei("system", "list", lang=lang)
    demand_one_clear_error(done, code=2, lang=lang)
    assert "jingwei assess" in done.err
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("name", "value"), [("JINGWEI_PORT", "many"), ("JINGWEI_PACKS", "/etc/packs")])
def test_a_setting_in_the_environment_that_is_wrong_is_named(jingwei, name, value, lang):
    done = jingwei("system", "list", lang=lang, **{name: value})
    demand_one_clear_error(done, code=2, lang=lang)
    assert name in done.err
    assert value in done.err


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("content", [b"GGUF", b"\x80\x05" + bytes(range(200)), b"PK\x03\x04" + bytes(60)], ids=repr)
def test_a_corrupt_model_file_is_never_a_pass(jingwei, tmp_path, content, lang):
    model = tmp_path / "model.bin"
    model.write_bytes(content)
    done = jingwei("check", "model-scan", model, "--json", lang=lang, XDG_DATA_HOME=str(tmp_path / "data"))
    assert done.code in {1, 4}
    assert "Traceback" not in done.err


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_is_no_evidence_is_said(jingwei, tmp_path, lang):
    file, key = tmp_path / "evidence.json", tmp_path / "platform.pub"
    file.write_text('{"type": "EV-RISK"}')
    key.write_bytes(bytes(32))
    demand_one_clear_error(jingwei("evidence", "verify", file, "--key", key, lang=lang), code=2, lang=lang)
    key.write_bytes(b"short")
    demand_one_clear_error(jingwei("evidence", "verify", file, "--key", key, lang=lang), code=4, lang=lang)
    demand_one_clear_error(jingwei("ledger", "verify-export", file, "--key", key, lang=lang), code=4, lang=lang)


class Rude(BaseHTTPRequestHandler):
    """An endpoint that answers garbage, or stops in the middle."""

    manner = "garbage"

    def do_POST(self):
        body = b"<html>this is no chat completion</html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) if self.manner == "garbage" else 10_000))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815 - the name the base class calls

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def served(manner: str) -> Iterator[str]:
    handler = type("Handler", (Rude,), {"manner": manner})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()
        thread.join()


@contextmanager
def taken_port() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        yield listening.getsockname()[1]


def free_port() -> int:
    with taken_port() as port:
        return port


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_endpoint_that_is_down_examines_nothing(jingwei, tmp_path, lang):
    done = jingwei("check", "redteam", f"http://127.0.0.1:{free_port()}/v1", "--set", "attempts=2", lang=lang,
                   XDG_DATA_HOME=str(tmp_path / "data"))  # fmt: skip
    demand_one_clear_error(done, code=4, lang=lang)


@pytest.mark.parametrize("manner", ["garbage", "stops"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_endpoint_that_answers_garbage_or_stops_is_never_a_pass(jingwei, tmp_path, manner, lang):
    with served(manner) as url:
        done = jingwei("check", "redteam", url, "--set", "attempts=2", lang=lang, XDG_DATA_HOME=str(tmp_path / "data"))
    assert done.code in {1, 4}
    assert "Traceback" not in done.err


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_second_server_on_a_home_or_a_port_is_refused(registered, tmp_path, lang):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with (tmp_path / "home" / "serve.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        demand_one_clear_error(registered("serve", lang=lang), code=3, lang=lang)
    with taken_port() as port:
        done = registered("serve", "--port", port, "--gateway-port", free_port(), lang=lang)
        demand_one_clear_error(done, code=4, lang=lang)
        assert str(port) in done.err
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_full_disk_is_said_and_nothing_half_written_is_left(registered, tmp_path, lang):
    out = tmp_path / "ledger.jsonl"
    done = subprocess.run(
        ["/bin/sh", "-c", 'ulimit -f 8; exec "$0" "$@"', Path(sys.executable).parent / "jingwei", "ledger", "export", out],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, "JINGWEI_HOME": str(tmp_path / "home"), "JINGWEI_LANG": lang},
    )  # fmt: skip
    assert done.returncode == 4, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert bool(HAN.search(done.stderr)) == (lang == "zh")
    assert not out.exists()
    assert not list(tmp_path.glob(".ledger*"))
    assert registered("ledger", "verify").code == 0


@pytest.mark.slow  # SQLite itself waits ten seconds before it says so
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_locked_database_is_said_and_nothing_is_written(registered, tmp_path, lang):
    with closing(sqlite3.connect(tmp_path / "home" / "jingwei.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = registered("system", "answer", "Staff assistant", "autonomy=L4", lang=lang)
        other.execute("ROLLBACK")
    demand_one_clear_error(done, code=4, lang=lang)
    shown = json.loads(registered("system", "show", "Staff assistant", "--json").out)
    assert {each["name"]: each["value"] for each in shown["facts"]}["autonomy"] == "L2"
