"""JSON beside the weights: at which places a loader acts on what is written there, and what it would do.

The same name in a description or a vocabulary is nothing; each rule looks at the one place that a loader obeys.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from jingwei.core.finding import Severity
from jingwei.deploy.artifacts.globals import Standing, standing
from jingwei.deploy.artifacts.instructions import harm, prose
from jingwei.deploy.artifacts.json_objects import MOST_NODES, objects, read_json, strings
from jingwei.deploy.artifacts.keras import looks_like_keras, scan_keras
from jingwei.deploy.artifacts.notes import Notes
from jingwei.deploy.artifacts.serving import scan_yaml
from jingwei.deploy.artifacts.template import scan_template
from jingwei.deploy.artifacts.tensorflow_graphs import scan_browser_model
from jingwei.deploy.artifacts.tokenizers import scan_added_tokens, scan_tokenizer

_REMOTE = re.compile(r"^\w+://|^\\\\")
_OUTSIDE = re.compile(r"(^|[/\\])\.\.([/\\]|$)")
_ABSOLUTE = re.compile(r"^[/\\~]|^[A-Za-z]:[/\\]|^\w+://")
_HUB = re.compile(r"(?:https?://)?[\w.-]+(?:/[\w.-]+)+(?:@[\w./-]+)?(?::[\w.]+)?")
_FETCHING = re.compile(
    r"implementation|(^|_)kernels?(_config|_mapping|_repo)?$|custom_pipeline$|custom_generate$|code_repo|remote_code"
)
_PARENTS = (
    "transformers",
    "torch",
    "timm",
    "diffusers",
    "peft",
    "sentence_transformers",
    "torchvision",
    "open_clip",
    "megatron.core",
)
_PIPELINES = (
    "diffusers",
    "transformers",
    "onnxruntime",
    "optimum",
    "flax",
    "stable_diffusion",
    "paint_by_example",
    "k_diffusion",
)


def scan_json(text: str, name: str, path: str, notes: Notes) -> None:
    """Examine a JSON file by its name."""
    try:
        value = read_json(text)
    except ValueError:
        notes.gap("gap-json", path)
        return
    for count, node in enumerate(objects(value)):
        if count > MOST_NODES:
            notes.gap("gap-header-size", path, limit=MOST_NODES)
            return
        _object(node, path, notes)
    if looks_like_keras(value):
        scan_keras(value, path, notes)
    if isinstance(value, list):
        _modules(value, path, notes) if name == "modules.json" else None
    elif isinstance(value, dict):
        _named(value, name, path, notes)


def _named(value: dict[str, Any], name: str, path: str, notes: Notes) -> None:
    """What only files of a certain name mean."""
    reader = _READERS.get(".index.json" if name.endswith(".index.json") else name)
    if reader is not None:
        reader(value, path, notes)
    if "modelTopology" in value or "weightsManifest" in value:
        scan_browser_model(value, path, notes)
    for key in ("prompts", "prompt_tuning_init_text", "system_prompt", "default_system_prompt", "default_prompt_name"):
        for said in strings(value.get(key)):
            if harm(said):
                notes.find("template.hidden-instruction", path, severity=Severity.HIGH, name=said)


def _object(node: dict[str, Any], path: str, notes: Notes) -> None:
    """Judge the places of one object at which a loader acts."""
    if isinstance(node.get("auto_map"), dict):
        _code(node["auto_map"], path, notes)
    if isinstance(node.get("impl"), str):  # of a custom pipeline
        _code({"impl": node["impl"]}, path, notes)
    template = node.get("chat_template")
    for entry in template if isinstance(template, list) else [template]:
        written = entry.get("template") if isinstance(entry, dict) else entry
        if isinstance(written, str):
            scan_template(written, path, notes)
    _fetched(node, path, notes)
    if isinstance(node.get("_target_"), str):
        scan_yaml(f"_target_: {node['_target_']}", path, notes)
    if node.get("trust_remote_code") is True:
        notes.find("config.trusts-remote-code", path, name="trust_remote_code")
    if path.endswith("MAR-INF/MANIFEST.json") and isinstance(node.get("model"), dict):
        handler = str(node["model"].get("handler", ""))
        if handler.endswith(".py"):
            notes.find("archive.handler-code", path, severity=Severity.LOW, name=handler)
    _skops(node, path, notes)


def _fetched(node: dict[str, Any], path: str, notes: Notes) -> None:
    """Where an implementation, a kernel or a pipeline is named by a repository, its code is fetched from there."""
    for key, entry in node.items():
        if not isinstance(entry, str | list | dict) or not _FETCHING.search(key):
            continue
        for each in strings(entry if not isinstance(entry, dict) else list(entry.values())):
            if _HUB.fullmatch(each):
                notes.find("config.foreign-code", path, severity=Severity.MEDIUM, name=f"{key}: {each}")


def _package(value: dict[str, Any], path: str, notes: Notes) -> None:
    """The manifest of a Core ML package names its files by path."""
    for entry in objects(value.get("itemInfoEntries")):
        for name in strings(entry.get("path")):
            if _OUTSIDE.search(name) or _ABSOLUTE.search(name):
                notes.find("config.outside-path", path, name=name)


def _code(mapping: Mapping[str, Any], path: str, notes: Notes) -> None:
    """`auto_map` names a class in a file beside it, or behind `--` in somebody else's repository."""
    for each in strings(list(mapping.values())):
        module = each.partition("--")[2] or each
        if "--" in each:
            notes.find("config.foreign-code", path, name=each)
        elif _OUTSIDE.search(each) or "/" in each or _REMOTE.search(each):
            notes.find("config.outside-path", path, name=each)
        elif standing(module.rpartition(".")[0], module.rpartition(".")[2]) is Standing.DANGEROUS:
            notes.find("config.dangerous-target", path, name=each)
        else:
            notes.find("config.own-code", path, name=each)


def _modules(value: list[Any], path: str, notes: Notes) -> None:
    """A sentence-transformers model is a list of classes to import."""
    for entry in value:
        kind = str(entry.get("type", "")) if isinstance(entry, dict) else ""
        if not kind or kind.startswith(("sentence_transformers.", "torch.nn.")):
            continue
        if "--" in kind:
            notes.find("config.foreign-code", path, name=kind)
        elif standing(*kind.rpartition(".")[::2]) in {Standing.DANGEROUS, Standing.STANDARD}:
            notes.find("config.dangerous-target", path, name=kind)
        else:
            notes.find("config.remote-code", path, severity=Severity.MEDIUM, name=kind)
        if _OUTSIDE.search(str(entry.get("path", ""))):
            notes.find("config.outside-path", path, name=entry["path"])


def _adapter(value: dict[str, Any], path: str, notes: Notes) -> None:
    """An adapter says which model it changes and, for models nobody knows, which package to import."""
    for key in ("base_model_name_or_path", "tokenizer_name_or_path"):
        base = value.get(key)
        if isinstance(base, str) and _REMOTE.search(base):
            notes.find("config.outside-path", path, name=f"{key}: {base}")
        elif isinstance(base, str) and _OUTSIDE.search(base):
            notes.find("config.outside-path", path, severity=Severity.MEDIUM, name=f"{key}: {base}")
    mapping = value.get("auto_mapping")
    parent = mapping.get("parent_library") if isinstance(mapping, dict) else None
    for library in (parent, value.get("megatron_core")):
        if isinstance(library, str) and not _under(library, _PARENTS):
            dangerous = standing(library, "load") is Standing.DANGEROUS
            notes.find("config.dangerous-target" if dangerous else "config.foreign-code", path, name=library)


def _under(name: str, roots: tuple[str, ...]) -> bool:
    return any(name == root or name.startswith(root + ".") for root in roots)


def _pipeline(value: dict[str, Any], path: str, notes: Notes) -> None:
    """A diffusers pipeline imports each component's class from the library beside it."""
    for name, entry in value.items():
        if not isinstance(entry, list) or len(entry) != 2 or not isinstance(entry[0], str):
            continue
        library, kind = entry[0], str(entry[1])
        if name == "_class_name":
            notes.find("config.own-code", path, name=f"{library}.{kind}")
        elif standing(library, kind) in {Standing.DANGEROUS, Standing.STANDARD}:
            notes.find("config.dangerous-target", path, name=f"{library}.{kind}")
        elif "--" in library or _OUTSIDE.search(name) or "/" in name:
            notes.find("config.foreign-code", path, name=f"{name}: {library}.{kind}")
        elif not _under(library, _PIPELINES) and not library.endswith("_diffusion"):
            severity = Severity.MEDIUM if "." in library else Severity.LOW
            notes.find("config.remote-code", path, severity=severity, name=f"{library}.{kind}")


def _index(value: dict[str, Any], path: str, notes: Notes) -> None:
    """An index says in which file each tensor lies."""
    files = value.get("weight_map")
    for name in sorted({str(each) for each in files.values()}) if isinstance(files, dict) else ():
        if _OUTSIDE.search(name) or name.startswith(("/", "\\", "~")) or _REMOTE.search(name) or name[1:2] == ":":
            notes.find("config.outside-path", path, name=name)


def _generation(value: dict[str, Any], path: str, notes: Notes) -> None:
    """What steers generation beside the weights."""
    custom = value.get("custom_generate")
    if isinstance(custom, str):
        notes.find("config.foreign-code" if "/" in custom else "config.own-code", path, name=custom)
    if value.get("sequence_bias"):
        notes.find("config.steers-words", path, name="sequence_bias")
    stops = value.get("stop_strings")
    for stop in stops if isinstance(stops, list) else ():
        if isinstance(stop, str) and prose(stop):
            notes.find("config.steers-words", path, name=stop)


def _skops(node: dict[str, Any], path: str, notes: Notes) -> None:
    """Skops names the class of every node it will build."""
    module, name, loader = node.get("__module__"), node.get("__class__"), node.get("__loader__")
    if not (isinstance(module, str) and isinstance(name, str) and isinstance(loader, str)):
        return
    content = node.get("content")
    if loader in {"FunctionNode", "MethodNode", "PartialNode"} and isinstance(content, dict):
        module, name = str(content.get("module_path", module)), str(content.get("function", name))
    known = standing(module, name)
    called = loader in {"FunctionNode", "OperatorFuncNode"} and known is Standing.STANDARD
    builds = loader == "OperatorFuncNode" and (
        name in {"methodcaller", "call"} or (name == "attrgetter" and _inside(node))
    )
    if known is Standing.DANGEROUS or called or builds:
        notes.find("config.dangerous-target", path, name=f"{module}.{name}")


def _inside(node: dict[str, Any]) -> bool:
    """Tell whether a getter of attributes reaches for the interpreter's insides, or for what cannot be told."""
    attributes = node.get("attrs")
    content = attributes.get("content") if isinstance(attributes, dict) else None
    listed = content if isinstance(content, list) else [None]
    parts = [each.get("content") if isinstance(each, dict) else None for each in listed]
    return any(not isinstance(part, str) or "__" in part for part in parts)


_READERS: dict[str, Callable[[dict[str, Any], str, Notes], None]] = {
    "tokenizer.json": scan_tokenizer,
    "tokenizer_config.json": scan_added_tokens,
    "special_tokens_map.json": scan_added_tokens,
    "adapter_config.json": _adapter,
    "model_index.json": _pipeline,
    ".index.json": _index,
    "Manifest.json": _package,
    "generation_config.json": _generation,
}
