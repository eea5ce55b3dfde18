"""Write the tables of transforms and carriers into docs/reference/attacks.md and its Chinese twin, between their marks.

python benchmarks/evaluate/attack_tables.py
"""

import re
from pathlib import Path

from jingwei.core.text import LANGUAGES, Language
from jingwei.develop.evaluate.carriers import carriers
from jingwei.develop.evaluate.transforms import PLAIN, Transform, transform, transform_names
from jingwei.develop.evaluate.validity import validity

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference"
PAGES: dict[Language, str] = {"en": "attacks.md", "zh": "attacks.zh.md"}
NONE = "–"


def title(both: object, language: Language) -> str:
    """Return a title in one language."""
    return str(getattr(both, language))


def share(each: Transform, language: Language) -> str:
    """Return how many of a transform's results could be read in one language."""
    rate = validity(each.name, language)
    return f"{rate.value:.1%}" if rate else NONE


def transforms(kind: str, language: Language) -> str:
    """Return the rows of one kind."""
    made = [transform(name) for name in transform_names() if name != PLAIN and transform(name).kind == kind]
    return "\n".join(
        f"| `{each.name}` | {title(each.title, language)} | {share(each, 'zh')} | {share(each, 'en')} |"
        for each in made
    )


def places(language: Language) -> str:
    """Return the carriers."""
    return ", ".join(f"`{name}` ({title(each.title, language)})" for name, each in carriers().carriers.items())


def main() -> None:
    """Fill both pages."""
    for language in LANGUAGES:
        page = DOCS / PAGES[language]

        def filled(mark: re.Match[str], language: Language = language) -> str:
            name = mark[2]
            rows = places(language) if name == "carriers" else transforms(name, language)
            return f"{mark[1]}{rows}\n{mark[3]}"

        marks = re.compile(r"(<!-- table:(\w+) -->\n(?:\|[^\n]*\n\|[-|]+\n)?).*?(<!-- end -->)", re.DOTALL)
        page.write_text(marks.sub(filled, page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
