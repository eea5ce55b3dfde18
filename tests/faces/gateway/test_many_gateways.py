"""Several gateway processes of one host: they share the snapshot and the spool, and nothing is lost when one dies."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.faces.gateway.conftest import KEY, House, Model, Reply, completion, now, piece

from jingwei.core.proof import CHAT_PATH
from jingwei.core.signing import Signer
from jingwei.core.snapshot import Content, Snapshot, write_public_key, write_snapshot
from jingwei.core.spool import read_segments
from jingwei.deploy.guard import compile_policy

pytestmark = pytest.mark.slow
CODE = (
    "import sys\n"
    "from pathlib import Path\n"
    "from jingwei.faces.gateway import GatewaySettings, serve\n"
    "folder = Path(sys.argv[1])\n"
    "serve(GatewaySettings(snapshot_path=folder / 'snapshot.json', spool_path=folder / 'spool',\n"
    "      snapshot_limit_seconds=60), port=int(sys.argv[2]))\n"
)


class Talk(BaseHTTPRequestHandler):
    """A model's server that says one sentence, or a stream that takes its time."""

    protocol_version = "HTTP/1.1"
    go_on = threading.Event()

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not body.get("stream"):
            said = json.dumps(completion("The room is free.")).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"data: " + json.dumps(piece({"content": "The room "})).encode() + b"\n\n")
        self.go_on.wait(20)
        for each in (piece({"content": "is free."}), piece({}, "stop")):
            self.wfile.write(b"data: " + json.dumps(each).encode() + b"\n\n")
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_):
        """Say nothing."""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def publish(house, **changes):
    house.sequence += 1
    content = Content(systems=(house.served(),), **changes)
    write_snapshot(house.folder / "snapshot.json",
                   Snapshot.sealed(content, at=now(), sequence=house.sequence, signer=house.signer))  # fmt: skip


@contextmanager
def asked(port, *, stream=False):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    body = json.dumps({"messages": [{"role": "user", "content": "Is it free?"}], "stream": stream})
    sent = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
    try:
        connection.request("POST", CHAT_PATH, body, sent)
        with connection.getresponse() as reply:
            yield reply
    finally:
        connection.close()


def ask(port):
    with asked(port) as reply:
        return Reply(reply.status, reply.read(), {name.lower(): value for name, value in reply.getheaders()})


def until(look, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(OSError, http.client.HTTPException):
            if look():
                return True
        time.sleep(0.05)
    return False


@pytest.fixture
def place(tmp_path):
    """A folder with a snapshot, a model's server, and a way to start gateways there."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Talk)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Talk.go_on.clear()
    house = House(tmp_path, Signer.generate(), Model(), model_port=server.server_address[1])
    house.policy = compile_policy("sys_1", 2, {})
    write_public_key(tmp_path, house.signer.verifier)
    publish(house)
    running = []

    def start():
        port = free_port()
        running.append(subprocess.Popen([sys.executable, "-c", CODE, str(tmp_path), str(port)]))
        assert until(lambda: ask(port).status == 200)
        return running[-1], port

    yield house, start
    Talk.go_on.set()
    for process in running:
        process.kill()
        process.wait(10)
    server.shutdown()
    server.server_close()


def events_of(folder):
    return [event for segment in read_segments(folder / "spool") for event in segment.events]


def test_a_revocation_reaches_every_process_within_five_seconds(place):
    house, start = place
    (first, one), (second, two) = start(), start()
    publish(house, revoked=("tok_r",))
    began = time.monotonic()
    assert until(lambda: ask(one).status == 403 and ask(two).status == 403, 5)
    assert time.monotonic() - began < 5
    for process in (first, second):
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in {0, -signal.SIGTERM}
    writers = Counter(path.name.partition("-")[0] for path in (house.folder / "spool").glob("*.jsonl"))
    assert set(writers) == {str(first.pid), str(second.pid)}
    assert {event.reason for event in events_of(house.folder)} >= {"", "token-revoked"}


def test_a_killed_process_loses_no_event_of_what_it_answered(place):
    house, start = place
    process, port = start()
    answered = []

    def caller():
        with suppress(OSError, http.client.HTTPException):
            while True:
                reply = ask(port)
                if reply.json["choices"]:
                    answered.append(reply.headers["jingwei-request-id"])

    callers = [threading.Thread(target=caller) for _ in range(8)]
    for each in callers:
        each.start()
    assert until(lambda: len(answered) > 60)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    for each in callers:
        each.join(20)
    written = Counter(event.request_id for event in events_of(house.folder))
    assert {request_id for request_id in answered if written[request_id] < 3} == set()


def refused(port):
    try:
        ask(port)
    except ConnectionRefusedError:
        return True
    return False


def test_a_process_that_is_told_to_stop_ends_its_streams_and_takes_no_new_ones(place):
    house, start = place
    process, port = start()
    with asked(port, stream=True) as reply:
        said = reply.readline()
        process.send_signal(signal.SIGTERM)
        assert until(lambda: refused(port), 10)
        assert process.poll() is None
        Talk.go_on.set()
        said += reply.read()
        request_id = reply.headers["jingwei-request-id"]
    whole = Reply(200, said, {})
    assert whole.streamed.startswith("The room is free.")
    assert whole.lines[-1] == "[DONE]"
    assert process.wait(20) in {0, -signal.SIGTERM}
    assert list((house.folder / "spool").glob("*.open.jsonl")) == []
    kept = [event.direction for event in events_of(house.folder)
            if event.request_id == request_id]  # fmt: skip
    assert kept == ["inbound", "outbound", "outbound"]
