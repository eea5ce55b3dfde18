"""What lies beside the weights: JSON and YAML that name code, templates, tokenizers that change words, indexes.

The same name in a description or a vocabulary is nothing; each rule looks at the one place where a loader acts on it.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from jingwei.deploy.artifacts.examination import Examination
from jingwei.deploy.artifacts.globals import Standing, standing
from jingwei.deploy.artifacts.keras import scan_keras
from jingwei.deploy.artifacts.source import Source
from jingwei.deploy.artifacts.template import scan_template

_LONGEST = 32 * 1024 * 1024
_MOST_NODES = 2_000_000
_TEXTS = re.compile(
    r"\.(txt|md|jsonl?|ya?ml|cfg|ini|toml|csv|tsv|pyi?|jinja2?|j2|xml|html?|rst|vocab|merges|lock|sh|proto|log|sha256)$"
    r"|(^|[/!])(LICEN[SC]E|NOTICE|README|COPYING|MLmodel|Dockerfile|Modelfile|\.gitattributes|\.gitignore|vocab"
    r"|byteorder|version)[^/]*$",
    re.IGNORECASE,
)
_TARGET = re.compile(r"^\s*-?\s*_target_\s*:\s*['\"]?([\w.]+)", re.MULTILINE)
_LOADER = re.compile(r"^\s*loader_module\s*:\s*['\"]?([\w.]+)", re.MULTILINE)
_INDEX = re.compile(r"^\s*(--extra-index-url|--index-url|-i|--find-links|-f|--trusted-host)\b[ =]*(\S+)", re.MULTILINE)
_URL = re.compile(r"^\s*([\w.\[\]-]+ *@ *)?(git\+\S+|https?://\S+)", re.MULTILINE)
_LETTERS = re.compile(r"[^\W\d_]{2,}")


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
    name = re.split(r"[/!]", path)[-1]
    acts = name.endswith((".json", ".jinja", ".jinja2", ".j2", ".yaml", ".yml")) or name in {
        "MLmodel",
        "requirements.txt",
    }
    if not acts:
        return
    if source.size > _LONGEST:
        examination.notes.gap("gap-header-size", path, limit=_LONGEST)
        return
    text = source.read(0, source.size).decode("utf-8", "replace")
    if name.endswith(".json"):
        _json(text, name, path, examination)
    elif name.endswith((".jinja", ".jinja2", ".j2")):
        scan_template(text, path, examination.notes)
    elif name == "requirements.txt":
        for found in [*_INDEX.finditer(text), *_URL.finditer(text)]:
            examination.notes.find("config.foreign-index", path, found.start(), name=found[2])
    else:
        _targets(text, path, examination)


def _targets(text: str, path: str, examination: Examination) -> None:
    """Hydra's `_target_` names what is called; MLflow's `loader_module` what is imported."""
    for found in _TARGET.finditer(text):
        module, _, name = found[1].rpartition(".")
        if standing(module, name) in {Standing.DANGEROUS, Standing.STANDARD}:
            examination.notes.find("config.dangerous-target", path, found.start(1), name=found[1])
    for found in _LOADER.finditer(text):
        if not found[1].startswith("mlflow."):
            examination.notes.find("config.remote-code", path, found.start(1), name=found[1])


def _json(text: str, name: str, path: str, examination: Examination) -> None:
    notes = examination.notes
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        notes.gap("gap-json", path)
        return
    for count, node in enumerate(_objects(value)):
        if count > _MOST_NODES:
            notes.gap("gap-header-size", path, limit=_MOST_NODES)
            return
        _object(node, path, examination)
    if isinstance(value, dict) and "class_name" in value and "config" in value:
        scan_keras(value, path, notes)
    if name == "tokenizer.json" and isinstance(value, dict):
        _tokenizer(value, path, examination)
    if name == "modules.json" and isinstance(value, list):
        for entry in value:
            kind = str(entry.get("type", "")) if isinstance(entry, dict) else ""
            if kind and not kind.startswith("sentence_transformers."):
                notes.find("config.remote-code", path, name=kind)


def _objects(value: Any) -> Iterator[dict[str, Any]]:  # any JSON
    """Walk all objects of a JSON value without recursion."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(inner for inner in node.values() if isinstance(inner, dict | list))
        elif isinstance(node, list):
            waiting.extend(inner for inner in node if isinstance(inner, dict | list))


def _object(node: dict[str, Any], path: str, examination: Examination) -> None:
    """Judge the places of one object at which a loader acts."""
    notes = examination.notes
    remote = node.get("auto_map") or node.get("custom_pipelines") or node.get("auto_mapping")
    if isinstance(remote, dict) and remote:
        names = [str(entry) for entry in remote.values()]
        notes.find("config.remote-code", path, name=", ".join(names)[:120])
    template = node.get("chat_template")
    for entry in template if isinstance(template, list) else [template]:
        written = entry.get("template") if isinstance(entry, dict) else entry
        if isinstance(written, str):
            scan_template(written, path, notes)
    target = node.get("_target_")
    if isinstance(target, str):
        _targets(f"_target_: {target}", path, examination)
    handler = node.get("model")
    if (
        path.endswith("MAR-INF/MANIFEST.json")
        and isinstance(handler, dict)
        and str(handler.get("handler", "")).endswith(".py")
    ):
        notes.find("archive.handler-code", path, name=handler["handler"])
    _skops(node, path, examination)


def _skops(node: dict[str, Any], path: str, examination: Examination) -> None:
    """Skops names the class of every node it will build."""
    module, name, loader = node.get("__module__"), node.get("__class__"), node.get("__loader__")
    if not (isinstance(module, str) and isinstance(name, str) and isinstance(loader, str)):
        return
    content = node.get("content")
    if loader in {"FunctionNode", "MethodNode", "PartialNode"} and isinstance(content, dict):
        module, name = str(content.get("module_path", module)), str(content.get("function", name))
    known = standing(module, name)
    if known is Standing.DANGEROUS or (known is Standing.STANDARD and loader in {"FunctionNode", "OperatorFuncNode"}):
        examination.notes.find("config.dangerous-target", path, name=f"{module}.{name}")


def _tokenizer(value: dict[str, Any], path: str, examination: Examination) -> None:
    """A tokenizer may clean text up; one that puts other words in changes what the model reads or says."""
    for part in ("normalizer", "pre_tokenizer", "decoder", "post_processor"):
        for node in _objects(value.get(part)):
            pattern, content = node.get("pattern"), node.get("content")
            if node.get("type") != "Replace" or not isinstance(pattern, dict) or not isinstance(content, str):
                continue
            source = " ".join(str(one) for one in pattern.values())
            if _LETTERS.search(content) and source != content:
                examination.notes.find("config.tokenizer-rewrite", path, name=f"{source} → {content}")
