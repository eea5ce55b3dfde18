"""Responsibility chains: who answers for each component, down to the base model. Pure.

Blue Book 五(二): every party of the chain is named, or the gap is a finding.
"""

from collections.abc import Iterator, Sequence

from jingwei.core.finding import Finding, Location, Severity
from jingwei.core.text import text
from jingwei.manage.model import Component, ResponsibilityLink

ANSWERED_KINDS = frozenset({"model", "dataset", "agent", "service", "vendor"})
"""Kinds somebody else may have made, so somebody must answer for them."""


def responsibility_findings(components: Sequence[Component], links: Sequence[ResponsibilityLink]) -> list[Finding]:
    """Return the gaps, loose ends and circles of a System's responsibility chain."""
    live = {each.id: each for each in components if each.retired_at is None}
    known = {each.id: each for each in components}
    of = {link.component_id: link for link in links}
    return [
        *_missing(live, of),
        *_dangling(live, known, of),
        *_circles(live, of),
    ]


def rested_upon(components: Sequence[Component], links: Sequence[ResponsibilityLink]) -> frozenset[str]:
    """Return the ids of live components that another live one of their kind rests on: not themselves in use.

    A base model is not run where the model tuned from it is; it is part of the chain and of the release.
    """
    live = {each.id: each for each in components if each.retired_at is None}
    pairs = [(live.get(link.component_id), live.get(link.rests_on_id or "")) for link in links]
    return frozenset(
        below.id for above, below in pairs if above and below and above is not below and above.kind == below.kind
    )


def _missing(live: dict[str, Component], of: dict[str, ResponsibilityLink]) -> Iterator[Finding]:
    for each in live.values():
        if each.kind in ANSWERED_KINDS and each.id not in of:
            yield _finding("missing", each.name, name=each.name)


def _dangling(live: dict[str, Component], known: dict[str, Component], of: dict[str, ResponsibilityLink],
              ) -> Iterator[Finding]:  # fmt: skip
    for each in live.values():
        link = of.get(each.id)
        if link is None or link.rests_on_id is None or link.rests_on_id in live:
            continue
        lost = known.get(link.rests_on_id)
        yield _finding("dangling", each.name, name=each.name, lost=lost.name if lost else link.rests_on_id)


def _circles(live: dict[str, Component], of: dict[str, ResponsibilityLink]) -> Iterator[Finding]:
    settled: set[str] = set()
    for start in live:
        path: list[str] = []
        at: str | None = start
        while at is not None and at in live and at not in settled and at not in path:
            path.append(at)
            link = of.get(at)
            at = link.rests_on_id if link else None
        if at in path:
            circle = [live[each].name for each in path[path.index(at) :]]
            yield _finding("cycle", circle[0], names=" → ".join([*circle, circle[0]]))
        settled.update(path)


def _finding(kind: str, path: str, **values: object) -> Finding:
    return Finding(
        rule_id=f"responsibility.{kind}",
        severity=Severity.HIGH,
        title=text(f"manage:responsibility-{kind}", **values),
        detail=text(f"manage:responsibility-{kind}-detail", **values),
        remedy=text(f"manage:responsibility-{kind}-remedy", **values),
        location=Location(path=path),
    )
