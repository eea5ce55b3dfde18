"""Keras: the model's JSON, in `.keras` archives and in HDF5, judged by what its deserialiser would import and build.

`registered_name` changes nothing: where it is not registered, Keras imports `module` all the same (CVE-2025-1550).
"""

import re
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict

from jingwei.core.finding import Severity
from jingwei.core.package_data import package_data
from jingwei.deploy.artifacts.globals import Standing, standing
from jingwei.deploy.artifacts.notes import Notes

_MOST_NODES = 2_000_000
_ADDRESS = re.compile(r"^\w{2,}://|^[/\\~]|^[A-Za-z]:[/\\]|(^|[/\\])\.\.([/\\]|$)")
_SPECIAL = re.compile(r"__\w+__")
_CLASS = re.compile(r"_*[A-Z]\w*")
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]{40,}={0,2}\s*")


class _Known(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=lambda name: name.replace("_", "-"))

    code_classes: frozenset[str]
    homes: tuple[str, ...]
    prefixes: tuple[str, ...]
    relatives: tuple[str, ...]
    builtins: frozenset[str]
    acting: re.Pattern[str]
    opened: frozenset[str]


@lru_cache(maxsize=1)
def _known() -> _Known:
    return _Known.model_validate(package_data(__package__, "keras.yaml"))


def looks_like_keras(value: object) -> bool:
    """Tell whether a JSON value is a model's configuration."""
    if not isinstance(value, dict):
        return False
    held = [value, *(each for each in value.values() if isinstance(each, dict))]
    return (
        any("class_name" in each and ("config" in each or "module" in each) for each in held)
        or "keras_version" in value
    )


def scan_keras(value: Any, path: str, notes: Notes, *, offset: int | None = None) -> None:  # any JSON
    """Examine a model's configuration."""
    notes.format("keras")
    waiting, count = [value], 0
    while waiting:
        node = waiting.pop()
        count += 1
        if count > _MOST_NODES:
            notes.gap("gap-header-size", path, limit=_MOST_NODES)
            return
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            _node(node, path, notes, offset=offset)
            waiting.extend(node.values())


def _node(node: dict[str, Any], path: str, notes: Notes, *, offset: int | None) -> None:
    name, module, config = node.get("class_name"), node.get("module"), node.get("config")
    if not isinstance(name, str):
        return
    if name.rpartition(">")[2].rpartition(".")[2] in _known().code_classes:
        _code(name, config, path, notes, offset=offset)
    if isinstance(config, dict):
        _settings(name, config, path, notes, offset=offset)
    if not isinstance(module, str):
        legacy = config if name == "function" and isinstance(config, str) else ""
        if _known().acting.match(legacy) or legacy in {"eval", "exec", "compile", "__import__", "open"}:
            notes.find("keras.acting-function", path, offset, name=legacy)
        return
    target = config if name == "function" and isinstance(config, str) else name
    _target(module, target, path, notes, offset=offset, function=name == "function")


def _code(name: str, config: object, path: str, notes: Notes, *, offset: int | None) -> None:
    """A layer that carries code, or says where it lies."""
    held = (
        str(config.get("function") or config.get("module") or config.get("code") or "")
        if isinstance(config, dict)
        else ""
    )
    notes.find("keras.lambda", path, offset, evidence=f"{name} {held}"[:160], name=name)


def _target(module: str, target: str, path: str, notes: Notes, *, offset: int | None, function: bool) -> None:
    """Judge what would be imported."""
    known = _known()
    inner = next((f"keras{module.removeprefix(each)}" for each in known.prefixes if _under(module, each)), module)
    if module in {"builtins", "__builtin__", ""}:
        if target not in known.builtins and standing("builtins", target) is Standing.DANGEROUS:
            notes.find("config.dangerous-target", path, offset, name=f"builtins.{target}")
        return
    if _under(inner, "keras"):
        _keras(inner, target, path, notes, offset=offset, function=function)
    elif any(_under(module, each) for each in known.relatives):
        return
    elif standing(module, target) in {Standing.DANGEROUS, Standing.STANDARD}:
        notes.find("config.dangerous-target", path, offset, name=f"{module}.{target}")
    elif not _under(module, "numpy") or function:
        plain = _CLASS.fullmatch(target) and not function
        severity = Severity.LOW if module == "__main__" else Severity.MEDIUM if plain else Severity.HIGH
        notes.find("keras.foreign-object", path, offset, severity=severity, name=f"{module}.{target}")


def _keras(module: str, target: str, path: str, notes: Notes, *, offset: int | None, function: bool) -> None:
    """Inside Keras, only parts that compute may be named; nothing that reaches files or turns safety off."""
    known = _known()
    last = target.rpartition(".")[2]
    home = module == "keras" or any(_under(module, each) or _under(f"{module}.{target}", each) for each in known.homes)
    shaped = _CLASS.fullmatch(last) or _SPECIAL.fullmatch(last) or function
    if known.acting.match(last) or not home or "." in target or not shaped:
        notes.find("keras.acting-function", path, offset, name=f"{module}.{target}")


def _settings(name: str, config: dict[str, Any], path: str, notes: Notes, *, offset: int | None) -> None:
    """What a layer's settings make it open."""
    for key, value in config.items():
        if key in _known().opened and isinstance(value, str) and value:
            looks_up = "Lookup" in name or name.rpartition(">")[2] in {"TextVectorization", "Vectorization"}
            if (key in {"vocabulary", "idf_weights"} and looks_up) or _ADDRESS.search(value):
                notes.find("keras.opens-file", path, offset, name=f"{name}.{key} = {value}")
        elif (
            key == "function"
            and isinstance(value, list)
            and value
            and isinstance(value[0], str)
            and _BASE64.fullmatch(value[0])
        ):
            notes.find("keras.lambda", path, offset, evidence=value[0], name=name)
        elif (
            key in {"node_def", "op_type"}
            and isinstance(value, str)
            and re.search(r"\b(PyFunc\w*|EagerPyFunc|ReadFile|WriteFile)\b", value)
        ):
            notes.find("keras.lambda", path, offset, name=f"{name} {value}")


def _under(name: str, root: str) -> bool:
    return name == root or name.startswith(root + ".")
