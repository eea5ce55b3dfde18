"""Python beside a model, as a file or as the cells of a notebook: what it does is noted with its line."""

import re

from jingwei.core.finding import Severity
from jingwei.deploy.artifacts.json_objects import read_json
from jingwei.deploy.artifacts.notes import Notes
from jingwei.deploy.artifacts.python_source import LONGEST, acts, parsed
from jingwei.deploy.artifacts.serving import scan_command

_SCRIPTS = re.compile(
    r"(^|[/!])(setup|conftest|train\w*|finetune\w*|run_\w*|convert\w*|test_\w*|export\w*|eval\w*|benchmark\w*|demo\w*|app|example\w*)\.py$",
    re.IGNORECASE,
)
_COOKIE = re.compile(r"\A(?:[^\n]*\n)?[ \t\f]*#[^\n]*?coding[:=][ \t]*([-\w.]+)")
_ENCODING = re.compile(
    r"utf[-_]?8([-_]sig)?|(us[-_]?)?ascii|latin[-_]?1|iso[-_]8859[-_]\d+|cp\d+|gbk|gb2312|gb18030|big5|euc[-_]\w+|shift[-_]jis|koi8[-_]r|windows[-_]\d+",
    re.IGNORECASE,
)
"""Encodings that text is kept in; another one, such as `rot13`, is a disguise."""
_ENTRIES = re.compile(
    r"(^|[/!])(hubconf|handler\w*|\w*_handler|modeling\w*|tokenization\w*|configuration_\w+|processing\w*|pipeline\w*|custom\w*"
    r"|\w*loader|inference|predict\w*)\.py$",
    re.IGNORECASE,
)
"""Files whose functions a loader, a hub or a server calls, whatever they are named."""
_MAGIC = re.compile(r"^(\s*)([!%].*|\?.*|.*\?\s*)$", re.MULTILINE)


def scan_python(text: str, path: str, notes: Notes) -> None:
    """Examine a Python file."""
    if len(text) > LONGEST:
        notes.gap("gap-header-size", path, limit=LONGEST)
        return
    cookie = _COOKIE.match(text)
    if cookie is not None and not _ENCODING.fullmatch(cookie[1]):
        notes.find("python.hidden", path, 0, severity=Severity.HIGH, line=1, name=cookie[1])
    tree = parsed(text)
    if tree is None:
        notes.gap("gap-python", path)
        return
    for act in acts(tree, script=_SCRIPTS.search(path) is not None, entry=_ENTRIES.search(path) is not None):
        notes.find(act.rule, path, severity=act.severity, evidence=act.name, line=act.line, name=act.name)


def scan_notebook(text: str, path: str, notes: Notes) -> None:
    """Examine a notebook's cells; outputs are only shown."""
    try:
        value = read_json(text)
    except ValueError:
        notes.gap("gap-json", path)
        return
    cells = value.get("cells") if isinstance(value, dict) else None
    for cell in cells if isinstance(cells, list) else ():
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source")
        written = "".join(str(line) for line in source) if isinstance(source, list) else str(source or "")
        for magic in _MAGIC.finditer(written):
            scan_command(magic[2], path, notes)
        tree = parsed(_MAGIC.sub(r"\1pass", written))
        for act in acts(tree, script=True) if tree is not None else ():
            if act.severity.rank >= Severity.HIGH.rank:
                notes.find(act.rule, path, severity=act.severity, evidence=act.name, line=act.line, name=act.name)


def scan_path_file(text: str, path: str, notes: Notes) -> None:
    """Examine a `.pth` file: each line that begins with `import` runs whenever Python starts."""
    for number, line in enumerate(text.splitlines()[:1000], 1):
        if re.match(r"import[ \t]", line):
            notes.find("python.startup", path, line=number, name=line)
