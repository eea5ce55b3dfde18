"""How a model is to be served: MLflow, Hydra and NeMo, Triton, Ollama, shell lines; what they name is what is run."""

import re
from collections.abc import Iterator

from jingwei.core.finding import Severity
from jingwei.deploy.artifacts.globals import Standing, standing
from jingwei.deploy.artifacts.instructions import doubtful, harm
from jingwei.deploy.artifacts.notes import Notes
from jingwei.deploy.artifacts.python_calls import calls

_TARGET = re.compile(r"^[\s\-{,]*['\"]?_target_['\"]?\s*:\s*['\"]?([\w.]+)", re.MULTILINE)
_LOADER = re.compile(r"^\s*(?:loader_module|python_model_module|entry_point_module)\s*:\s*['\"]?([\w.]+)", re.MULTILINE)
_TAG = re.compile(
    r"!!python/(?:object(?:/(?:apply|new))?|name|module)\s*:\s*([\w.]+)|!!python/(\w+)|!<tag:yaml\.org,2002:python/([^>]+)>"
)
_INTERPOLATION = re.compile(r"\$\{(oc\.env|oc\.decode|eval|python|env|hydra)[:.]([^}]{0,80})\}")
_TRITON = re.compile(
    r"(?:^|[\s{])(backend|default_model_filename|platform|input_data_file|string_value)\s*:\s*\"([^\"]*)\""
)
_OUTSIDE = re.compile(r"(^|[/\\])\.\.([/\\]|$)|^[/\\~]|^[A-Za-z]:[/\\]|^\w+://")
_MODELFILE = re.compile(
    r"^[ \t]*(FROM|ADAPTER|SYSTEM|TEMPLATE|MESSAGE|PARAMETER|LICENSE)\b[ \t]*(\"\"\"[\s\S]*?\"\"\"|[^\n]*)",
    re.MULTILINE | re.IGNORECASE,
)
_TRUST = re.compile(
    r"--trust[-_]remote[-_]code\b(?![ =]*(?:false|0))|(?<!no_)\btrust_remote_code\s*[=:]\s*[\"']?true\b", re.IGNORECASE
)
_PIPED = re.compile(
    r"\b(?:curl|wget)\b[^\n|;&]*\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b|\b(?:ba)?sh\s+-c\s+[\"']?\$\((?:curl|wget)|/dev/tcp/\d",
    re.IGNORECASE,
)
_LEADS_OUT = re.compile(r"^\s*\w+\s*:\s*[\"']?(?:\S*\.\./\S*|/(?:etc|root|home|proc)/\S*|file://\S+)", re.MULTILINE)
_MANY = 5
_TRAINING = (
    "torch.distributed.",
    "torch.fx.",
    "torch.utils.data.",
    "hydra._internal.core_plugins.",
    "functools.partial",
    "pathlib.Path",
    "numpy.array",
)
"""Names that a pickle has no business with and a training configuration has."""


def scan_yaml(text: str, path: str, notes: Notes) -> None:
    """Examine YAML: what Hydra's `_target_` calls, what MLflow imports, what an unsafe loader would build."""
    for found in _TARGET.finditer(text):
        _named(found[1], found.start(1), path, notes)
    for found in _LOADER.finditer(text):
        _loader(found[1], found.start(1), path, notes)
    for found in _TAG.finditer(text):
        name = found[1] or found[2] or found[3]
        harmless = name in {
            "tuple",
            "str",
            "unicode",
            "int",
            "long",
            "float",
            "complex",
            "bool",
            "none",
            "bytes",
            "list",
            "dict",
        }
        if not harmless:
            severity = Severity.CRITICAL if found[1] and _dangerous(found[1]) else Severity.MEDIUM
            notes.find("config.yaml-object", path, found.start(), severity=severity, name=name)
    for found in _INTERPOLATION.finditer(text):
        if found[1] in {"eval", "python"}:
            notes.find("config.dangerous-target", path, found.start(), name=found[0])
    if re.search(r"(^|[/!])MLmodel$", path):
        for found in _LEADS_OUT.finditer(text):
            notes.find("config.outside-path", path, found.start(), name=found[0].strip())
    growing = [line for line in text.splitlines() if line.count("*") >= _MANY and "&" in line]
    if len(growing) >= _MANY:
        notes.find("config.yaml-bomb", path, name=growing[0])
    scan_command(text, path, notes)


def scan_command(text: str, path: str, notes: Notes) -> None:
    """Examine what is typed into a shell or handed to a server."""
    for found in _TRUST.finditer(text):
        notes.find("config.trusts-remote-code", path, found.start(), name=found[0])
    for found in _PIPED.finditer(text):
        notes.find("config.piped-shell", path, found.start(), name=found[0])


def _dangerous(name: str) -> bool:
    module, _, last = name.rpartition(".")
    return standing(module or "builtins", last) in {Standing.DANGEROUS, Standing.STANDARD}


def _named(name: str, at: int, path: str, notes: Notes) -> None:
    """Judge a callable that a configuration names."""
    if _dangerous(name) and not name.startswith(_TRAINING):
        notes.find("config.dangerous-target", path, at, name=name)


def _loader(name: str, at: int, path: str, notes: Notes) -> None:
    if name.startswith("mlflow.") or name == "mlflow":
        return
    if _dangerous(name + ".load") or standing(name, "load") is Standing.DANGEROUS:
        notes.find("config.dangerous-target", path, at, name=name)
    else:
        notes.find("config.remote-code", path, at, severity=Severity.MEDIUM, name=name)


def scan_triton(text: str, path: str, notes: Notes) -> None:
    """Examine Triton's `config.pbtxt`, and a TensorFlow graph written out as text."""
    for found in _TRITON.finditer(text):
        field, value = found[1], found[2]
        hidden = calls().shells.search(value) or ".." in value.split("/")
        if hidden if field == "string_value" else _OUTSIDE.search(value):
            notes.find("config.outside-path", path, found.start(), name=f"{field}: {value}")


def scan_modelfile(text: str, path: str, notes: Notes) -> None:
    """Examine Ollama's Modelfile."""
    for command, value, at in _commands(text):
        if command in {"FROM", "ADAPTER"}:
            if re.match(r"\w+://", value) or ".." in re.split(r"[/\\]", value):
                notes.find("config.outside-path", path, at, name=f"{command} {value}")
        elif command in {"SYSTEM", "TEMPLATE", "MESSAGE"}:
            if harm(value):
                notes.find("template.hidden-instruction", path, at, severity=Severity.HIGH, name=value)
            elif doubtful(value):
                notes.find("template.hidden-instruction", path, at, severity=Severity.MEDIUM, name=value)


def _commands(text: str) -> Iterator[tuple[str, str, int]]:
    for found in _MODELFILE.finditer(text):
        yield found[1].upper(), found[2].strip().strip('"').strip(), found.start()
