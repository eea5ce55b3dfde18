"""Models, datasets and prompts as components: a digest each, and what they say of themselves."""

import json
from pathlib import Path

from jingwei.core.canonical import digest
from jingwei.deploy.artifacts import FileSource, describe_gguf
from jingwei.deploy.bom.component import Component, Kind
from jingwei.deploy.bom.reading import Unreadable, digest_of

_LONGEST_CONFIG = 4 * 1024 * 1024
_MOST_FILES = 20_000
_ARCHITECTURE = "architecture"


def read_file(path: Path, kind: Kind) -> Component:
    """Read one file or folder."""
    try:
        sha256 = _folder_digest(path) if path.is_dir() else digest_of(path)
    except (OSError, Unreadable) as error:
        return Component(kind=kind, name=path.name, gap=getattr(error, "reason", "gap-file"))
    if kind != "model":
        return Component(kind=kind, name=path.name, version=sha256[:12], sha256=sha256)
    facts = _model_facts(path)
    licence = facts.pop("licence", "")
    return Component(
        kind=kind, name=facts.pop("name", "") or path.name, version=facts.pop("version", "") or sha256[:12],
        licence=licence, sha256=sha256, supplier=facts.pop("supplier", ""), facts=facts | {"file": path.name},
    )  # fmt: skip


def _folder_digest(path: Path) -> str:
    """Return the digest over a folder's sorted (path, digest) pairs.

    Raises:
        OSError: there is none, or there are too many.
        Unreadable: one cannot be read.
    """
    files = sorted(inner for inner in path.rglob("*") if inner.is_file())
    if not files or len(files) > _MOST_FILES:
        raise OSError(str(path))
    return digest(sorted([inner.relative_to(path).as_posix(), digest_of(inner)] for inner in files))


def _model_facts(path: Path) -> dict[str, str]:
    weights = path if path.is_file() else next(iter(sorted(path.glob("*.gguf"))), None)
    if weights is not None:
        with FileSource(weights) as source:
            said = describe_gguf(source)
        if said:
            names = {"name": "general.name", "version": "general.version", "licence": "general.license",
                     "supplier": "general.organization", _ARCHITECTURE: "general.architecture"}  # fmt: skip
            return {ours: said[theirs] for ours, theirs in names.items() if said.get(theirs)}
    return _configured((path if path.is_dir() else path.parent) / "config.json")


def _configured(config: Path) -> dict[str, str]:
    """Read a Hugging Face style configuration that lies with the weights."""
    try:
        with config.open(encoding="utf-8") as file:
            value = json.loads(file.read(_LONGEST_CONFIG))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    architectures = value.get("architectures")
    named = architectures[0] if isinstance(architectures, list) and architectures else value.get("model_type")
    return {_ARCHITECTURE: str(named)[:200]} if named else {}
