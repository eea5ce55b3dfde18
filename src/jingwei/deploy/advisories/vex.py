"""VEX, both ways: what somebody who knows says of a flaw in a product, as OpenVEX or CycloneDX.

A statement is honoured only as far as its own standard allows: "not affected" needs a reason, and the product must be
the component. What it silences stays visible, with the reason and who gave it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from packageurl import PackageURL

from jingwei.core.canonical import Json, digest
from jingwei.core.errors import InputError
from jingwei.deploy.advisories.matching import Flaw
from jingwei.deploy.bom import Component, Unreadable, parsed, reference
from jingwei.deploy.bom.reading import as_list, as_mapping, content_of, line_of

Status = Literal["not_affected", "affected", "fixed", "under_investigation"]
_STATUSES: Mapping[str, Status] = {"not_affected": "not_affected", "affected": "affected", "fixed": "fixed",
                                   "under_investigation": "under_investigation"}  # fmt: skip
_STATES: Mapping[str, Status] = {"resolved": "fixed", "resolved_with_pedigree": "fixed", "exploitable": "affected",
                                 "in_triage": "under_investigation", "false_positive": "not_affected",
                                 "not_affected": "not_affected"}  # fmt: skip
_BACK = {"fixed": "resolved", "affected": "exploitable", "under_investigation": "in_triage",
         "not_affected": "not_affected"}  # fmt: skip
_LARGEST = 64 * 1024 * 1024
_MOST = 200_000
_CONTEXT = "https://openvex.dev/ns/v0.2.0"


class Statement(NamedTuple):
    """What one document says of one flaw."""

    ids: frozenset[str]
    products: tuple[str, ...]
    """Package URLs or references; a package URL without a version is every version."""
    status: Status
    justification: str = ""
    detail: str = ""
    author: str = ""
    at: str = ""

    @property
    def honoured(self) -> bool:
        """Tell whether it silences: somebody says it does not apply or is mended, and says why where that is asked."""
        return self.status == "fixed" or (self.status == "not_affected" and bool(self.justification or self.detail))

    def about(self, component: Component) -> bool:
        """Tell whether a component is among its products."""
        return any(_same(product, component) for product in self.products)


def read_vex(path: Path) -> tuple[Statement, ...]:
    """Read a VEX document.

    Raises:
        InputError: it is neither OpenVEX nor CycloneDX.
    """
    try:
        document = parsed(content_of(path, _LARGEST))
    except Unreadable as error:
        raise InputError("deploy.advisories:bad-vex", field="vex", path=line_of(path.name)) from error
    if isinstance(document.get("statements"), list):
        return tuple(_openvex(document))
    if document.get("bomFormat") == "CycloneDX":
        return tuple(_cyclonedx(document))
    raise InputError("deploy.advisories:bad-vex", field="vex", path=line_of(path.name))


def _openvex(document: dict[str, Any]) -> Iterator[Statement]:  # Any: a document
    author, issued = line_of(document.get("author")), line_of(document.get("timestamp"))
    for each in map(as_mapping, as_list(document.get("statements"))[:_MOST]):
        named = each.get("vulnerability")
        flaw = as_mapping(named)
        ids = [line_of(flaw.get("name")) if flaw else line_of(named), *map(line_of, as_list(flaw.get("aliases")))]
        products = [_products(one) for one in as_list(each.get("products"))]
        status = _STATUSES.get(line_of(each.get("status")))
        if status is not None:
            yield Statement(
                frozenset(filter(None, ids)), tuple(url for urls in products for url in urls), status,
                line_of(each.get("justification")),
                line_of(each.get("impact_statement") or each.get("action_statement") or each.get("status_notes"), 400),
                author, line_of(each.get("timestamp")) or issued,
            )  # fmt: skip


def _products(one: object) -> list[str]:
    if isinstance(one, str):
        return [line_of(one, 1000)]
    entry = as_mapping(one)
    named = [line_of(entry.get("@id"), 1000), line_of(as_mapping(entry.get("identifiers")).get("purl"), 1000)]
    below = [url for each in as_list(entry.get("subcomponents")) for url in _products(each)]
    return below or [each for each in named if each]


def _cyclonedx(document: dict[str, Any]) -> Iterator[Statement]:  # Any: a document
    author = line_of(as_mapping(as_mapping(document.get("metadata")).get("supplier")).get("name"))
    for each in map(as_mapping, as_list(document.get("vulnerabilities"))[:_MOST]):
        analysis = as_mapping(each.get("analysis"))
        status = _STATES.get(line_of(analysis.get("state")))
        references = [line_of(as_mapping(one).get("id")) for one in as_list(each.get("references"))]
        affects = [line_of(as_mapping(one).get("ref"), 1000).rpartition("#")[2] for one in as_list(each.get("affects"))]
        if status is not None:
            yield Statement(
                frozenset(filter(None, [line_of(each.get("id")), *references])), tuple(filter(None, affects)), status,
                line_of(analysis.get("justification")), line_of(analysis.get("detail"), 400), author,
                line_of(each.get("updated") or each.get("published")),
            )  # fmt: skip


def _same(product: str, component: Component) -> bool:
    if product == reference(component):
        return True
    url = component.package_url
    if not url or not product.startswith("pkg:"):
        return False
    try:
        named, own = PackageURL.from_string(product), PackageURL.from_string(url)
    except ValueError:
        return False
    qualified, owned = dict(named.qualifiers), dict(own.qualifiers)
    return (
        (named.type, named.namespace, named.name) == (own.type, own.namespace, own.name)
        and named.version in {None, own.version}
        and all(owned.get(name) == value for name, value in qualified.items())
    )


def statement_for(flaw: Flaw, component: Component, statements: Sequence[Statement]) -> Statement | None:
    """Return what was last said of a flaw in a component; of two of the same moment, the one that silences less."""
    found = [one for one in statements if one.ids & set(flaw.ids) and one.about(component)]
    return max(found, key=lambda one: (one.at, not one.honoured), default=None)


def write_openvex(
    found: Sequence[tuple[Component, Flaw, Statement | None]], *, author: str, at: datetime
) -> dict[str, Json]:
    """Write what is known as OpenVEX: what nobody judged is under investigation."""
    said: list[Json] = []
    for component, flaw, statement in found:
        entry: dict[str, Json] = {
            "vulnerability": {"name": flaw.ids[0], "aliases": list(flaw.ids[1:])},
            "products": [{"@id": component.package_url or reference(component)}],
            "status": statement.status if statement else "under_investigation",
        }
        if statement and statement.status == "not_affected" and statement.justification:
            entry["justification"] = statement.justification
        if statement and statement.detail:
            name = {"not_affected": "impact_statement", "affected": "action_statement"}.get(
                statement.status, "status_notes"
            )
            entry[name] = statement.detail
        elif entry["status"] == "affected":
            entry["action_statement"] = _action(flaw)
        said.append(entry)
    return {"@context": _CONTEXT, "@id": f"urn:uuid:{uuid5(NAMESPACE_URL, digest(said))}", "author": author,
            "timestamp": _moment(at), "version": 1, "statements": said}  # fmt: skip


def write_cyclonedx_vex(found: Sequence[tuple[Component, Flaw, Statement | None]], *, at: datetime) -> dict[str, Json]:
    """Write what is known as the `vulnerabilities` of a CycloneDX document."""
    listed: list[Json] = []
    for component, flaw, statement in found:
        status = statement.status if statement else "under_investigation"
        analysis: dict[str, Json] = {"state": _BACK[status]}
        if statement and statement.justification in _CYCLONEDX_JUSTIFICATIONS:
            analysis["justification"] = statement.justification
        if statement and statement.detail:
            analysis["detail"] = statement.detail
        rating: dict[str, Json] = {"severity": flaw.severity.value}
        if flaw.advisory.score is not None:
            rating |= {"score": flaw.advisory.score, "vector": flaw.advisory.vector}
        aliases: list[Json] = [{"id": each, "source": {"name": each.partition("-")[0]}} for each in flaw.ids[1:]]
        listed.append({"bom-ref": f"{flaw.ids[0]}/{reference(component)}", "id": flaw.ids[0], "analysis": analysis,
                       "ratings": [rating], "references": aliases, "affects": [{"ref": reference(component)}],
                       "description": flaw.advisory.summary, "recommendation": _action(flaw)})  # fmt: skip
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
            "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, digest(listed))}", "metadata": {"timestamp": _moment(at)},
            "vulnerabilities": listed}  # fmt: skip


_CYCLONEDX_JUSTIFICATIONS = frozenset(
    ("code_not_present", "code_not_reachable", "requires_configuration", "requires_dependency", "requires_environment",
     "protected_by_compiler", "protected_at_runtime", "protected_at_perimeter", "protected_by_mitigating_control")
)  # fmt: skip


def _action(flaw: Flaw) -> str:
    return f"fixed: {', '.join(flaw.fixed)}" if flaw.fixed else "no fixed version"


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
