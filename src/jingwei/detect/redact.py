"""Redaction: a typed placeholder in the place of each hit."""

from collections.abc import Iterable

from jingwei.detect.hit import Hit


def redact(text: str, hits: Iterable[Hit]) -> str:
    """Replace each hit by a placeholder that tells its kind, such as `[CN_ID_CARD]`; overlapping hits become one."""
    pieces: list[str] = []
    done = 0
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end)):
        if hit.start >= done:
            pieces += [text[done : hit.start], placeholder(hit.rule_id)]
        done = max(done, hit.end)
    return "".join(pieces) + text[done:]


def placeholder(rule_id: str) -> str:
    """Return what stands in for a hit of a rule."""
    return f"[{rule_id.partition('.')[2].upper().replace('-', '_')}]"
