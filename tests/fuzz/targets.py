"""What is fuzzed: each function takes any bytes, and raises only when something that must always hold does not.

A new target is a function here, named as its folder of `corpus/`; list it in `TARGETS`.
"""

import io
import json
import tempfile
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from jingwei.core.errors import InputError, Tampered
from jingwei.core.text import text
from jingwei.deploy.advisories import package_of
from jingwei.deploy.advisories.advisory import packed, unpacked
from jingwei.deploy.advisories.osv import read_osv_many
from jingwei.deploy.agents.examining import examine as examine_agents
from jingwei.deploy.agents.files import Source
from jingwei.deploy.artifacts.examination import Examination, Limits
from jingwei.deploy.artifacts.notes import Notes
from jingwei.deploy.artifacts.scan import look
from jingwei.deploy.artifacts.source import Held
from jingwei.deploy.bom import Unreadable, components_of, parsed
from jingwei.deploy.bom.collect import read_one
from jingwei.deploy.code.python import PythonSource, audit
from jingwei.deploy.code.source import cells, decoded
from jingwei.deploy.config.examine import examine
from jingwei.deploy.config.image_judgement import judge_configuration, judge_contents
from jingwei.deploy.config.layers import Contents, LayerError, read_layer
from jingwei.deploy.config.rule import seen as configuration_finding
from jingwei.deploy.config.signatures import signatures
from jingwei.deploy.config.store import json_of
from jingwei.deploy.fingerprint.answer import READ_BYTES, TEXT_CHARACTERS
from jingwei.deploy.fingerprint.client import SilenceError, read_whole
from jingwei.deploy.fingerprint.matching import holds, version_in
from jingwei.deploy.fingerprint.rule import strong, weak
from jingwei.deploy.guard import extract_texts
from jingwei.deploy.signing import new_key, verify, verify_provenance
from jingwei.faces.gateway.frames import TEXT_KEYS, bare, read_chunk, says_no_more, skeleton
from jingwei.faces.gateway.mcp import EventReader, read_message
from jingwei.faces.gateway.mcp.message import WrongMessageError, wire_identity
from jingwei.faces.gateway.mcp.results import texts_of
from jingwei.faces.gateway.refusal import Refusal
from jingwei.faces.gateway.request import read_chat
from jingwei.faces.gateway.sse import MAX_LINE_BYTES, DataReader

LIMIT = 1 << 20


def sse(data: bytes) -> None:
    """However a stream is cut, the same events come out of it, and none holds a line end."""
    size, stream = (data[0] % 64) + 1 if data else 1, data[1:]
    whole = DataReader(LIMIT).feed(stream)
    reader = DataReader(LIMIT)
    pieces = [each for at in range(0, len(stream), size) for each in reader.feed(stream[at : at + size])]
    assert pieces == whole
    assert all(b"\n" not in each and len(each) <= MAX_LINE_BYTES for each in whole)


def frames(data: bytes) -> None:
    """A piece that may leave as it came says to another reader of JSON what it said to ours, and nothing besides."""
    try:
        chunk = read_chunk(data)
    except Refusal:
        return
    if not says_no_more(data, chunk, chunk):
        return
    assert b"\r" not in data
    assert json.loads(data) == chunk or not _is_plain(chunk)
    for key in TEXT_KEYS:
        shape = skeleton(data, 0, key)
        if shape is None:
            continue
        text = shape.text_of(data)
        if text is not None:
            assert orjson.loads(shape.filled("x")) is not None
            assert shape.text_of(shape.filled(text)) == text
    assert bare(bare(chunk)) == bare(chunk)


def request(data: bytes) -> None:
    """A request is refused with words, or every text of its messages is among the texts that are judged."""
    try:
        body = read_chat(data)
        passages = extract_texts(body)
    except (Refusal, InputError):
        return
    read = {passage.text for passage in passages}
    messages = body["messages"]
    assert isinstance(messages, list)
    for place, message in enumerate(messages):
        content = message.get("content") if isinstance(message, dict) else None
        opening = place == 0 and isinstance(message, dict) and message.get("role") in {"system", "developer"}
        assert not isinstance(content, str) or not content or opening or content in read


def mcp(data: bytes) -> None:
    """A message is refused with words, or what is passed on is what another reader of JSON reads in it, or less."""
    try:
        message = read_message(data)
    except WrongMessageError:
        return
    body = message.body
    told = json.loads(data)
    assert (body["method"], body.get("id")) == (told["method"], wire_identity(told.get("id")))
    assert read_message(orjson.dumps(body)).body == body
    kept, given = body.get("params", {}), told.get("params", {})
    assert all(kept[key] == given[key] for key in kept if key not in {"_meta", "capabilities", "requestId"})
    assert kept.get("requestId") == wire_identity(given.get("requestId")) or "requestId" not in kept
    texts = {passage.text for passage in texts_of(message.method, message.params)}
    assert all(value in texts for value in message.params.values() if isinstance(value, str) and value)


def mcp_events(data: bytes) -> None:
    """However a server's stream is cut, the same events come out of it."""
    size, stream = (data[0] % 64) + 1 if data else 1, data[1:] + b"\n"
    whole = EventReader(LIMIT).feed(stream)
    reader = EventReader(LIMIT)
    assert [each for at in range(0, len(stream), size) for each in reader.feed(stream[at : at + size])] == whole


def service(data: bytes) -> None:
    """What a service answers is read within bounds, or said not to be readable; every rule can be tried on it."""
    try:
        answer = read_whole(data)
    except SilenceError:
        return
    assert len(answer.content) <= READ_BYTES
    assert len(answer.text) <= TEXT_CHARACTERS
    assert "\n" not in answer.title
    for rule in (*strong(), *weak()):
        assert not any(holds(fact, answer) for fact in rule.facts if fact.status and answer.status not in fact.status)
        assert all(len(version_in(at, answer)) <= 64 for at in rule.version)


def _examined(name: str, data: bytes) -> None:
    """A model file of any bytes is examined to an end; without a gap, every byte of it was accounted for."""
    examination = Examination(Notes(), Limits(unpacked_bytes=4_000_000, members=200), look)
    ranges = examination.inside(Held(data), name, 0)
    notes = examination.notes
    assert all(note.seen().evidence.isprintable() for note in notes.findings)
    assert all(gap.text().zh for gap in notes.gaps)
    assert notes.gaps or ranges.hole(len(data)) is None


def model_pickle(data: bytes) -> None:
    """A pickle of any opcodes is followed to an end."""
    _examined("m.pkl", data)


def model_zip(data: bytes) -> None:
    """A zip that contradicts itself is examined to an end."""
    _examined("m.pt", b"PK\3\4" + data)


def model_container(data: bytes) -> None:
    """Arrays, tars and compressed streams are examined to an end, whatever their names say."""
    names = ("m.npy", "m.tar", "m.joblib", "m.pkl.gz", "m.joblib.lz4", "m.bin")
    heads = (b"\x93NUMPY\1\0", b"", b"", b"\x1f\x8b\x08\0", b"\x04\x22\x4d\x18\x60\x40\x82", b"")
    which = data[0] % len(names) if data else 0
    _examined(names[which], heads[which] + data[1:])


def model_graph(data: bytes) -> None:
    """Messages and tables of operators are walked to an end."""
    names = ("m.onnx", "saved_model.pb", "frozen.pb", "m.meta", "keras_metadata.pb", "m.mlmodel", "m.tflite")
    _examined(names[data[0] % len(names)] if data else names[0], data[1:])


def model_gguf(data: bytes) -> None:
    """A GGUF file of any counts is walked to an end."""
    _examined("m.gguf", b"GGUF" + data)


def model_safetensors(data: bytes) -> None:
    """A header of any JSON is held against the file."""
    size = data[0] if data else 0
    _examined("m.safetensors", size.to_bytes(8, "little") + b"{" + data[1:])


def model_hdf5(data: bytes) -> None:
    """An HDF5 file of any structure is followed to an end."""
    _examined("m.h5", b"\x89HDF\r\n\x1a\n" + data)


def chat_template(data: bytes) -> None:
    """A template of any pieces is read to its end."""
    _examined("t.jinja", data)


def model_settings(data: bytes) -> None:
    """What lies beside the weights as text is read to its end."""
    names = ("tokenizer.json", "config.json", "model.safetensors.index.json", "adapter_config.json", "modules.json",
             "MLmodel", "requirements.txt", "m.py", "n.ipynb", "Modelfile", "config.pbtxt", "m.pmml")  # fmt: skip
    _examined(names[data[0] % len(names)] if data else names[0], data[1:])


def code(data: bytes) -> None:
    """Any text is read as Python to its end, or named as not read; what is told stands in it."""
    text = decoded(data, python=True)
    if text is None:
        return
    audited = audit([PythonSource("a.py", text), PythonSource("pkg/b.py", "from a import *\nrun(input())\n")])
    assert set(audited.broken) <= {"a.py"}
    assert all(each.place.line <= text.count("\n") + 3 for each in audited.reports)
    cells(text)


LOCKS = (
    "requirements.txt", "pyproject.toml", "uv.lock", "poetry.lock", "Pipfile.lock", "pylock.toml", "environment.yml",
    "package-lock.json", "pnpm-lock.yaml", "yarn.lock", "go.mod", "Cargo.lock", "pom.xml", "mcp.json", "SKILL.md",
)  # fmt: skip
CONFIGURATIONS = (
    "Dockerfile", "docker-compose.yml", "pod.yaml", "nginx.conf", "a.service", "user-data", ".env", "start.sh", "main.tf",
    "policy.json", "jupyter_server_config.py", "config.properties", "values.yaml",
)  # fmt: skip


def configuration(data: bytes) -> None:
    """Any text is read as any kind of configuration, or named as not read; no secret that is known is shown."""
    name = CONFIGURATIONS[data[0] % len(CONFIGURATIONS)] if data else "Dockerfile"
    text = decoded(data[1:], python=False)
    if text is None:
        return
    text = f"#cloud-config\n{text}" if name == "user-data" else text
    found = examine(name, text)
    lines = text.splitlines()
    for note in found.notes if found else ():
        seen = configuration_finding(note, path=name, lines=lines, hidden={note.hidden} - {""})
        assert seen.evidence.isprintable()


def image(data: bytes) -> None:
    """Any bytes as a layer, an index or a signature are read or named as not read; nothing is written."""
    contents = Contents()
    with suppress(LayerError):
        read_layer(io.BytesIO(data), 0, contents, [1 << 20])
    assert not any(".." in path.split("/") for path in contents.files)
    held = json_of(data, dict)
    list(signatures(held, lambda _: data, None))
    list(judge_configuration(held))
    list(judge_contents(contents))


_AGENT_FILES = ("tools.json", "mcp.json", "a.toml", "a.yaml", "SKILL.md", "server.py", "server.ts", "run.sh", "a.zip")


def agents(data: bytes) -> None:
    """Whatever a file of an agent holds, each thing in it gets a verdict, and what is shown of it can be printed."""
    name = _AGENT_FILES[data[0] % len(_AGENT_FILES)] if data else "tools.json"
    source = Source(name, data[1:], max(0, len(data) - 1))
    for each in examine_agents(source, of_skill=True, single=True):
        assert each.scanned.path.isprintable()
        assert all(finding.evidence.isprintable() for finding in each.scanned.findings)


def envelope(data: bytes) -> None:
    """A signature or envelope that nobody signed is refused, never believed and never an accident."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        pair = new_key(place)
        (place / "statement.json").write_bytes(data)
        (place / "model.bin").write_bytes(b"weights")
        (place / "model.bin.sig").write_bytes(data)
        for judged in (
            lambda: verify_provenance(place / "statement.json", pair.public, digest="0" * 64),
            lambda: verify(place / "model.bin", pair.public),
        ):
            try:
                judged()
            except (InputError, Tampered):
                continue
            raise AssertionError("believed")


def advisory(data: bytes) -> None:
    """Any JSON is read as advisories or refused; whatever was read tells of any version, and survives the store."""
    try:
        found = list(read_osv_many(orjson.loads(data), source="fuzz"))
    except (ValueError, RecursionError):
        return
    for one in found:
        assert one.hits("1.0") in {"affected", "unaffected", "undecided"}
        assert unpacked(orjson.loads(orjson.dumps(packed(one))), one.ecosystem, one.package) == one


def bom(data: bytes) -> None:
    """Any bytes are read as a BOM or refused; every name that comes out can be printed, and is written again."""
    try:
        found = components_of(parsed(data))
    except Unreadable:
        return
    assert all(one.name.isprintable() and one.version.isprintable() for one in found)
    for one in found:
        package_of(one)
        one.package_url  # noqa: B018 - a property that reads the name


def lock(data: bytes) -> None:
    """Any bytes under any lock file's name are read or named as not read; nothing outside the folder is opened."""
    name = LOCKS[data[0] % len(LOCKS)] if data else LOCKS[0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data[1:])
        for one in read_one(path, name):
            assert one.name.isprintable()
            assert one.path == name
            assert not one.gap or text(f"deploy.bom:{one.gap}", name=one.name)


TARGETS = {
    "advisory": advisory,
    "bom": bom,
    "lock": lock,
    "agents": agents,
    "envelope": envelope,
    "code": code,
    "configuration": configuration,
    "image": image,
    "model_pickle": model_pickle,
    "model_zip": model_zip,
    "model_container": model_container,
    "model_graph": model_graph,
    "model_gguf": model_gguf,
    "model_safetensors": model_safetensors,
    "model_hdf5": model_hdf5,
    "chat_template": chat_template,
    "model_settings": model_settings,
    "service": service,
    "mcp": mcp,
    "mcp_events": mcp_events,
    "sse": sse,
    "frames": frames,
    "request": request,
}


def _is_plain(value: object) -> bool:
    """Tell whether two readers of JSON can be expected to agree on a value's numbers."""
    if isinstance(value, dict):
        return all(_is_plain(each) for each in value.values())
    if isinstance(value, list):
        return all(_is_plain(each) for each in value)
    return not isinstance(value, float) and not (isinstance(value, int) and abs(value) > 1 << 53)
