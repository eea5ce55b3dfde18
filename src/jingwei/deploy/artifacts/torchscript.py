"""TorchScript: a language without imports; its few operators that reach files or libraries are looked for."""

import re

from jingwei.deploy.artifacts.examination import Examination
from jingwei.deploy.artifacts.source import Source

CODE = re.compile(r"(^|/)code/.+\.py$")
_LONGEST = 8 * 1024 * 1024
_FILES = re.compile(r"\b(?:torch|ops\.aten|aten)\.(save|load|from_file|_save|_load_global_deps|load_library)\s*\(")
_OPERATOR = re.compile(r"\bops\.(\w+)\.(\w+)")
_USUAL = frozenset({
    "aten", "prim", "prims", "quantized", "quantized_decomposed", "torchvision", "torchaudio", "torchtext", "prepacked",
    "mkldnn", "mkldnn_prepacked",
    "_quantized", "sparse", "xnnpack", "profiler", "inductor", "higher_order", "fbgemm", "metal", "metal_prepack",
    "vulkan_prepack", "static_runtime", "tensorexpr", "cuda", "onnx_symbolic", "debugprims", "c10d_functional", "_test",
})  # fmt: skip


def scan_torchscript(source: Source, path: str, examination: Examination) -> None:
    """Examine the code of a TorchScript archive."""
    if source.size > _LONGEST:
        examination.notes.gap("gap-header-size", path, limit=_LONGEST)
        return
    code = source.read(0, source.size).decode("utf-8", "replace")
    for found in _FILES.finditer(code):
        line = code[found.start() : found.start() + 120].partition("\n")[0]
        examination.notes.find("torchscript.file-operator", path, found.start(), evidence=line, name=found[1])
    for found in _OPERATOR.finditer(code):
        if found[1] not in _USUAL:
            name = f"{found[1]}::{found[2]}"
            examination.notes.find("torchscript.custom-operator", path, found.start(), name=name)
