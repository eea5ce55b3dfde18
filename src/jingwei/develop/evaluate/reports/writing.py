"""Writing an evaluation's reports into its folder, each file whole or not at all."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from jingwei.core.folder import write_whole
from jingwei.core.text import Language
from jingwei.develop.evaluate.evaluation import Evaluation
from jingwei.develop.evaluate.reports.comma import to_csv, to_table
from jingwei.develop.evaluate.reports.figures import figures_of
from jingwei.develop.evaluate.reports.junit import to_junit
from jingwei.develop.evaluate.reports.page import page_of
from jingwei.develop.evaluate.reports.sarif import to_sarif
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.reviews import COLUMNS, decisions_of

_ASKED = dict.fromkeys(("decision", "note"), "")
PAGE, JUNIT, SARIF, TABLE = "report.html", "junit.xml", "report.sarif", "attempts.csv"


def write_reports(evaluation: Evaluation, results: Sequence[Result], folder: Path, *,
                  language: Language) -> list[Path]:  # fmt: skip
    """Write `report.html`, `junit.xml`, `report.sarif` and `attempts.csv`, and return where they lie.

    Args:
        evaluation: what came of the run.
        results: of its attempts; read several times, one at a time.
        folder: where the run is kept.
        language: which the page shows first, and which the files for programs are written in.

    Raises:
        Unavailable: the folder cannot be written.
    """
    figures = figures_of(evaluation, results, decisions=decisions_of(folder))
    contents: dict[str, Callable[[], str]] = {
        PAGE: lambda: page_of(evaluation, figures, language=language),
        JUNIT: lambda: to_junit(evaluation, language=language),
        SARIF: lambda: json.dumps(to_sarif(evaluation, language=language), ensure_ascii=False, indent=1),
    }
    for name, content in contents.items():
        write_text(folder / name, content())
    write_whole(folder / TABLE, lambda path: to_csv(results, path))
    return [folder / name for name in (*contents, TABLE)]


def whole_page(evaluation: Evaluation, results: Sequence[Result], *, language: Language) -> str:
    """Return the page alone."""
    return page_of(evaluation, figures_of(evaluation, results), language=language)


def write_queue(queue: Sequence[Result], path: Path) -> None:
    """Write what people should look at as a table to fill in; what the judge said is not in it.

    Raises:
        Unavailable: the folder cannot be written.
    """
    lines = [
        {"id": each.id, "language": each.language, "category": each.category, "asked": each.asked_redacted,
         "answer": each.answer_redacted, **_ASKED}
        for each in queue
    ]  # fmt: skip
    write_whole(path, lambda draft: to_table(lines, COLUMNS, draft))


def write_text(path: Path, content: str) -> None:
    """Put a text at its place, whole or not at all.

    Raises:
        Unavailable: the disk is full, or the folder cannot be written.
    """
    write_whole(path, lambda draft: draft.write_text(content, encoding="utf-8"))
