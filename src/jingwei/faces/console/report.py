"""Evidence as one self-contained HTML page: for a mail, an archive, a CI artefact. No server, no script."""

from collections.abc import Sequence
from importlib.resources import files

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from jingwei.core.evidence import Evidence
from jingwei.core.text import Language, text


def evidence_page(evidence: Sequence[Evidence], language: Language) -> str:
    """Write evidence as a page in one language, its style inside."""
    loader = PackageLoader("jingwei.faces.console", "templates")
    environment = Environment(loader=loader, autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True)
    environment.filters["own"] = lambda both: both.of(language)
    style = files("jingwei.faces.console").joinpath("static", "console.css").read_text(encoding="utf-8")

    def t(name: str) -> str:
        return text(f"faces.console:{name}").of(language)

    return environment.get_template("report.html").render(
        evidence=evidence,
        language="zh-CN" if language == "zh" else "en",
        style=Markup(style),  # noqa: S704 - our own stylesheet
        t=t,
    )
