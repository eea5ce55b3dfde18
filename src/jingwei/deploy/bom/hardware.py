"""What this machine is made of, as far as its kernel says: processor, memory, accelerators and their drivers.

Nothing is run. Where an accelerator's driver leaves no trace under `/proc`, it is not known whether there is one.
"""

import platform
import re
from collections.abc import Iterator
from pathlib import Path

from jingwei.deploy.bom.component import Component
from jingwei.deploy.bom.reading import Unreadable, line_of, text_of


def hardware(proc: Path = Path("/proc"), system: Path = Path("/sys")) -> Iterator[Component]:
    """Give the devices of this machine, and its kernel."""
    processor = _text(proc / "cpuinfo")
    model = re.search(r"^(?:model name|Model|cpu model)\s*:\s*(.+)$", processor, re.MULTILINE)
    cores = len(re.findall(r"^processor\s*:", processor, re.MULTILINE))
    memory = re.search(r"^MemTotal:\s*(\d+) kB", _text(proc / "meminfo"), re.MULTILINE)
    facts = {"class": "processor", "architecture": platform.machine(), "cores": str(cores) if cores else "",
             "memory-mebibytes": str(int(memory[1]) // 1024) if memory else ""}  # fmt: skip
    yield _device(line_of(model[1]) if model else platform.machine(), facts)
    release = line_of(_text(proc / "sys/kernel/osrelease"))
    if release:
        yield _device("linux", {"class": "kernel"}, version=release)
    yield from _accelerators(proc, system)


def _accelerators(proc: Path, system: Path) -> Iterator[Component]:
    version = re.search(r"Kernel Module\S*\s+(?:for \S+\s+)?(\d+(?:\.\d+)+)", _text(proc / "driver/nvidia/version"))
    driver = {"driver": version[1]} if version else {}
    cards = sorted((proc / "driver/nvidia/gpus").glob("*/information"))
    for path in cards:
        name = re.search(r"^Model:\s*(.+)$", _text(path), re.MULTILINE)
        yield _device(line_of(name[1]) if name else "NVIDIA GPU", {"class": "accelerator"} | driver)
    amd = line_of(_text(system / "module/amdgpu/version"))
    if amd:
        yield _device("AMD GPU", {"class": "accelerator", "driver": amd})
    if not cards and not amd:
        yield Component(kind="hardware", name="accelerator", facts={"class": "accelerator", "state": "unknown"})


def _device(name: str, facts: dict[str, str], *, version: str = "") -> Component:
    return Component(
        kind="hardware", name=name, version=version, facts={key: value for key, value in facts.items() if value}
    )


def _text(path: Path) -> str:
    try:
        return text_of(path, 4 * 1024 * 1024)
    except Unreadable:
        return ""
