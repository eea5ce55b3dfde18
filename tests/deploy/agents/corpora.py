"""The corpora as things on disk, and which of them are held out."""

import hashlib
import json
from pathlib import Path

import yaml

from jingwei.core.finding import Severity
from jingwei.deploy.agents import Options, scan

HERE = Path(__file__).parent / "corpus"


def tools(name):
    """Give (id, language, tool) of one corpus of tools."""
    for number, language, _kind, title, description, parameters, *further in yaml.safe_load(
        (HERE / f"{name}.yaml").read_text(encoding="utf-8")
    ):
        properties = {
            key: value if isinstance(value, dict) else {"type": "string", "description": str(value)}
            for key, value in parameters.items()
        }
        tool = {"name": title, "description": description, "inputSchema": {"type": "object", "properties": properties}}
        for each in further:
            tool |= each
        yield number, language, tool


def skills():
    """Give (id, label, language, files) of the skills."""
    for number, entry in yaml.safe_load((HERE / "skills.yaml").read_text(encoding="utf-8")).items():
        yield number, entry["label"], entry["lang"], entry["files"]


def held_out(number):
    """Tell whether a sample is one of the third of the first sets that nothing was tuned on; later sets were all seen."""
    return number[0] in "pbkg" and hashlib.sha256(number.encode()).digest()[0] % 3 == 0


def write_tool(folder, number, tool):
    """Write a listing with one tool and return its path."""
    path = folder / f"{number}.json"
    path.write_text(json.dumps({"tools": [tool]}, ensure_ascii=False), encoding="utf-8")
    return path


def write_skill(folder, number, files):
    """Write a skill and return its folder."""
    for name, content in files.items():
        path = folder / number / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return folder / number


def is_told(path, **options):
    """Tell whether a scan finds anything of medium severity or worse."""
    found = [each for one in scan(str(path), Options(**options)) for each in one.findings]
    return any(each.severity.rank >= Severity.MEDIUM.rank for each in found)
