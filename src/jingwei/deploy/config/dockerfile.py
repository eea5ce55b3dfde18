"""Dockerfiles and Containerfiles: instructions with their lines, stages, and what the last stage starts."""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from jingwei.deploy.config.secrets import secret_named
from jingwei.deploy.config.words import command, commands
from jingwei.deploy.config.workload import Command, Note, Port, Setting, Workload, is_port

_HEREDOC = re.compile(r"<<-?\s*(?P<quote>[\"']?)(?P<mark>\w+)(?P=quote)")
_VARIABLE = re.compile(r"\$\{?(\w+)(?::?[-+]([^}]*))?\}?")
_MOST = 5_000
_FETCHED = re.compile(
    r"(curl|wget)\b[^|;&]*\|\s*(sudo\s+)?(ba|z|da)?sh\b|(ba)?sh\s+<\(\s*(curl|wget)|(curl|wget)\b[^|;&]*\|\s*python"
)


class Instruction(NamedTuple):
    """One instruction."""

    name: str
    value: str
    line: int
    body: str = ""
    """Text given by here-documents."""


class Dockerfile(NamedTuple):
    """A parsed file: what the last stage becomes, and what is wrong with how it is built."""

    workload: Workload
    notes: list[Note]
    stages: int


def instructions(text: str) -> Iterator[Instruction]:
    """Give the instructions, lines joined as the builder joins them."""
    lines = text.splitlines()
    escape = "`" if re.search(r"(?im)^#\s*escape\s*=\s*`", "\n".join(lines[:3])) else "\\"
    at = 0
    while at < len(lines) and at < 200_000:
        first = at
        held = ""
        while at < len(lines):
            line = lines[at]
            at += 1
            if line.strip().startswith("#") or (held and not line.strip()):
                continue
            if line.rstrip().endswith(escape):
                held += line.rstrip()[:-1] + " "
                continue
            held += line
            break
        name, _, value = held.strip().partition(" ")
        if not name:
            continue
        body, at = _documents(value, lines, at)
        yield Instruction(name.upper(), value.strip(), first + 1, body)


def _documents(value: str, lines: list[str], at: int) -> tuple[str, int]:
    body: list[str] = []
    for match in _HEREDOC.finditer(value):
        while at < len(lines) and lines[at].strip() != match["mark"]:
            body.append(lines[at])
            at += 1
        at += 1
    return "\n".join(body), at


def read_dockerfile(text: str) -> Dockerfile | None:
    """Read a file; none where it has no stage at all."""
    notes: list[Note] = []
    workload: Workload | None = None
    names: set[str] = set()
    arguments: dict[str, str] = {}
    stages = 0
    for count, each in enumerate(instructions(text)):
        if count > _MOST:
            break
        if each.name == "ARG" and workload is None:
            name, _, default = each.value.partition("=")
            arguments[name.strip()] = default.strip("\"' ")
        if each.name == "FROM":
            stages += 1
            workload = _stage(each, arguments, names, notes)
        elif workload is not None:
            _take(workload, each, notes)
    if workload is None:
        return None
    return Dockerfile(workload, notes, stages)


def _stage(each: Instruction, arguments: dict[str, str], names: set[str], notes: list[Note]) -> Workload:
    words = [word for word in each.value.split() if not word.startswith("--")]
    image = _VARIABLE.sub(lambda match: arguments.get(match[1]) or match[2] or match[0], words[0]) if words else ""
    if len(words) >= 3 and words[1].lower() == "as":
        names.add(words[2].lower())
    inside = image.lower() in names or image == "scratch"
    if not inside and "$" not in image:
        notes.extend(tag_notes(image, each.line))
    return Workload("dockerfile", image, each.line, image=Setting("" if inside else image, each.line))


def tag_notes(image: str, line: int) -> Iterator[Note]:
    """Give what is wrong with how an image is named."""
    if not image or "@sha256:" in image:
        return
    tag = image.rpartition("/")[2].partition(":")[2]
    if tag in {"", "latest"}:
        yield Note("config.latest-tag", line, image)


def _take(workload: Workload, each: Instruction, notes: list[Note]) -> None:
    if each.name == "ENV":
        for name, value in _pairs(each.value):
            workload.environment[name] = Setting(value, each.line)
    elif each.name == "USER":
        workload.user = Setting(each.value.split(":")[0].strip("\"'"), each.line)
    elif each.name == "EXPOSE":
        workload.ports += [Port("", int(word.partition("/")[0]), each.line) for word in each.value.split()
                           if is_port(word.partition("/")[0])]  # fmt: skip
    elif each.name in {"CMD", "ENTRYPOINT"}:
        workload.commands = _together(workload.entry if each.name == "CMD" else [], each)
        if each.name == "ENTRYPOINT":
            workload.entry = workload.commands
    else:
        _built(each, notes)


def _built(each: Instruction, notes: list[Note]) -> None:
    if each.name == "ARG":
        name, _, default = each.value.partition("=")
        if default and secret_named(name, default.strip("\"'")):
            notes.append(Note("config.secret-in-build", each.line, name, hidden=default.strip("\"'")))
    elif each.name == "RUN":
        _run(each, notes)
    elif each.name == "ADD":
        words = [word for word in each.value.split() if not word.startswith("--")]
        if words and words[0].startswith(("http://", "https://")) and "--checksum=" not in each.value:
            notes.append(Note("config.add-url", each.line, words[0]))


def _together(entry: list[Command], each: Instruction) -> list[Command]:
    """Draw ENTRYPOINT and the CMD that follows it together: the one is given the other."""
    words = _list(each.value)
    if words is None:
        return [*entry, *commands(each.value, line=each.line)]
    if entry and each.name == "CMD" and words and len(entry) == 1:
        whole = [*entry[0].words, *words] if words[0].startswith("-") or "/" not in words[0] else words
        return [*command(whole, line=each.line)]
    return [*command(words, line=each.line)]


def _list(value: str) -> list[str] | None:
    if not value.startswith("["):
        return None
    try:
        words = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return [str(word) for word in words] if isinstance(words, list) else None


def _pairs(value: str) -> Iterator[tuple[str, str]]:
    if not re.match(r"[\w.-]+=", value):
        name, _, rest = value.partition(" ")
        yield name, rest.strip().strip("\"'")
        return
    for match in re.finditer(r"([\w.-]+)=(\"(?:[^\"\\]|\\.)*\"|'[^']*'|(?:[^\s\\]|\\.)*)", value):
        yield match[1], match[2].strip("\"'")


def _run(each: Instruction, notes: list[Note]) -> None:
    text = f"{each.value}\n{each.body}"[:20_000]
    if _FETCHED.search(text):
        notes.append(Note("config.piped-install", each.line, _FETCHED.search(text).group()[:80]))  # type: ignore[union-attr]
    if re.search(r"\bchmod\s+(-R\s+)?0?777\b", text):
        notes.append(Note("config.world-writable", each.line, "chmod 777"))
    if re.search(
        r"(curl\s[^;&|]*(\s-k\b|--insecure)|wget\s[^;&|]*--no-check-certificate|--trusted-host\b|sslVerify\s+false)",
        text,
    ):
        notes.append(Note("config.tls-off", each.line, "RUN"))
    if re.search(r"(--index-url|--extra-index-url|-i)[ =]http://", text):
        notes.append(Note("config.index-cleartext", each.line, "http://"))
