"""safetensors: a length, a JSON header, then tensors that must fill the rest exactly, without overlap or hole."""

import json
import re
from math import prod
from typing import Any, TypeGuard

from jingwei.core.finding import Severity
from jingwei.deploy.artifacts.examination import Examination
from jingwei.deploy.artifacts.pickles import looks_pickled, scan_pickle
from jingwei.deploy.artifacts.source import Source, Stretch
from jingwei.deploy.artifacts.template import scan_template

_LOOKED_AT = 4 * 1024 * 1024
_PROGRAM = re.compile(
    rb"\x7fELF|MZ[\s\S]{58,1024}PE\0\0|\xcf\xfa\xed\xfe|\xce\xfa\xed\xfe|\xca\xfe\xba\xbe|PK\x03\x04|^\0*#!/|\0asm\x01"
)
_CLIMBS = re.compile(r"(^|[/\\])\.\.([/\\]|$)|^[A-Za-z]:[/\\]|^~/|^/(etc|root|home|proc|tmp|usr|var|dev)/")
_LONGEST_HEADER = 32 * 1024 * 1024
_DEEPEST = 8
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "F64": 64, "I64": 64, "U64": 64,
    "C64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip


def looks_like_safetensors(head: bytes, size: int) -> bool:
    """Tell whether a header of believable length begins here."""
    return len(head) > 9 and head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= size - 8


def scan_safetensors(source: Source, path: str, examination: Examination) -> None:
    """Examine the header and its account of the data."""
    notes = examination.notes
    notes.format("safetensors")
    length = int.from_bytes(source.read(0, 8), "little")
    if source.size < 10 or length > source.size - 8:
        notes.find("safetensors.header", path, 0, problem="length")
        notes.gap("gap-header", path)
        return
    if length > _LONGEST_HEADER:
        notes.gap("gap-header-size", path, limit=_LONGEST_HEADER)
        return
    header = _header(source.read(8, length), path, examination)
    if header is None:
        notes.gap("gap-header", path)
        return
    left = _tensors(header, source, source.size - 8 - length, path, examination)
    behind = Stretch(source, source.size - left, left)
    if left > 0 and looks_pickled(behind):
        scan_pickle(behind, f"{path}!", examination)
    examination.cover(0, source.size)


def _header(raw: bytes, path: str, examination: Examination) -> dict[str, Any] | None:
    notes = examination.notes

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            notes.find("safetensors.duplicate", path, 8)
        return found

    try:
        if _depth(raw) > _DEEPEST:
            notes.find("safetensors.header", path, 8, problem="depth")
            return None
        header = json.loads(raw.decode("utf-8"), object_pairs_hook=unique)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        notes.find("safetensors.header", path, 8, problem="json")
        return None
    return header


def _depth(raw: bytes) -> int:
    """Return how deep brackets nest, strings left aside; stops counting when it is plainly too deep."""
    deepest = level = 0
    for piece in raw.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2]:
        for code in piece:
            if code in b"{[":
                level += 1
                deepest = max(deepest, level)
            elif code in b"}]":
                level -= 1
        if deepest > _DEEPEST:
            break
    return deepest


def _tensors(header: dict[str, Any], source: Source, size: int, path: str, examination: Examination) -> int:
    """Judge the account of the tensors; returns how many bytes behind them it leaves out."""
    notes, spans = examination.notes, []
    for name, entry in header.items():
        if name == "__metadata__":
            _metadata(entry, path, examination)
            continue
        if _CLIMBS.search(name):
            notes.find("config.outside-path", path, 8, severity=Severity.MEDIUM, name=name)
        span = _span(entry, size)
        if span is None:
            notes.find("safetensors.bounds", path, 8, name=name)
        else:
            spans.append((*span, name))
    end = 0
    for begin, finish, name in sorted(spans):
        if begin < end:
            notes.find("safetensors.overlap", path, 8, name=name)
        elif begin > end:
            hidden = _hidden(Stretch(source, source.size - size + end, begin - end), path, examination)
            notes.find("safetensors.hole", path, 8, severity=Severity.HIGH if hidden else None, name=name)
        end = max(end, finish)
    if end < size:
        notes.find("safetensors.trailing", path, 8, bytes=size - end)
    return size - end


def _hidden(hole: Stretch, path: str, examination: Examination) -> bool:
    """Tell whether bytes that belong to no tensor hold a program, an archive or a pickle."""
    lead = hole.read(0, _LOOKED_AT)
    begins = len(lead) - len(lead.lstrip(b"\0"))
    rest = Stretch(hole, begins, hole.size - begins)
    if looks_pickled(rest):
        scan_pickle(rest, f"{path}!", examination)
        return True
    return _PROGRAM.search(lead) is not None


def _metadata(entry: object, path: str, examination: Examination) -> None:
    notes = examination.notes
    if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
        notes.find("safetensors.header", path, 8, problem="metadata")
        return
    for value in entry.values():
        if "{%" in value and "%}" in value:
            scan_template(value, path, notes, offset=8)


def _span(entry: object, size: int) -> tuple[int, int] | None:
    """Return where a tensor lies, or none if its account does not hold."""
    if not isinstance(entry, dict):
        return None
    shape, offsets, bits = entry.get("shape"), entry.get("data_offsets"), _BITS.get(str(entry.get("dtype")))
    if not _sizes(shape) or not _sizes(offsets) or len(offsets) != 2 or bits is None:
        return None
    begin, end = offsets
    fits = 0 <= begin <= end <= size and (end - begin) * 8 == prod(shape) * bits
    return (begin, end) if fits else None


def _sizes(value: object) -> TypeGuard[list[int]]:
    """Tell whether a value is a short list of natural numbers."""
    return isinstance(value, list) and len(value) <= 64 and all(type(n) is int and 0 <= n < 2**63 for n in value)
