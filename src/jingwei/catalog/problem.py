"""Say in both languages what a validator found wrong with one field, and how to mend it."""

import json
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from jingwei.core.text import Both, text

_KINDS = {
    "string_type": "text", "int_type": "whole-number", "int_parsing": "whole-number", "int_from_float": "whole-number",
    "float_type": "number", "float_parsing": "number", "bool_type": "true-or-false", "bool_parsing": "true-or-false",
    "tuple_type": "list", "list_type": "list", "dict_type": "mapping", "mapping_type": "mapping",
    "model_type": "mapping", "model_attributes_type": "mapping", "frozen_set_type": "list",
}  # fmt: skip
_SHOWN_CHARACTERS = 60


def explained(error: ErrorDetails, model: type[BaseModel], others: int) -> Both:
    """Explain one of pydantic's errors; `others` more were found in the same file."""
    problem = _problem(error, model)
    return text("catalog:problem-and-more", problem=problem, count=others) if others else problem


def _problem(error: ErrorDetails, model: type[BaseModel]) -> Both:  # noqa: PLR0911 - one return for each kind
    kind, context, given = error["type"], error.get("ctx", {}), _shown(error.get("input"))
    if kind.startswith("missing"):
        return text("catalog:problem-missing", name=error["loc"][-1])
    if kind in {"extra_forbidden", "unexpected_keyword_argument"}:
        known = ", ".join(_fields(model, error["loc"][:-1]))
        return text("catalog:problem-unknown-field", name=error["loc"][-1], known=known)
    if kind in _KINDS:
        return text("catalog:problem-wrong-type", given=given, wanted=text(f"catalog:kind-{_KINDS[kind]}"))
    if kind in {"literal_error", "enum"}:
        return text("catalog:problem-not-a-choice", given=given, known=str(context["expected"]).replace(" or ", ", "))
    if kind in {"string_too_short", "too_short"} or (kind == "value_error" and _is_text_pair(error["input"])):
        return text("catalog:problem-empty")
    if kind == "string_pattern_mismatch":
        return text("catalog:problem-pattern", given=given, pattern=context["pattern"])
    bounds = {"greater_than": ">", "greater_than_equal": ">=", "less_than": "<", "less_than_equal": "<="}
    if kind in bounds:
        limit = next(context[name] for name in ("gt", "ge", "lt", "le") if name in context)
        return text("catalog:problem-out-of-range", given=given, bound=f"{bounds[kind]} {limit}")
    return text("catalog:problem-other", given=given, reason=error["msg"])


def _is_text_pair(given: object) -> bool:
    return isinstance(given, dict) and set(given) == {"zh", "en"}


def _shown(given: object) -> str:
    """Show a value as YAML would, short enough for a sentence."""
    shown = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, default=str)
    return shown if len(shown) <= _SHOWN_CHARACTERS else shown[:_SHOWN_CHARACTERS] + "…"


def _fields(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """List the fields of the model that a path leads to."""
    reached: type[Any] | None = model  # Any: a model or a dataclass such as `Both`
    for part in place:
        if isinstance(part, str) and reached is not None:
            reached = _structure_in(_annotation(reached, part))
    if reached is None:
        return []
    return list(reached.model_fields) if issubclass(reached, BaseModel) else [each.name for each in fields(reached)]


def _annotation(structure: type[Any], name: str) -> Any:  # Any: see _structure_in
    if issubclass(structure, BaseModel):
        return structure.model_fields[name].annotation if name in structure.model_fields else None
    return get_type_hints(structure).get(name)


def _structure_in(annotation: Any) -> type[Any] | None:  # Any: an annotation may be any typing construct
    if get_origin(annotation) is not None:
        return next((found for each in get_args(annotation) if (found := _structure_in(each)) is not None), None)
    if isinstance(annotation, type) and (issubclass(annotation, BaseModel) or is_dataclass(annotation)):
        return annotation
    return None
