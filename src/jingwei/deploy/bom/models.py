"""Models as they lie on disk: every file of weights hashed, what the papers say, what the model was made from."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from jingwei.core.canonical import digest
from jingwei.deploy.bom.card import Card, folder_card, gguf_card
from jingwei.deploy.bom.component import Component, package_url
from jingwei.deploy.bom.reading import Unreadable, digest_of, line_of
from jingwei.deploy.bom.tensors import describe_safetensors

WEIGHTS = frozenset((".safetensors", ".gguf", ".ggml", ".bin", ".pt", ".pth", ".ckpt", ".onnx", ".h5", ".keras",
                     ".tflite", ".pb", ".msgpack", ".mlmodel", ".pdparams", ".npz", ".joblib", ".pkl"))  # fmt: skip
"""What files of weights are called; `.bin`, `.pb`, `.npz`, `.joblib` and `.pkl` count only beside a configuration."""
_CERTAIN = WEIGHTS - {".bin", ".pb", ".npz", ".joblib", ".pkl", ".msgpack"}
PAPERS = frozenset(("config.json", "adapter_config.json", "model_index.json", "modules.json"))
TOKENIZERS = frozenset(("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "merges.txt",
                        "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"))  # fmt: skip
_OWN = re.compile(r"(?:llama|gemma|openrail|creativeml|bigscience|bigcode|deepfloyd|qwen|cc|tongyi)[a-z0-9.-]*$")
_HUB = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}")


def is_model_folder(names: Sequence[str]) -> bool:
    """Tell whether a folder with these files holds a model: papers and weights, or weights that can be nothing else."""
    ends = {Path(name).suffix.lower() for name in names}
    return bool(ends & _CERTAIN) or bool(PAPERS & set(names) and ends & WEIGHTS)


def read_model_folder(folder: Path, names: Sequence[str], where: str) -> Iterator[Component]:
    """Give the model in a folder, its files of weights, and what it says it was made from."""
    papers = bool(PAPERS & set(names)) or _speaks(folder, names)
    kinds = WEIGHTS if papers else _CERTAIN
    weights = [name for name in sorted(names) if Path(name).suffix.lower() in kinds]
    if not papers:  # loose files: each a model of its own
        for name in weights:
            yield from read_weights(folder / name, f"{where}/{name}".lstrip("/"), alone=True)
        return
    beside = sorted(TOKENIZERS & set(names))
    files = [
        part for name in (*weights, *beside) for part in read_weights(folder / name, f"{where}/{name}".lstrip("/"))
    ]
    card = folder_card(folder)
    for name in weights:
        if name.endswith(".gguf"):
            card = card.joined(gguf_card(folder / name))
    yield from _model(card, card.facts.get("name") or folder.resolve().name, where or ".", files)
    yield from files


def _speaks(folder: Path, names: Sequence[str]) -> bool:
    return "README.md" in names and bool(folder_card(folder).facts)


def read_weights(path: Path, where: str, *, alone: bool = False) -> Iterator[Component]:
    """Give one file of weights, hashed; alone, it is a model."""
    sha256, gap = "", ""
    try:
        sha256 = digest_of(path)
    except Unreadable as error:
        gap = error.reason
    facts = describe_safetensors(path) if path.suffix == ".safetensors" and sha256 else {}
    if not alone:
        yield Component(
            kind="weights", name=path.name, version=sha256[:12], sha256=sha256, path=where, gap=gap, facts=facts
        )
        return
    card = gguf_card(path) if path.suffix == ".gguf" and sha256 else Card(facts)
    whole = Component(kind="weights", name=path.name, sha256=sha256, path=where, gap=gap)
    yield from _model(card, card.facts.get("name") or path.name, where, [whole])


def _model(card: Card, name: str, where: str, files: list[Component]) -> Iterator[Component]:
    facts = dict(card.facts)
    licence = facts.pop("licence", "")
    facts.pop("name", None)
    known = sorted([one.path.rpartition("/")[2], one.sha256] for one in files if one.sha256)
    sha256 = "" if not known else known[0][1] if len(files) == 1 and where == files[0].path else digest(known)
    built = facts.get("built-from", "")
    base = card.base or ((built,) if built and built != name else ())
    parts = tuple(one.path for one in files if one.path != where)
    yield Component(
        kind="model", name=line_of(name), version=facts.pop("version", "") or sha256[:12], licence=spdx(licence),
        sha256=sha256, supplier=facts.pop("supplier", ""), path=where, facts=facts,
        rests_on=(*base, *card.datasets, *parts), gap=next((one.gap for one in files if one.gap), ""),
    )  # fmt: skip
    for each in base:
        yield referenced("model", each, by=name)
    for each in card.datasets:
        yield referenced("dataset", each, by=name)


def referenced(kind: str, name: str, *, by: str) -> Component:
    """Return a model or dataset that is only named: its version is not known, and neither is its content."""
    purl = ""
    if kind == "model" and _HUB.fullmatch(name):
        owner, _, short = name.partition("/")
        purl = package_url("huggingface", short, namespace=owner)
    supplier = name.partition("/")[0] if _HUB.fullmatch(name) else ""
    return Component.model_validate(
        {"kind": kind, "name": name, "purl": purl, "supplier": supplier, "facts": {"named-by": by}, "path": ""}
    )


_SPDX = {"apache-2.0": "Apache-2.0", "mit": "MIT", "bsd-3-clause": "BSD-3-Clause", "bsd-2-clause": "BSD-2-Clause",
         "gpl-3.0": "GPL-3.0-only", "agpl-3.0": "AGPL-3.0-only", "lgpl-3.0": "LGPL-3.0-only", "gpl-2.0": "GPL-2.0-only",
         "mpl-2.0": "MPL-2.0", "cc-by-4.0": "CC-BY-4.0", "cc-by-sa-4.0": "CC-BY-SA-4.0", "cc0-1.0": "CC0-1.0",
         "cc-by-nc-4.0": "CC-BY-NC-4.0", "cc-by-nc-sa-4.0": "CC-BY-NC-SA-4.0", "cc-by-nc-nd-4.0": "CC-BY-NC-ND-4.0",
         "unlicense": "Unlicense", "isc": "ISC", "artistic-2.0": "Artistic-2.0", "bsl-1.0": "BSL-1.0",
         "epl-2.0": "EPL-2.0", "zlib": "Zlib", "wtfpl": "WTFPL", "ecl-2.0": "ECL-2.0", "ms-pl": "MS-PL"}  # fmt: skip


def spdx(licence: str) -> str:
    """Return the SPDX id that a hub's word for a licence stands for; a model's own licence becomes a LicenseRef."""
    known = _SPDX.get(licence.lower())
    if known or not licence or " " in licence or licence.lower() in {"unknown", "other"}:
        return known or ("" if licence.lower() == "unknown" else licence)
    return f"LicenseRef-{licence}" if _OWN.match(licence) else licence
