"""What the header of a safetensors file says, without its tensors: how many numbers, of which kinds, and its notes."""

import json
from math import prod
from pathlib import Path

from jingwei.deploy.bom.reading import as_list, as_mapping, line_of

_LARGEST_HEADER = 32 * 1024 * 1024
_MOST_NOTES = 20


def describe_safetensors(path: Path) -> dict[str, str]:
    """Return the facts of a safetensors file; none where its header does not hold."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if 2 <= length <= _LARGEST_HEADER else {}
    except (OSError, ValueError, RecursionError):
        return {}
    tensors = {name: as_mapping(each) for name, each in as_mapping(header).items() if name != "__metadata__"}
    kinds = sorted({line_of(each.get("dtype"), 12) for each in tensors.values()})
    count = sum(prod(size for size in as_list(each.get("shape"))[:8] if isinstance(size, int) and 0 <= size < 2**40)
                for each in tensors.values())  # fmt: skip
    notes = list(as_mapping(as_mapping(header).get("__metadata__")).items())[:_MOST_NOTES]
    said = {f"metadata.{line_of(name, 40)}": line_of(value, 120) for name, value in notes}
    found = {"tensors": str(len(tensors)), "parameters": str(count), "precision": ", ".join(filter(None, kinds))[:80]}
    return {name: value for name, value in (found | said).items() if value} if tensors else {}
