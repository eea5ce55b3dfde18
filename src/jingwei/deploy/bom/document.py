"""The CycloneDX document; the standard's own library, which takes seconds to import, comes only when one is written."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from jingwei.core.finding import Finding
from jingwei.deploy.bom.component import Component
from jingwei.deploy.bom.identity import Edition


def write_bom(components: Sequence[Component], *, name: str, version: str, at: datetime, edition: Edition = "1.6",
              findings: Mapping[str, Sequence[Finding]] | None = None) -> bytes:  # fmt: skip
    """Write the document.

    Args:
        components: each once, by its reference.
        name: of the system.
        version: of the system.
        at: the moment it is written.
        edition: of CycloneDX.
        findings: by reference, written as properties.

    Raises:
        Tampered: what was written is not valid CycloneDX; a component's own text does not fit the schema.
    """
    from jingwei.deploy.bom.cyclonedx_document import written  # noqa: PLC0415 - seconds of import

    return written(components, name=name, version=version, at=at, edition=edition, findings=findings or {})
