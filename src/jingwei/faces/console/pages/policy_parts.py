"""What the parts of a policy are called, and how their values are shown."""

from collections.abc import Iterable

from jingwei.core.canonical import Json
from jingwei.core.policy import Category, Decision, Effect, FailMode
from jingwei.core.text import Both, text
from jingwei.faces.console.views.parts import Label
from jingwei.faces.console.views.policy import ChangeLine
from jingwei.faces.console.wording import PACKAGE
from jingwei.platform import PolicyChange

_LONGEST = 160
_FIELDS = ("inbound", "outbound", "threshold", "on_failure", "timeout_milliseconds", "when")


def change_lines(changes: Iterable[PolicyChange]) -> tuple[ChangeLine, ...]:
    """Return the parts in which two policies differ, as a page shows them."""
    return tuple(
        ChangeLine(part=part_name(each.part), before=_shown(each.before, each.part),
                   after=_shown(each.after, each.part),
                   weaker=each.loosens)
        for each in changes
    )  # fmt: skip


def weaker_names(points: tuple[str, ...]) -> tuple[Label, ...]:
    """Return what the points are called at which a policy is too weak."""
    return tuple(part_name(point if point.startswith("tools.") else f"rules.{point}") for point in points)


def part_name(part: str) -> Label:
    """Return what a part is called: `rules.pii.inbound`, `tools.book_room`, `record_share`."""
    head, _, rest = part.partition(".")
    if head == "tools" and rest:
        return _say("edit.tool", tool=rest)
    if head == "rules":
        category, _, field = rest.partition(".")
        category, _, again = category.partition("[")
        if category in set(Category):
            field_said = _say(f"edit.rule.{field}") if field in _FIELDS else field or _say("edit.whole-rule")
            more = f" [{again}" if again else ""
            return _say("edit.rule", category=_say(f"category.{category}"), field=field_said, more=more)
        part = rest
    return _named(part)


def _named(part: str) -> Label:
    try:
        return _say(f"edit.{part}")
    except KeyError:  # a part that is younger than this page
        return part


def _shown(value: Json, part: str) -> Label:
    if value is None or isinstance(value, bool):
        return _say("policy.none" if value is None else "edit.yes" if value else "edit.no")
    if isinstance(value, str):
        known = {Decision: "decision", FailMode: "fail", Effect: "effect"}
        return next((_say(f"{name}.{value}") for kind, name in known.items() if value in set(kind)), _cut(value) or "—")
    if isinstance(value, list):
        return _say("edit.entries", count=len(value))
    if isinstance(value, dict):
        both = value.get("zh"), value.get("en")
        if isinstance(both[0], str) and isinstance(both[1], str):
            return Both(zh=_cut(both[0]), en=_cut(both[1]))
        return _cut(", ".join(f"{name}: {_plain(each)}" for name, each in value.items() if each not in ("", False)))
    return f"{value:.3%}".replace(".000%", "%") if part == "record_share" else f"{value:g}"


def _plain(value: Json) -> str:
    return str(value) if isinstance(value, str | int | float) else "…"


def _cut(written: str) -> str:
    return written if len(written) <= _LONGEST else written[:_LONGEST] + "…"


def _say(name: str, **values: object) -> Both:
    return text(f"{PACKAGE}:{name}", **values)
