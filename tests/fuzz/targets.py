"""What is fuzzed: each function takes any bytes, and raises only when something that must always hold does not.

A new target is a function here, named as its folder of `corpus/`; list it in `TARGETS`.
"""

import io
import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from jingwei.core.errors import InputError, Tampered
from jingwei.deploy.agents.examining import examine as examine_agents
from jingwei.deploy.agents.files import Source
from jingwei.deploy.artifacts.examination import Examination, Limits
from jingwei.deploy.artifacts.notes import Notes
from jingwei.deploy.artifacts.scan import look
from jingwei.deploy.artifacts.source import Held
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


def code(data: bytes) -> None:
    """Any text is read as Python to its end, or named as not read; what is told stands in it."""
    text = decoded(data, python=True)
    if text is None:
        return
    audited = audit([PythonSource("a.py", text), PythonSource("pkg/b.py", "from a import *\nrun(input())\n")])
    assert set(audited.broken) <= {"a.py"}
    assert all(each.place.line <= text.count("\n") + 3 for each in audited.reports)
    cells(text)


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


TARGETS = {
    "agents": agents,
    "envelope": envelope,
    "code": code,
    "configuration": configuration,
    "image": image,
    "model_pickle": model_pickle,
    "model_zip": model_zip,
    "model_container": model_container,
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
