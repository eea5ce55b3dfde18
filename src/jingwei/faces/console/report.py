"""Evidence, or a scan, as one self-contained HTML page: for a mail, an archive, a CI artefact. No server, no script."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from jingwei.core.evidence import Evidence
from jingwei.core.text import Language
from jingwei.faces.console import figures
from jingwei.faces.console.assets import assets
from jingwei.faces.console.rendering import environment
from jingwei.faces.console.wording import Wording


def evidence_page(evidence: Sequence[Evidence], language: Language) -> str:
    """Write evidence as a page in one language, its style inside."""
    wording = Wording(language)
    return (
        environment(language)
        .get_template("report.html")
        .render(
            evidence=[(each, figures.of_evidence(each, wording)["shares"]) for each in evidence],
            style=Markup(assets()["console.css"].content.decode()),  # noqa: S704 - our own style sheet
        )
    )


def scan_page(told: dict[str, Any], language: Language) -> str:
    """Write the report of a scan (`deploy.scanned.report`) as a page; what is clean is counted.

    Args:
        told: the report, in that language already. Any: JSON.
        language: of the page.
    """
    listed = [each for each in told["files"] if each["findings"] or each["gaps"]]
    order = ("malicious", "incomplete", "suspicious", "clean")
    return (
        environment(language)
        .get_template("scan.html")
        .render(
            files=sorted(listed, key=lambda each: (order.index(each["verdict"]), each["path"])),
            summary=told["summary"],
            quiet=len(told["files"]) - len(listed),
            style=Markup(assets()["console.css"].content.decode()),  # noqa: S704 - our own style sheet
        )
    )
