"""What a model's papers say: its card's front matter, its configuration, its adapter's, its weights' headers."""

import re
from collections.abc import Mapping
from pathlib import Path

from jingwei.deploy.artifacts import FileSource, describe_gguf
from jingwei.deploy.bom.reading import Unreadable, as_list, as_mapping, json_of, line_of, text_of, yaml_value

_FRONT = re.compile(r"\A\s*---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_LONGEST_CARD = 4 * 1024 * 1024
_MOST = 50
_GGUF = {"name": "general.name", "version": "general.version", "licence": "general.license",
         "supplier": "general.organization", "architecture": "general.architecture",
         "quantisation": "general.file_type"}  # fmt: skip


class Card(Mapping[str, str]):
    """Facts of a model, with its base models and datasets as lists."""

    def __init__(self, facts: dict[str, str], base: tuple[str, ...] = (), datasets: tuple[str, ...] = ()) -> None:
        self.facts, self.base, self.datasets = {name: value for name, value in facts.items() if value}, base, datasets

    def __getitem__(self, name: str) -> str:
        return self.facts[name]

    def __iter__(self):  # type: ignore[no-untyped-def]  # noqa: ANN204 - Mapping's own
        return iter(self.facts)

    def __len__(self) -> int:
        return len(self.facts)

    def joined(self, other: "Card") -> "Card":
        """Return both; where both speak, this one counts."""
        return Card({**other.facts, **self.facts}, tuple(dict.fromkeys((*self.base, *other.base))),
                    tuple(dict.fromkeys((*self.datasets, *other.datasets))))  # fmt: skip


def folder_card(folder: Path) -> Card:
    """Read everything that a folder's own papers say of the model in it."""
    found = Card({})
    for name in ("README.md", "readme.md", "MODEL_CARD.md"):
        found = found.joined(_front_matter(folder / name))
    found = found.joined(_adapter(folder / "adapter_config.json")).joined(_configuration(folder / "config.json"))
    return found.joined(_generator(folder / "quantize_config.json", folder / "quantization_config.json"))


def gguf_card(path: Path) -> Card:
    """Read what a GGUF file says of itself."""
    try:
        with FileSource(path) as source:
            said = describe_gguf(source)
    except OSError:
        return Card({})
    bases = tuple(
        line_of(value) for name, value in sorted(said.items()) if re.fullmatch(r"general\.base_model\.\d+\.name", name)
    )
    return Card({ours: line_of(said.get(theirs, "")) for ours, theirs in _GGUF.items()}, tuple(filter(None, bases)))


def _front_matter(path: Path) -> Card:
    try:
        found = _FRONT.match(text_of(path, _LONGEST_CARD))
        said = as_mapping(yaml_value(found[1])) if found else {}
    except Unreadable:
        return Card({})
    licence = line_of(said.get("license"))
    if licence == "other" and said.get("license_name"):
        licence = f"LicenseRef-{re.sub(r'[^A-Za-z0-9.-]+', '-', line_of(said['license_name']))}"
    facts = {"licence": licence, "task": line_of(said.get("pipeline_tag")),
             "library": line_of(said.get("library_name")),
             "languages": ", ".join(_texts(said.get("language"))), "tags": ", ".join(_texts(said.get("tags")))[:400],
             "name": line_of(said.get("model_name"))}  # fmt: skip
    return Card(facts, tuple(_texts(said.get("base_model"))), tuple(_texts(said.get("datasets"))))


def _texts(value: object) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [line for each in listed[:_MOST] if (line := line_of(each))]


def _adapter(path: Path) -> Card:
    said = _json(path)
    base = line_of(said.get("base_model_name_or_path"))
    kind = line_of(said.get("peft_type"))
    return Card({"adapter": kind}, (base,) if base else ())


def _configuration(path: Path) -> Card:
    said = _json(path)
    architectures = [line for each in as_list(said.get("architectures")) if (line := line_of(each))]
    quantised = as_mapping(said.get("quantization_config"))
    bits = line_of(quantised.get("bits"))
    method = line_of(quantised.get("quant_method"))
    named = line_of(said.get("_name_or_path"))
    return Card({
        "architecture": architectures[0] if architectures else line_of(said.get("model_type")),
        "family": line_of(said.get("model_type")), "precision": line_of(said.get("torch_dtype") or said.get("dtype")),
        "quantisation": f"{method}-{bits}bit" if method and bits else method,
        "transformers": line_of(said.get("transformers_version")),
        "built-from": named if re.fullmatch(r"[\w.-]+/[\w.-]+", named) else "",
        "remote-code": "yes" if said.get("auto_map") else "",
    })  # fmt: skip


def _generator(*paths: Path) -> Card:
    for path in paths:
        said = _json(path)
        if said.get("bits"):
            method = line_of(said.get("quant_method")) or "gptq"
            return Card({"quantisation": f"{method}-{line_of(said['bits'])}bit"})
    return Card({})


def _json(path: Path) -> dict[str, object]:
    try:
        return as_mapping(json_of(path))
    except Unreadable:
        return {}
