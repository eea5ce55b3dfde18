"""The fields that China's platform for flaws of AI products asks for (CAIVD; its law names them, `caivd.yaml`)."""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.clock import stamp
from jingwei.core.package_data import package_data
from jingwei.ecosystem.sharing.json_shape import line, listed, objects
from jingwei.ecosystem.sharing.record import Affected, Range, Reference, Report, Tlp

# dict[str, Any] below: JSON; the record's model checks what is taken from it.


class _Words(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    fields: dict[str, str]
    kinds: dict[Literal["vulnerability", "model-weakness", "dangerous-capability"], str]
    yes: str
    no: str
    any: str
    before: str
    upto: str
    since: str = Field(alias="from")


@lru_cache(maxsize=1)
def _words() -> _Words:
    return _Words.model_validate(package_data(__package__, "caivd.yaml"))


def reads(data: dict[str, Any]) -> bool:
    """Tell whether JSON has the platform's fields."""
    names = _words().fields
    return names["title"] in data and names["product"] in data


def read(data: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    """Return the fields of a record."""
    words = _words()
    given = {ours: data.get(theirs) for ours, theirs in words.fields.items()}
    kinds = {theirs: ours for ours, theirs in words.kinds.items()}
    return {
        "id": given["id"],
        "title": line(given["title"]),
        "kind": kinds.get(str(given["kind"]), "vulnerability"),
        "language": "zh",
        "summary": given["character"] or "",
        "steps": given["steps"] or "",
        "remedy": given["remedy"] or "",
        "affected": [_product(each) for each in objects(given["product"])],
        "aliases": listed(given["aliases"]),
        "weaknesses": listed(given["weaknesses"]),
        "cvss": listed(given["vector"]),
        "references": [Reference(url=each) for each in listed(given["references"])],
        "credits": listed(given["finder"]),
        "tlp": given["tlp"] or Tlp.AMBER,
        "exploited": given["exploited"] == words.yes,
        "received_at": given["received"] or now,
    }


def _product(given: dict[str, Any]) -> Affected:
    names = _words().fields
    return Affected(
        name=str(given.get(names["product"]) or "?"),
        vendor=str(given.get(names["vendor"]) or ""),
        versions=tuple(str(each) for each in listed(given.get(names["versions"])) if each != _words().any),
    )


def write(report: Report) -> dict[str, Any]:
    """Return a record in the platform's fields."""
    words = _words()
    said = {
        "id": report.id,
        "title": report.title,
        "kind": words.kinds[report.kind],
        "product": [
            {words.fields["product"]: each.name, words.fields["vendor"]: each.vendor,
             words.fields["versions"]: list(_versions(each))} for each in report.affected
        ],
        "character": report.summary,
        "steps": report.steps,
        "vector": list(report.cvss),
        "weaknesses": list(report.weaknesses),
        "remedy": report.remedy,
        "exploited": words.yes if report.exploited else words.no,
        "aliases": list(report.aliases),
        "references": [each.url for each in report.references],
        "finder": list(report.credits),
        "tlp": report.tlp.value,
        "received": stamp(report.received_at),
    }  # fmt: skip
    return {words.fields[ours]: value for ours, value in said.items()}


def _versions(each: Affected) -> Iterator[str]:
    yield from each.versions
    for one in each.ranges:
        yield _range(one)
    if not each.versions and not each.ranges:
        yield _words().any


def _range(one: Range) -> str:
    words = _words()
    if one.fixed:
        return words.before.format(introduced=one.introduced, fixed=one.fixed)
    if one.last_affected:
        return words.upto.format(introduced=one.introduced, last=one.last_affected)
    return words.since.format(introduced=one.introduced)
