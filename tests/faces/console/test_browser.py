"""The console in a real browser: no accessibility findings, no broken policy, no need of script or pointer."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from console_story import ASSISTANT, PAGES, Story, told

from jingwei.core.identity import PLATFORM
from jingwei.core.store.tables import EventRow
from jingwei.faces.console import console
from jingwei.faces.console.caller import SESSION

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed"),
]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 800}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Story, str]]:
    story = told(tmp_path_factory.mktemp("browser") / "home")
    server = uvicorn.Server(uvicorn.Config(console(story.platform), host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield story, f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()
    story.platform.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(served, chromium):
    """Open a page as a person, in a language; what the page's policy refused is kept."""
    story, base = served
    contexts = []

    def opened(path: str, *, login: str = "mei", language: str = "en", **given: object):
        context = chromium.new_context(locale="zh-CN" if language == "zh" else "en-GB", **given)
        contexts.append(context)
        with story.platform.work(PLATFORM, "test") as work:
            token = work.browsers.open(story.people[login]).token
        context.add_cookies([{"name": SESSION, "value": token, "url": base}])
        page = context.new_page()
        page.refused = []
        page.on("console", lambda said: page.refused.append(said.text) if "Content Security" in said.text else None)
        page.on("pageerror", lambda error: page.refused.append(str(error)))
        page.goto(base + path, wait_until="load")
        return page

    yield opened
    for context in contexts:
        context.close()


def addresses(story: Story) -> dict[str, str]:
    from conftest import paths

    return {**paths(story), "login": "/login"}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_is_accessible_within_its_policy_and_fits_a_phone(visit, served, language):
    """One visit a page and language: everything else about the pages is among the slow tests."""
    from axe_playwright_python.sync_playwright import Axe

    page, axe, wrong = visit("/", language=language, viewport=WIDE), Axe(), {}
    for name, path in addresses(served[0]).items():
        page.set_viewport_size(WIDE)
        page.goto(served[1] + path, wait_until="load")
        found = [each["id"] for each in axe.run(page, options=RULES).response["violations"]]
        page.set_viewport_size(NARROW)
        beyond = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if found or beyond > 0:
            wrong[name] = (found, beyond)
    assert wrong == {}
    assert page.refused == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [*PAGES, "login"])
def test_a_page_has_no_accessibility_findings_and_breaks_no_policy(visit, served, name):
    from axe_playwright_python.sync_playwright import Axe

    for language, scheme in (("zh", "light"), ("en", "dark")):
        page = visit(addresses(served[0])[name], language=language, color_scheme=scheme)
        found = Axe().run(page, options=RULES).response["violations"]
        assert [(each["id"], [node["html"][:160] for node in each["nodes"][:3]]) for each in found] == []
        assert page.refused == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [*PAGES, "login"])
def test_a_narrow_page_never_scrolls_sideways(visit, served, name):
    for language in ("zh", "en"):
        page = visit(addresses(served[0])[name], language=language, viewport={"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.slow
def test_a_list_is_filtered_and_a_system_registered_without_script(visit, served):
    page = visit("/systems", java_script_enabled=False)
    page.fill("#q", "minutes")
    page.click("text=Filter")
    assert page.locator("tbody tr").count() == 1
    page = visit("/systems/new", java_script_enabled=False)
    page.fill("#name", "no-script")
    page.fill("#purpose", "Registered without script.")
    for name, value in {**served[0].platform.catalog.grading_rules().defaults(), **ASSISTANT}.items():
        page.check(f'input[name="{name}"][value="{value}"]')
    page.click("text=Register and grade")
    assert page.locator("h1").inner_text() == "no-script"


@pytest.mark.slow
def test_the_keyboard_alone_reaches_the_content_and_signs(visit, served):
    story, _ = served
    page = visit(f"/systems/{story.systems['meeting-minutes']}/gate", login="lin")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "approves":
            break
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "password"
    page.keyboard.type("a wrong password it is")
    page.keyboard.press("Enter")
    page.wait_for_selector("#password-error")
    assert page.locator('input[name="approves"]:checked').get_attribute("value") == "yes"


@pytest.mark.slow
def test_typing_in_a_search_swaps_the_list_and_the_address(visit):
    page = visit("/systems")
    page.locator("#q").press_sequentially("claims")
    page.wait_for_selector("tbody tr:only-child")
    assert "q=claims" in page.url


@pytest.mark.slow
def test_a_new_event_appears_by_itself_and_none_is_lost(visit, served):
    story, _ = served
    page = visit("/events")
    page.wait_for_selector("[data-lamp].on")
    with story.platform.event_store.reading() as session:
        body = session.get_one(EventRow, "evt_000001").body
    with story.platform.event_store.adding() as session:
        for number in (90, 91):
            at = story.clock()
            said = {**body, "id": f"evt_0000{number}", "at": at.isoformat()}
            session.add(EventRow(id=said["id"], at=at, system_id=body["system_id"], kind=body["kind"], trial=False,
                                 decision=body["decision"], latency_milliseconds=1.0, segment="s2", body=said))  # fmt: skip
    page.wait_for_selector("#event-evt_000091")
    assert page.locator("ol.feed li").first.get_attribute("id") == "event-evt_000091"
    assert page.locator("#event-evt_000090").count() == 1


@pytest.mark.slow
def test_a_running_job_moves_on_the_page(visit, served):
    story, _ = served
    page = visit(f"/jobs/{story.runs['running']}")
    assert "37 / 60" in page.inner_text("#job")
    with story.platform.work(PLATFORM, "test") as work:
        work.runs.progressed(story.runs["running"], 44, 60)
    page.wait_for_selector('#job:has-text("44 / 60")')


PICTURES = Path(__file__).parents[3] / "docs" / "images"


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_board_is_pictured_for_the_readme(visit, tmp_path, language):
    """Make `docs/images/board-*.png` anew with `JINGWEI_PICTURES=yes`; else only see that it can be made."""
    folder = PICTURES if os.environ.get("JINGWEI_PICTURES") else tmp_path
    file = folder / f"board-{language}.png"
    visit("/", language=language, viewport=WIDE, device_scale_factor=1).screenshot(path=file)
    assert 10_000 < file.stat().st_size <= 150_000
