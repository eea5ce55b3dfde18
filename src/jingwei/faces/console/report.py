"""Evidence as one self-contained HTML page: for a mail, an archive, a CI artefact. No server, no script."""

from collections.abc import Sequence

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
