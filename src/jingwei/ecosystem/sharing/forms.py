"""The forms of a report, and the way in and out: bounded, checked, never more open than the record says."""

import json
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol, cast

import yaml
from pydantic import ValidationError

from jingwei.catalog.problem import explained
from jingwei.core.errors import InputError, Refused
from jingwei.ecosystem.sharing import avid, caivd, osv, stix
from jingwei.ecosystem.sharing.record import Report, Tlp

Form = Literal["jingwei", "osv", "avid", "stix", "caivd"]
FORMS: tuple[Form, ...] = ("jingwei", "osv", "avid", "stix", "caivd")
MOST_BYTES = 4 * 1024 * 1024
_OUTSIDE = Tlp.GREEN
"""The most secret level at which a record leaves the house without a recipient being named."""

# dict[str, Any] below: JSON of a form that its module knows; the record's model checks it.


class _Module(Protocol):
    def reads(self, data: dict[str, Any]) -> bool: ...
    def read(self, data: dict[str, Any], *, now: datetime) -> dict[str, Any]: ...
    def write(self, report: Report) -> dict[str, Any]: ...


_FOREIGN: dict[Form, _Module] = cast("dict[Form, _Module]", {"osv": osv, "avid": avid, "stix": stix, "caivd": caivd})


class Found(NamedTuple):
    """A report as it was read, and the form it came in."""

    report: Report
    form: Form


def read_report(content: bytes, *, now: datetime) -> Found:
    """Read a report in any of the forms; JSON, or YAML for our own.

    Args:
        content: the file.
        now: when it came in, for forms that do not say.

    Raises:
        InputError: it is too large, no JSON or YAML, of no form that is known, or a field of it is wrong.
    """
    data = _data(content)
    form = next((each for each in _FOREIGN if _FOREIGN[each].reads(data)), None)
    try:
        if form is None:
            return Found(Report.model_validate(data), "jingwei")
        return Found(Report.model_validate(_FOREIGN[form].read(data, now=now)), form)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        why = explained(first, Report, error.error_count() - 1)
        raise InputError("ecosystem.sharing:field-wrong", field=field, form=form or "jingwei", why=why) from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        name = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)[:120]
        raise InputError("ecosystem.sharing:shape-wrong", field="file", form=form or "jingwei", what=name) from error


def _data(content: bytes) -> dict[str, Any]:
    if len(content) > MOST_BYTES:
        raise InputError("ecosystem.sharing:too-large", field="file", limit=MOST_BYTES // 1024**2)
    text = content.decode("utf-8-sig", "replace")
    try:
        data = json.loads(text) if text.lstrip()[:1] in "{[" else _yaml(text)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise InputError("ecosystem.sharing:unreadable", field="file") from error
    if not isinstance(data, dict):
        raise InputError("ecosystem.sharing:unreadable", field="file")
    return data


def _yaml(text: str) -> Any:  # Any: YAML
    """Read YAML without aliases, which a small file could use to become a huge one."""
    if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
        raise ValueError("aliases")
    return yaml.safe_load(text)


def write_report(report: Report, form: Form, *, recipient: str = "") -> str:
    """Return a report in one of the forms, as JSON.

    How to show the weakness (`steps`) goes only to a recipient who is named.

    Args:
        report: the record.
        form: which.
        recipient: who it is for; needed above TLP:GREEN.

    Raises:
        Refused: the record is not for everyone, and nobody is named.
    """
    if report.tlp.rank > _OUTSIDE.rank and not recipient.strip() and form != "jingwei":
        raise Refused("ecosystem.sharing:not-for-all", field="recipient", tlp=report.tlp.value.upper())
    given = report if recipient.strip() or form == "jingwei" else report.model_copy(update={"steps": ""})
    written = given.model_dump(mode="json") if form == "jingwei" else _FOREIGN[form].write(given)
    return json.dumps(written, ensure_ascii=False, indent=2) + "\n"
