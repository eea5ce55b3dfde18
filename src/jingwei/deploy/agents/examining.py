"""One file of a target: what it is to an agent, and the judgement on each thing in it."""

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import PurePath

from jingwei.core.text import text
from jingwei.deploy.agents.documents import Server, UnreadError, read_document, servers_of, things_of
from jingwei.deploy.agents.examined import Examined, judged
from jingwei.deploy.agents.files import Source
from jingwei.deploy.agents.findings import Notes, shown
from jingwei.deploy.agents.judging import judge_words
from jingwei.deploy.agents.lines import judge_lines, language_of
from jingwei.deploy.agents.python_code import judge_python
from jingwei.deploy.agents.python_tools import declared_in, judge_functions, tools_in
from jingwei.deploy.agents.scripts import is_server, told_by
from jingwei.deploy.agents.servers import judge_config, judge_server
from jingwei.deploy.agents.skills import is_rule_file, judge_manual, read_manual, speaks_of_attacks
from jingwei.deploy.agents.things import Spoken, Thing, thing_of
from jingwei.deploy.agents.tools import judge_together
from jingwei.deploy.scanned import Scanned

_DOCUMENTS = (".json", ".jsonc", ".json5", ".toml", ".yaml", ".yml", ".mcpb")
_PROSE = (".md", ".mdx", ".txt", ".rst", ".html", ".htm", ".xml", ".svg", ".csv", ".prompt", ".j2", ".tmpl")
_MEDIA = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".ttf", ".otf", ".woff", ".woff2", ".pdf", ".mp4",
          ".mp3", ".wav",
          ".docx", ".pptx", ".xlsx")  # fmt: skip
_PROGRAMS = (
    b"\x7fELF",
    b"MZ",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\x00asm",
)
_ARCHIVES = {b"PK\x03\x04": "zip", b"7z\xbc\xaf": "7z", b"Rar!": "rar", b"\x1f\x8b": "gzip"}
_MOST_MEMBERS = 500
_TELLS = re.compile(r'"(?:tools|mcpServers|inputSchema|prompts|resources|mcp)"')


def examine(source: Source, *, of_skill: bool, single: bool, limit: int = 0, depth: int = 0) -> Iterator[Examined]:
    """Judge everything in one file; a file that has nothing to do with agents gives nothing."""
    if source.gap and source.gap != "gap-large":
        gap = text(f"deploy.agents:{source.gap}").format(
            path=shown(source.path), **({"limit": limit} if "many" in source.gap else {})
        )
        yield Examined(Scanned(path=shown(source.path), gaps=(gap,)))
        return
    name = source.path.lower()
    found = list(_by_name(source, name, of_skill=of_skill, single=single, depth=depth))
    if not found and single and not source.gap:
        found = [_prose(source)]
    if source.gap and found:
        gap = text("deploy.agents:gap-large").format(path=shown(source.path))
        first = found[0]
        found[0] = Examined(
            first.scanned.model_copy(update={"gaps": (*first.scanned.gaps, gap)}), first.pin, first.server
        )
    yield from found


def _by_name(source: Source, name: str, *, of_skill: bool, single: bool, depth: int) -> Iterator[Examined]:
    head = source.content[:8]
    if is_rule_file(source.path) or name.rpartition("/")[2] == "skill.md":
        yield _manual(source)
    elif name.endswith(_DOCUMENTS):
        yield from _document(source, of_skill=of_skill, single=single)
    elif head.startswith(_PROGRAMS) or name.endswith((".pyc", ".so", ".dll", ".dylib", ".exe")):
        yield _noted(source, "program", "program-inside")
    elif any(head.startswith(mark) for mark in _ARCHIVES) and not name.endswith(_MEDIA):
        yield from _archive(source, of_skill=of_skill, depth=depth)
    elif name.endswith(_MEDIA):
        if of_skill:
            yield _noted(source, "media", "media-unread")
    elif language := language_of(source.path, source.text[:200]):
        yield from _code(source, language)
    elif (of_skill and _is_text(source.content)) or (single and name.endswith(_PROSE)):
        yield _prose(source)


def _is_text(content: bytes) -> bool:
    return b"\x00" not in content[:4096]


def _made(source: Source, notes: Notes, *, kind: str, path: str = "", pin: str = "",
          server: Server | None = None) -> Examined:  # fmt: skip
    scanned = Scanned(path=shown(path or source.path), sha256=source.sha256, size=source.size, format=kind,
                      coverage=((0, len(source.content)),) if source.content else (), findings=tuple(notes.findings),
                      gaps=tuple(notes.gaps))  # fmt: skip
    return Examined(scanned, pin, server)


def _noted(source: Source, kind: str, rule: str) -> Examined:
    notes = Notes(source.path)
    notes.find(rule, source.path, seen=PurePath(source.path).name)
    made = _made(source, notes, kind=kind)
    return Examined(made.scanned.model_copy(update={"coverage": ()}))


def _manual(source: Source) -> Examined:
    manual = read_manual(source.text, source.path)
    notes = Notes(source.path)
    judge_words(manual.thing, notes, about_attacks=speaks_of_attacks(manual))
    judge_manual(manual, notes)
    return _made(
        source, notes, kind="skill" if manual.thing.kind == "skill" else "agent-rules", pin=manual.thing.digest
    )


def _prose(source: Source) -> Examined:
    thing = Thing(source.path, "rules", "", {}, (Spoken("", "speech", source.text),))
    notes = Notes(source.path)
    judge_words(thing, notes)
    return _made(source, notes, kind="text", pin=thing.digest)


def _document(source: Source, *, of_skill: bool, single: bool) -> Iterator[Examined]:
    try:
        document = read_document(source.content, source.path)
    except UnreadError as error:
        if of_skill or single or _TELLS.search(source.text[:200_000]):
            notes = Notes(source.path)
            judge_words(Thing(source.path, "text", "", {}, (Spoken("", "speech", source.text[:400_000]),)), notes)
            notes.gap(str(error))
            yield _made(source, notes, kind="document")
        return
    things = list(things_of(document.value, source.path))
    servers = list(servers_of(document.value))
    if not things and not servers:
        if (of_skill or single) and isinstance(document.value, dict | list):
            raw = document.value if isinstance(document.value, dict) else {"items": document.value}
            things = [thing_of(raw, kind="text", path=source.path, name="")]
        if not things:
            return
    yield from _judged(source, things)
    if servers:
        yield from _configured(source, servers)
    if document.twice:
        notes = Notes(source.path)
        notes.find("key-twice", source.path, seen=", ".join(document.twice), key=", ".join(document.twice))
        yield _made(source, notes, kind="document")


def _judged(source: Source, things: list[Thing]) -> Iterator[Examined]:
    kept = {thing.path: Notes(thing.path) for thing in things}
    judge_together(things, kept)
    for thing in things:
        yield judged(thing, kept[thing.path], source)


def _configured(source: Source, servers: list[Server]) -> Iterator[Examined]:
    whole = Notes(source.path)
    judge_config(servers, whole)
    yield _made(source, whole, kind="mcp-config")
    for server in servers:
        path = f"{source.path}!{server.name}"
        notes = Notes(path)
        thing = thing_of(server.raw, kind="server", path=source.path, name=server.name)
        judge_server(server, notes)
        yield _made(source, notes, kind="mcp-server", path=path, pin=thing.digest, server=server)


def _code(source: Source, language: str) -> Iterator[Examined]:
    notes = Notes(source.path)
    code = source.text
    tools = judge_python(code, notes) if language == "python" else None
    if tools is None:
        judge_lines(code, language, notes)
        if language == "python":
            notes.gap("gap-code")
    if tools is not None:
        judge_functions(code, tools, notes)
    yield _made(source, notes, kind=language)
    if tools is not None:
        told = [each.thing for each in tools_in(code, tools, source.path)] + list(declared_in(code, source.path))
    else:
        told = list(told_by(code, source.path)) if language == "js" and is_server(code) else []
    for thing in told:
        yield judged(thing, Notes(thing.path), source)


def _archive(source: Source, *, of_skill: bool, depth: int) -> Iterator[Examined]:
    notes = Notes(source.path)
    members: list[Source] = []
    try:
        with zipfile.ZipFile(io.BytesIO(source.content)) as archive:
            listed = archive.infolist()
            if any(each.flag_bits & 1 for each in listed):
                notes.find("locked-archive", source.path, seen=PurePath(source.path).name)
            elif (
                depth
                or len(listed) > _MOST_MEMBERS
                or sum(each.file_size for each in listed) > 4 * len(source.content) + (1 << 26)
            ):
                notes.gap("gap-archive")
            else:
                members = [Source(f"{source.path}!{each.filename}", archive.read(each), each.file_size)
                           for each in listed if not each.is_dir()]  # fmt: skip
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError, EOFError):
        locked = source.content[:4] in {b"7z\xbc\xaf", b"Rar!"}
        notes.gap("gap-archive")
        if locked and of_skill:
            notes.find("locked-archive", source.path, seen=PurePath(source.path).name)
    yield _made(source, notes, kind="archive")
    inside = of_skill or any(each.path.lower().endswith(("skill.md", "manifest.json")) for each in members)
    for member in members:
        yield from examine(member, of_skill=inside, single=False, depth=depth + 1)
