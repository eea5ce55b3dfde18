"""A System's supply chain in the console: what it is made of, what is dangerous, what is exposed, what is being mended."""

import json
from html import escape
from urllib.parse import quote

import pytest
from supply_story import HOSTILE

from jingwei.core.errors import InputError


@pytest.fixture
def page(story, mei):
    return mei.get(f"/systems/{story.systems['staff-assistant']}/supply?lang=en").text


def test_what_a_system_is_made_of_is_drawn_with_what_was_found_in_it(page):
    assert "What the System is made of" in page
    assert '<title>mlflow@2.8.0 · 2.8.0</title><rect class="box bad"' in page
    assert "library-39@1.39" in page  # in the table, if not in the picture


def test_files_are_told_worst_first_and_lead_to_their_anatomy(story, page):
    assert page.index(escape(HOSTILE)) < page.index("torn.pkl") < page.index("good.pkl")
    assert HOSTILE not in page
    assert f"/evidence/{story.evidence['scan model']}/anatomy?path=torn.pkl" in page


def test_an_anatomy_says_what_loading_would_do_and_which_bytes_were_read(story, mei):
    evidence = story.evidence["scan model"]
    shown = mei.get(f"/evidence/{evidence}/anatomy?lang=en&path={quote(HOSTILE)}").text
    torn = mei.get(f"/evidence/{evidence}/anatomy?lang=en&path=torn.pkl").text

    assert "os.system" in shown
    assert "<script>alert" not in shown
    assert "Bytes accounted for" in torn
    assert "badge warn" in torn


def test_a_file_that_the_scan_does_not_hold_is_said(story, mei):
    found = mei.get(f"/evidence/{story.evidence['scan model']}/anatomy?lang=en&path=nothing")
    assert (found.status_code, "The scan holds no nothing" in found.text) == (404, True)


def test_flaws_stand_on_a_line_of_time_with_the_version_that_mends_them(page):
    assert "2024-06-04" in page
    assert "2.9.2" in page
    assert page.index("Untrusted pickle") < page.index("Path traversal")


def test_services_are_told_by_whether_they_ask_for_a_login(page):
    assert "ollama 0.11.3" in page
    assert "not known" not in page.split('id="services"')[1].split("</section>")[0]


def test_a_system_without_scans_says_so(story, mei):
    assert "no evidence from scans yet" in mei.get(f"/systems/{story.systems['code-search']}/supply?lang=en").text


@pytest.mark.parametrize(("lang", "late"), [("en", "This is overdue."), ("zh", "已逾期。")])
def test_the_queue_of_fixes_shows_the_change_and_the_clock(mei, lang, late):
    page = mei.get(f"/fixes?lang={lang}").text
    assert "+verify=True" in page
    assert page.count(late) == 1
    assert "jingwei fix apply 3f2a00000001" in page


def test_a_new_advisory_names_the_systems_that_it_hits(story):
    new = {"id": "CVE-2026-1", "modified": "2026-11-01T00:00:00Z", "affected": [
        {"package": {"ecosystem": "PyPI", "name": "MLflow"},
         "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.9.0"}]}]},
        {"package": {"ecosystem": "PyPI", "name": "ollama"},
         "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "0.3"}]}]}]}  # fmt: skip
    with story.platform.reading() as work:
        found = work.supply.impacted(json.dumps(new).encode())
        with pytest.raises(InputError):
            work.supply.impacted(b"{}")

    assert [(each.system, each.component, each.version, each.certain) for each in found] == [
        ("staff-assistant", "mlflow", "2.8.0", True), ("staff-assistant", "ollama", "", False)]  # fmt: skip
