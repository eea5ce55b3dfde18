"""What lies beside the weights as text: told apart by name, each read by whoever knows what a loader does with it."""

import re
from collections.abc import Callable

from jingwei.deploy.artifacts.examination import Examination
from jingwei.deploy.artifacts.json_configs import scan_json
from jingwei.deploy.artifacts.markup import scan_markup
from jingwei.deploy.artifacts.notes import Notes
from jingwei.deploy.artifacts.python_files import scan_notebook, scan_path_file, scan_python
from jingwei.deploy.artifacts.requirements import scan_requirements
from jingwei.deploy.artifacts.serving import scan_command, scan_modelfile, scan_triton, scan_yaml
from jingwei.deploy.artifacts.source import Source
from jingwei.deploy.artifacts.template import scan_template
from jingwei.deploy.artifacts.tensorflow_graphs import scan_written_graph

_LONGEST = 32 * 1024 * 1024
_POINTER = b"version https://git-lfs.github.com/spec/"
_TEXTS = re.compile(
    r"\.(txt|md|jsonl?|ya?ml|cfg|ini|toml|csv|tsv|pyi?|jinja2?|j2|xml|pmml|html?|rst|vocab|merges|lock|sh|bat|ps1|proto|log|sha256|md5|pbtxt"
    r"|prototxt|param|svg|css|js|ts|ipynb|tex|bib|properties|conf|env|template|tmpl|c|cc|cpp|h|hpp|cu|cuh|go|rs|java|r|lua|pth|egg-link|model)$"
    r"|(^|[/!])(LICEN[SC]E|NOTICE|README|COPYING|CITATION|MLmodel|Dockerfile|Makefile|Modelfile|\.gitattributes|\.gitignore|\.gitmodules|vocab|checkpoint"
    r"|byteorder|version|config|HEAD|description|params)[^/]*$|(^|[/!])\.git/",
    re.IGNORECASE,
)
_Reader = Callable[[str, str, Notes], None]


def _index_file(text: str, path: str, notes: Notes) -> None:
    scan_requirements(text, path, notes)
    scan_command(text, path, notes)


def _template_file(text: str, path: str, notes: Notes) -> None:
    scan_template(text, path, notes)


def _yaml_file(text: str, path: str, notes: Notes) -> None:
    scan_yaml(text, path, notes)
    if re.search(r"(^|[/!])(conda|environment|env|bentofile)[\w.-]*\.ya?ml$", path, re.IGNORECASE):
        scan_requirements(text, path, notes)


def _graph_file(text: str, path: str, notes: Notes) -> None:
    scan_triton(text, path, notes)
    scan_written_graph(text, path, notes)


_READERS: tuple[tuple[str, _Reader], ...] = (
    (
        r"(^|[/!])[\w.-]*requirements?[\w.-]*\.(txt|in)$|(^|[/!])(pyproject\.toml|setup\.cfg|pip\.conf|pip\.ini|Pipfile|\.pypirc)$",
        _index_file,
    ),
    (r"\.pyi?$", scan_python),
    (r"\.ipynb$", scan_notebook),
    (r"\.(jinja2?|j2)$|(^|[/!])chat_template[\w.-]*$", _template_file),
    (r"\.(ya?ml)$|(^|[/!])MLmodel$", _yaml_file),
    (r"\.(pbtxt|prototxt)$", _graph_file),
    (r"(^|[/!])Modelfile[^/]*$|\.modelfile$", scan_modelfile),
    (r"\.(xml|pmml|svg)$", scan_markup),
    (
        r"\.(sh|bat|ps1|toml|env|properties|conf|service)$|(^|[/!])(Dockerfile|Makefile)[^/]*$|(^|[/!])\.git/",
        scan_command,
    ),
    (r"\.(pth|egg-link)$", scan_path_file),
)


def is_text(name: str, head: bytes) -> bool:
    """Tell whether a file is text by its name and, as far as it is read here, by its bytes."""
    if not _TEXTS.search(name) or b"\0" in head:
        return False
    try:
        head[: len(head) - 4 if len(head) > 64 else None].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(head) - 8
    return True


def scan_text(source: Source, path: str, examination: Examination) -> None:
    """Examine a text file by its name."""
    notes = examination.notes
    if source.read(0, len(_POINTER)) == _POINTER and source.size < 1024:
        notes.gap("gap-pointer", path)
        return
    name = re.split(r"[/!]", path)[-1]
    reader = next((each for pattern, each in _READERS if re.search(pattern, path, re.IGNORECASE)), None)
    if reader is None and not name.endswith(".json"):
        return
    if source.size > _LONGEST:
        notes.gap("gap-header-size", path, limit=_LONGEST)
        return
    text = source.read(0, source.size).decode("utf-8", "replace")
    if name.endswith(".json"):
        scan_json(text, name, path, notes)
    elif reader is not None:
        reader(text, path, notes)
