"""From what a person typed or posted to a check's target and options."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import ValidationError

from jingwei.catalog.problem import explained
from jingwei.core.check import Check, CheckOptions
from jingwei.core.errors import InputError
from jingwei.core.target import Target, TargetKind


def target_from(check: Check, given: str) -> Target:
    """Read a target: a URL, or a path on this machine.

    Raises:
        InputError: the check does not examine that kind of thing.
    """
    is_url = given.startswith(("http://", "https://"))
    fitting = [kind for kind in check.target_kinds if (kind in {TargetKind.ENDPOINT, TargetKind.GATEWAY}) == is_url]
    if not fitting:
        kinds = ", ".join(kind.value for kind in check.target_kinds)
        raise InputError("platform:target-unfit", field="target", given=given, check=check.id, kinds=kinds)
    return Target(kind=fitting[0], locator=given)


def options_from(check: Check, settings: Sequence[str]) -> CheckOptions:
    """Read `name=value` pairs; a value is JSON where it parses as such, a list where it has commas, else text.

    One value is a list of one where the option takes a list.

    Raises:
        InputError: a pair without `=`, an unknown option, or a wrong value.
    """
    values: dict[str, Any] = {}  # Any: JSON, until the check's own model has looked at it
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise InputError("platform:option-not-a-pair", field="--set", given=setting)
        parsed = _parsed(value)
        one_of_many = isinstance(parsed, str) and _takes_list(check, name.strip())
        values[name.strip()] = [parsed] if one_of_many else parsed
    return options_of(check, values)


def options_of(check: Check, values: Mapping[str, Any]) -> CheckOptions:
    """Validate options given as JSON.

    Raises:
        InputError: an unknown option, or a wrong value; names the option.
    """
    try:
        return check.options.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        why = explained(first, check.options, error.error_count() - 1)
        raise InputError("platform:option-wrong", field=field, option=field or "*", check=check.id, why=why) from error


def _parsed(value: str) -> Any:  # Any: JSON
    try:
        return json.loads(value)
    except ValueError:
        return [part.strip() for part in value.split(",")] if "," in value else value


def _takes_list(check: Check, name: str) -> bool:
    field = check.options.model_fields.get(name)
    kinds = (field.annotation, *get_args(field.annotation)) if field else ()
    return any(get_origin(kind) in {tuple, list} for kind in kinds)
