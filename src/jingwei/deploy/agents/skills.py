"""Skills and rule files: a text that instructs a model by right, its front matter, and the files that come with it."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict

from jingwei.core.canonical import Json
from jingwei.core.package_data import package_data
from jingwei.deploy.agents.findings import Notes
from jingwei.deploy.agents.lines import judge_lines
from jingwei.deploy.agents.things import Kind, Spoken, Thing

SKILL = "skill.md"
_FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.{0,20000}?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_FENCED = re.compile(
    r"^[ \t]*(?:```|~~~)[ \t]*([\w+-]*)[^\n]*\n(.*?)(?:^[ \t]*(?:```|~~~)|\Z)", re.DOTALL | re.MULTILINE
)
_DYNAMIC = re.compile(r"(?:^|\s)!`([^`\n]{1,400})`", re.MULTILINE)
_SHELLS = frozenset({"", "sh", "bash", "shell", "zsh", "console", "powershell", "ps1", "terminal"})


class _Known(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    rule_files: frozenset[str]
    rule_folders: re.Pattern[str]
    about_attacks: re.Pattern[str]
    all_tools: frozenset[str]


@lru_cache(maxsize=1)
def _known() -> _Known:
    return _Known.model_validate(package_data(__package__, "skills.yaml"))


class Manual(NamedTuple):
    """A skill or rule file as it is read."""

    thing: Thing
    front: Mapping[str, Json]
    body: str
    first_line: int


def is_rule_file(path: str) -> bool:
    """Tell whether agents read a file of this path as instructions."""
    name = path.rpartition("/")[2].lower()
    return (
        name in _known().rule_files
        or bool(_known().rule_folders.search(path))
        or name.endswith((".mdc", ".instructions.md", ".prompt.md"))
    )


def read_manual(text: str, path: str) -> Manual:
    """Read a SKILL.md or a rule file: front matter where there is one, and the body."""
    match = _FRONT.match(text)
    front = _front(match[1]) if match else {}
    body = text[match.end() :] if match else text
    name = str(front.get("name") or "") if front else ""
    spoken = [Spoken(f"front.{key}", "speech", _flat(value)) for key, value in front.items() if _flat(value).strip()]
    if match and not front:
        spoken.append(Spoken("front", "speech", match[1]))
    spoken.append(Spoken("", "speech", body))
    kind: Kind = "skill" if path.rpartition("/")[2].lower() == SKILL else "rules"
    first_line = text[: match.end()].count("\n") + 1 if match else 1
    kept = tuple(each for each in spoken if each.text.strip())
    return Manual(Thing(path, kind, name, front, kept), front, body, first_line)


def _front(source: str) -> Mapping[str, Json]:
    if source.count("&") > 20:
        return {}
    try:
        read = yaml.safe_load(source)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    if not isinstance(read, Mapping):
        return {}
    return {str(key): _plain(value) for key, value in list(read.items())[:100]}


def _plain(value: object) -> Json:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in list(value.items())[:100]}
    if isinstance(value, list):
        return [_plain(each) for each in value[:500]]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _flat(value: Json) -> str:
    if isinstance(value, Mapping):
        return "\n".join(f"{key}: {_flat(each)}" for key, each in value.items())
    return "\n".join(map(_flat, value)) if isinstance(value, list) else "" if value is None else str(value)


def judge_manual(manual: Manual, notes: Notes) -> None:
    """Note what a skill's permissions, commands and code blocks would do."""
    allowed = manual.front.get("allowed-tools") or manual.front.get("allowed_tools") or manual.front.get("tools")
    listed = (
        re.split(r"[,\s]+(?![^(]*\))", allowed)
        if isinstance(allowed, str)
        else allowed
        if isinstance(allowed, list)
        else []
    )
    wide = [str(each) for each in listed if str(each).strip() in _known().all_tools]
    if wide:
        notes.find("all-tools", "allowed-tools", seen=", ".join(wide))
    if manual.front.get("hooks"):
        notes.find("hooks", "hooks", seen=_flat(manual.front["hooks"]))
    talks = speaks_of_attacks(manual)
    for match in _FENCED.finditer(manual.body):
        if match[1].lower() in _SHELLS and not talks:
            judge_lines(
                match[2], "shell", notes, first_line=manual.first_line + manual.body.count("\n", 0, match.start(2))
            )
    for match in _DYNAMIC.finditer(manual.body):  # run by the client before the model reads the skill
        judge_lines(match[1], "shell", notes, first_line=manual.first_line + manual.body.count("\n", 0, match.start(1)))


def speaks_of_attacks(manual: Manual) -> bool:
    """Tell whether a skill is about security, so that it names what it warns of."""
    return _known().about_attacks.search(f"{manual.thing.name} {_flat(manual.front.get('description'))}") is not None
