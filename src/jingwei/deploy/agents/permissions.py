"""The permission manifest: what each tool, server and skill may do, as it says and as its names tell."""

import json
from collections.abc import Iterable

from jingwei.core.canonical import Json
from jingwei.deploy.scanned import Scanned

_POWERS = ("read", "write", "delete", "send", "network", "execute")


def manifest(scanned: Iterable[Scanned]) -> bytes:
    """Return `permissions.json`: each thing with its powers, and each power with the things that have it."""
    things: list[Json] = []
    held: dict[str, list[Json]] = {power: [] for power in _POWERS}
    for one in scanned:
        powers = [power for power in one.facts.get("can", "").split(", ") if power]
        if not powers and one.format not in {"mcp-server", "skill"}:
            continue
        things.append({"name": one.path, "format": one.format, "can": list(powers), "verdict": one.verdict.value,
                       "findings": [each.rule_id for each in one.findings]})  # fmt: skip
        for power in powers:
            held.setdefault(power, []).append(one.path)
    whole = {"version": 1, "things": things, "powers": held}
    return json.dumps(whole, ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n"
