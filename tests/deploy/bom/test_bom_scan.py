"""The scan itself: one thing at a time, each once, servers on this machine, the machine's own parts."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from jingwei.core.errors import InputError, Unavailable
from jingwei.deploy.bom import collect
from jingwei.deploy.bom.hardware import hardware
from jingwei.deploy.bom.scanner import Options, scan
from jingwei.deploy.scanned import ScanVerdict


def test_a_thing_found_twice_is_listed_once(tmp_path):
    (tmp_path / "requirements.txt").write_text("a==1\nb==2\n")
    (tmp_path / "constraints.txt").write_text("a==1\n")

    assert sorted(one.path for one in scan(str(tmp_path), Options())) == ["a@1", "b@2"]


def test_components_come_as_they_are_found(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "requirements.txt").write_text("a==1\n")
    first = next(scan(str(tmp_path), Options()))

    assert (first.path, first.verdict, first.facts["purl"]) == ("a@1", ScanVerdict.CLEAN, "pkg:pypi/a@1")


@pytest.mark.parametrize("target", ["missing", "empty", "odd.xyz"])
def test_a_target_that_is_none_is_refused(tmp_path, target):
    (tmp_path / "empty").mkdir()
    (tmp_path / "odd.xyz").write_text("")
    with pytest.raises(InputError):
        list(scan(str(tmp_path / target), Options()))


def test_a_document_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "requirements.txt").write_text("a==1\n")
    with pytest.raises(InputError, match="cannot be written"):
        list(scan(str(tmp_path), Options(write=str(tmp_path / "no" / "x.json"))))


ANSWERS = {
    "openai": {"/v1/models": {"data": [{"id": "tiny", "owned_by": "vllm", "root": "org/tiny"}, {"id": None}, 3]}},
    "ollama": {
        "/api/tags": {"models": [{"name": "qwen:0.5b", "digest": "a" * 64, "details": {"family": "qwen2"}}]},
        "/api/version": {"version": "0.5.7"},
        "/api/show": {"details": {"parent_model": "base", "quantization_level": "Q4_0"},
                      "model_info": {"general.architecture": "qwen2", "general.license": "apache-2.0"}},
    },
    "nothing": {},
    "strange": {"/v1/models": ["x"]},
}  # fmt: skip


@pytest.fixture
def server(request):
    answers, asked = ANSWERS[request.param], []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.command, self.path))
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.dumps(answers.get(self.path, {})).encode()
            self.send_response(200 if self.path in answers else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the handler's own name

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", asked
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("server", ["openai"], indirect=True)
def test_an_openai_compatible_server_says_its_models(server):
    service, model = collect(f"{server[0]}/v1")

    assert (service.kind, service.name) == ("service", "vllm")
    assert (model.name, model.rests_on) == ("tiny", ("org/tiny",))


@pytest.mark.parametrize("server", ["ollama"], indirect=True)
def test_ollama_says_versions_licences_and_parents(server):
    service, model = collect(server[0])

    assert service.purl == "pkg:generic/ollama@0.5.7"
    assert (model.sha256, model.licence, model.rests_on) == ("a" * 64, "Apache-2.0", ("base",))
    assert model.facts["quantisation"] == "Q4_0"
    assert {path for method, path in server[1] if method == "POST"} == {"/api/show"}


@pytest.mark.parametrize("server", ["nothing", "strange"], indirect=True)
def test_what_is_no_model_server_is_unavailable(server):
    with pytest.raises(Unavailable):
        list(collect(server[0]))


@pytest.mark.parametrize(
    "address", ["http://192.0.2.1/v1", "https://127.0.0.1/v1", "http://example.org", "http://127.0.0.1.nip.io/"]
)
def test_only_this_machine_is_asked(address):
    with pytest.raises(InputError, match="not on this machine"):
        list(collect(address))


def test_the_machine_says_what_it_is_made_of(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Some CPU\nprocessor\t: 1\n")
    (tmp_path / "meminfo").write_text("MemTotal:  2048000 kB\n")
    card = tmp_path / "driver/nvidia/gpus/0000:01"
    card.mkdir(parents=True)
    (card / "information").write_text("Model: \t NVIDIA H100\n")
    (tmp_path / "driver/nvidia/version").write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue\n")
    cpu, gpu = hardware(tmp_path, tmp_path)

    assert (cpu.name, cpu.facts["cores"], cpu.facts["memory-mebibytes"]) == ("Some CPU", "2", "2000")
    assert (gpu.name, gpu.facts["driver"]) == ("NVIDIA H100", "550.54.15")


def test_without_a_trace_an_accelerator_is_unknown_not_absent(tmp_path):
    assert [one.facts.get("state") for one in hardware(tmp_path, tmp_path)] == [None, "unknown"]
