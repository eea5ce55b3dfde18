"""Turn a view into a page: one template environment for each language, autoescaping, nothing undefined."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from jingwei.core.text import Language
from jingwei.faces.console import language
from jingwei.faces.console.address import Address
from jingwei.faces.console.assets import asset_url
from jingwei.faces.console.charts import sparkline, whisker
from jingwei.faces.console.views.parts import Choice
from jingwei.faces.console.visitor import Visitor
from jingwei.faces.console.wording import Wording


@lru_cache
def environment(spoken: Language) -> Environment:
    """Return the templates as one language speaks them."""
    wording = Wording(spoken)
    made = Environment(
        loader=PackageLoader("jingwei.faces.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=wording.plain,
    )
    made.globals.update(
        t=wording.say,
        w=wording,
        asset=asset_url,
        spark=lambda values, label: sparkline(values, label=label),
        bar=lambda value, low, high, label: whisker(value, low, high, label=label),
        pairs=lambda prefix, names: _pairs(wording, prefix, names),
        names=lambda prefix, values: wording.listed(wording.say(f"{prefix}.{name}") for name in values),
        options=lambda prefix, names: [Choice(value=v, label=label) for v, label in _pairs(wording, prefix, names)],
        chosen=lambda choices: [(choice.value, choice.label) for choice in choices],
    )
    return made


def _pairs(wording: Wording, prefix: str, names: Iterable[str]) -> list[tuple[str, str]]:
    return [(name, wording.say(f"{prefix}.{name}")) for name in names]


@dataclass(frozen=True, slots=True)
class Page:
    """What every page needs: the request, who looks, and how the language says things."""

    request: Request
    visitor: Visitor

    @property
    def wording(self) -> Wording:
        """Return the words of the page's language."""
        return Wording(language.chosen(self.request))

    def render(self, template: str, *, status: int = 200, figures: Mapping[str, Markup | None] | None = None,
               **values: object) -> HTMLResponse:  # fmt: skip
        """Write a page.

        Args:
            template: its file under `templates/`.
            status: HTTP status.
            figures: its charts, by name.
            values: what else the template reads, most often one `view`.
        """
        html = self.part(template, figures=figures or {}, **values)
        response = HTMLResponse(html, status_code=status, headers={"Content-Language": self.wording.language})
        language.remember(self.request, response)
        return response

    def part(self, template: str, **values: object) -> str:
        """Write a piece of a page."""
        made = environment(self.wording.language)
        return made.get_template(template).render(here=Address(self.request), visitor=self.visitor, **values)
