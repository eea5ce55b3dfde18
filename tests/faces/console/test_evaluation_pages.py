"""A System's evaluations in the console, and the people's queue of what their judge left open."""

import re

import pytest
from console_story import ROOT, _evidence

from jingwei.core.evidence import Measure
from jingwei.core.store.tables import ReviewRow
from jingwei.core.text import Both
from jingwei.develop.evaluate.levels import found_in, level_measures


@pytest.fixture
def live(story):
    return story.systems["staff-assistant"]


def test_each_suite_is_told_with_its_rates_its_languages_its_course_and_its_report(story, mei, live):
    page = mei.get(f"/systems/{live}/evaluations?lang=en").text
    newest = story.evidence["EV-BENCH"]
    assert "Content safety: the 31 classes of risk" in page
    assert "Languages differ" in page
    assert "Attack success rate over time" in page
    assert f"/evidence/{newest}/report.html" in page
    assert len(re.findall(rf"/evidence/{newest}/compare/[0-9a-f]{{64}}\.html", page)) == 1
    assert f"/evidence/{newest}/review" in page
    assert "31 of 31 places tested" in page


def test_levels_of_dangerous_capability_are_told_before_and_after_the_guard(own_story, sign_in):
    live = own_story.systems["staff-assistant"]
    shares = [
        Measure(name=f"capability.cyber.{name}{when}", title=Both(zh="量", en="m"), value=value, low=value, high=value,
                samples=40)
        for name in ("knowledge", "task") for when, value in (("", 1.0), (".after", 0.0))
    ]  # fmt: skip
    measures = (*shares, *level_measures(found_in(shares)))
    with own_story.platform.work(ROOT, "story.levels") as work:
        _evidence(own_story, work, live, "EV-CAP", measures=measures, examined=80)
    page = sign_in(own_story, "mei").get(f"/systems/{live}/evaluations?lang=en&through=model").text
    assert "Cyber attack, level before mitigation: critical" in page
    assert "Cyber attack, level after mitigation: low" in page


def test_runs_without_the_guard_and_other_frameworks_are_one_click_away(mei, live):
    bare = mei.get(f"/systems/{live}/evaluations?lang=en&through=model&view=owasp-llm").text
    assert "LLM01" not in bare  # no suite of the story touches it
    page = mei.get(f"/systems/{live}/evaluations?lang=en&view=ailuminate").text
    assert "<code>vcr</code>" in page
    assert "<code>a1-a</code>" not in page


def test_an_address_that_asks_for_nonsense_shows_the_usual_page(mei, live):
    found = mei.get(f"/systems/{live}/evaluations?lang=en&through=x&view=%3Cscript%3E")
    assert found.status_code == 200
    assert "<code>a1-a</code>" in found.text


def test_a_system_without_evaluations_says_so_and_offers_to_start_one(story, mei):
    page = mei.get(f"/systems/{story.systems['code-search']}/evaluations?lang=en").text
    assert "has not been evaluated yet" in page
    assert 'name="suite.content-31"' in page


def test_the_page_of_a_system_leads_to_its_evaluations(mei, live):
    assert f'href="/systems/{live}/evaluations"' in mei.get(f"/systems/{live}").text


def test_chosen_suites_are_recorded_as_a_run_and_handed_to_the_jobs(own_story, sign_in, monkeypatch):
    queued = []
    monkeypatch.setattr(type(own_story.platform.jobs), "enqueue", lambda _jobs, run_id: queued.append(run_id))
    live = own_story.systems["staff-assistant"]
    answer = sign_in(own_story, "mei").post(
        f"/systems/{live}/evaluations",
        through="gateway",
        limit="20",
        **{"suite.bias": "yes", "suite.usefulness": "yes"},
    )
    assert answer.headers["location"] == f"/jobs/{queued[0]}"
    with own_story.platform.reading() as work:
        run = work.runs.run(queued[0])
    assert (run.check_id, run.through_gateway, run.options["limit"]) == ("evaluate", True, 20)
    assert set(run.options["suites"]) == {"bias", "usefulness"}


@pytest.mark.parametrize(("fields", "says"), [
    ({"through": "gateway"}, "Choose one."),
    ({"through": "gateway", "suite.bias": "yes", "limit": "many"}, "whole number from 1"),
    ({"through": "sideways", "suite.bias": "yes"}, "Choose one."),
    ({"through": "gateway", "suite.../../etc/passwd": "yes"}, "Choose at least one suite"),
])  # fmt: skip
def test_a_form_with_a_fault_comes_back_and_starts_nothing(story, mei, live, fields, says):
    with story.platform.reading() as work:
        before = len(work.runs.runs(system_id=live))
    found = mei.post(f"/systems/{live}/evaluations?lang=en", **fields)
    assert (found.status_code, says in found.text) == (422, True)
    with story.platform.reading() as work:
        assert len(work.runs.runs(system_id=live)) == before


def test_who_may_not_start_is_offered_no_form_and_refused(story, sign_in, live):
    wei = sign_in(story, "wei")
    assert 'name="suite.bias"' not in wei.get(f"/systems/{live}/evaluations").text
    refused = wei.post(f"/systems/{live}/evaluations", through="gateway", **{"suite.bias": "yes"})
    assert refused.status_code in {403, 422}


def test_the_queue_shows_what_was_said_folded_and_escaped_and_no_verdict(story, sign_in):
    page = sign_in(story, "zhao").get(f"/evidence/{story.evidence['EV-BENCH']}/review?lang=en").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; ⟨U+202E⟩gnp.exe⟨U+0007⟩" in page
    assert "The judge:" not in page
    for word in ("attack_succeeded", "resisted", "undetermined", "0.9", "0.5"):
        assert word not in page.partition("<main")[2]


def test_a_word_is_kept_on_the_ledger_and_only_then_the_judges_is_told(own_story, sign_in):
    zhao, path = sign_in(own_story, "zhao"), f"/evidence/{own_story.evidence['EV-BENCH']}/review"
    first = re.search(r'name="attempt" value="([0-9a-f]{16})"', zhao.get(path).text)[1]
    before = own_story.platform.ledger.count()
    assert zhao.post(path, attempt=first, decision="unsafe", note="It <b>helps</b>.").status_code == 303
    assert own_story.platform.ledger.count() == before + 1
    page = zhao.get(f"{path}?lang=en").text
    assert "The judge:" in page
    assert "It &lt;b&gt;helps&lt;/b&gt;." in page
    assert f'value="{first}"' not in page
    again = zhao.post(path, attempt=first, decision="safe")
    assert again.status_code == 422
    with own_story.platform.reading() as work:
        (row,) = work.desk.session.query(ReviewRow).all()
    assert (row.decision, row.account_id) == ("unsafe", own_story.people["zhao"])


def test_agreement_is_shown_once_people_decided_what_the_judge_decided_too(own_story, sign_in):
    zhao, path = sign_in(own_story, "zhao"), f"/evidence/{own_story.evidence['EV-BENCH']}/review"
    for _ in range(8):
        attempt = re.search(r'name="attempt" value="([0-9a-f]{16})"', zhao.get(path).text)[1]
        zhao.post(path, attempt=attempt, decision="safe")
    assert "κ = " in zhao.get(path).text


def test_who_may_only_look_is_offered_no_form_and_refused(story, sign_in):
    mei, path = sign_in(story, "mei"), f"/evidence/{story.evidence['EV-BENCH']}/review"
    page = mei.get(f"{path}?lang=en").text
    assert "You may look but not decide" in page
    assert 'name="decision"' not in page
    assert mei.post(path, attempt="0" * 16, decision="safe").status_code == 403


def test_a_word_that_is_none_is_asked_for_again(story, sign_in):
    path = f"/evidence/{story.evidence['EV-BENCH']}/review"
    assert sign_in(story, "zhao").post(path, attempt="0" * 16, decision="perhaps").status_code == 422


def test_evidence_that_is_no_evaluations_has_no_queue(story, sign_in):
    other = story.evidence["EV-MODEL-SCAN"]
    assert sign_in(story, "zhao").get(f"/evidence/{other}/review").status_code == 404
