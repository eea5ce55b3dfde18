"""What a component is called in a document, and the digest of a set of them."""

from collections.abc import Sequence
from typing import Literal

from jingwei.core.canonical import digest
from jingwei.deploy.bom.component import Component

Edition = Literal["1.6", "1.7"]
"""Of CycloneDX."""


def reference(component: Component) -> str:
    """Return a component's reference in the document, stable from one BOM to the next."""
    if component.kind == "library":
        return component.package_url or f"library:{component.name}@{component.version}"
    if component.kind == "weights":
        return f"weights:{component.path or component.name}@{component.sha256[:16]}"
    said = component.facts.get("endpoint") if component.kind == "service" else ""
    return f"{component.kind}:{said or f'{component.name}@{component.sha256[:16] or component.version}'}"


def component_digest(components: Sequence[Component]) -> str:
    """Return the digest of what a system is made of, whatever the order it was found in."""
    return digest(sorted([reference(one), one.sha256, *sorted(one.facts.values())] for one in components))
