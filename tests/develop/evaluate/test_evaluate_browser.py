"""The reports in a real browser: no accessibility findings, nothing loaded, nothing run, no sideways scrolling."""

from pathlib import Path

import pytest
from reported import made

from jingwei.develop.evaluate.compare import compare
from jingwei.develop.evaluate.reports import choice_page, comparison_page
from jingwei.develop.evaluate.runs import read_run
from jingwei.develop.evaluate.selection import choose

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed"),
]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    made(folder / "a", share=0.2)
    made(folder / "b", share=0.5, model="another")
    runs = [read_run(folder / "a"), read_run(folder / "b")]
    (folder / "compare.html").write_text(comparison_page(compare(*runs), language="en"), encoding="utf-8")
    (folder / "select.html").write_text(choice_page(choose(runs), language="en"), encoding="utf-8")
    return {
        "report": folder / "a" / "report.html",
        "compare": folder / "compare.html",
        "select": folder / "select.html",
    }


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


def opened(chromium, path, *, width=1280, **given):
    context = chromium.new_context(viewport={"width": width, "height": 900}, **given)
    page = context.new_page()
    page.asked, page.said = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("console", lambda message: page.said.append(message.text))
    page.goto(path.as_uri())
    return page


_IN_TURN = {("report", "zh"), ("compare", "en"), ("select", "zh")}
"""The pages take turns at the language that is looked at each time; the slow lane looks at both."""


@pytest.mark.parametrize(("name", "language"), [
    pytest.param(name, language, marks=() if (name, language) in _IN_TURN else pytest.mark.slow)
    for name in ("report", "compare", "select") for language in ("zh", "en")
])  # fmt: skip
def test_a_report_has_no_accessibility_findings(chromium, pages, name, language):
    from axe_playwright_python.sync_playwright import Axe

    page = opened(chromium, pages[name], bypass_csp=True)
    for theme in ("light", "dark"):
        page.check(f"#language-{language}", force=True)
        page.check(f"#theme-{theme}", force=True)
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert [each["id"] for each in Axe().run(page, options=RULES).response["violations"]] == []
    page.context.close()


@pytest.mark.parametrize("name", ["report", "compare", "select"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_report_loads_nothing_and_fits_its_screen(chromium, pages, name, width):
    page = opened(chromium, pages[name], width=width)
    for language in ("zh", "en"):
        page.check(f"#language-{language}", force=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.asked == [pages[name].as_uri()]
    assert page.said == []
    page.context.close()


def test_the_reader_chooses_the_language_without_a_script(chromium, pages):
    page = opened(chromium, pages["report"], java_script_enabled=False)
    page.check("#language-zh", force=True)
    assert "各测试集" in page.locator("main").inner_text()
    assert "How far to trust" not in page.locator("main").inner_text()
    page.check("#language-en", force=True)
    assert "How far to trust" in page.locator("main").inner_text()
    page.context.close()
