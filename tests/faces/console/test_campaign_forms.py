"""Campaigns in the browser without script: approve, start, try, submit, triage, mend, export; hostile words stay words."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from campaign_story import HOSTILE

from jingwei.core.errors import Unavailable


def sent(answer, status=303):
    assert answer.status_code == status, re.sub(r"<[^>]+>", " ", answer.text)[-2000:]
    return answer.headers.get("location", "")


@pytest.fixture
def played(own_story, sign_in):
    return own_story, lambda login: sign_in(own_story, login)


def test_what_a_model_or_a_person_wrote_is_shown_as_text(played):
    story, browser = played
    for path in (f"/campaigns/finds/{story.campaigns['find']}", f"/campaigns/{story.campaigns['campaign']}"):
        page = browser("zhao").get(path).text
        assert "<script>alert" not in page
        assert "<|im_start|>" not in page
    assert "&lt;script&gt;alert" in browser("zhao").get(f"/campaigns/finds/{story.campaigns['find']}").text
    assert HOSTILE not in browser("zhao").get(f"/campaigns/finds/{story.campaigns['find']}").text


def test_words_of_others_are_hidden_from_who_does_not_triage(played):
    story, browser = played
    find = f"/campaigns/finds/{story.campaigns['find']}"
    assert "R2-D2" in browser("chen").get(find).text
    for login in ("mei", "root"):
        for path in (
            find,
            f"/campaigns/{story.campaigns['campaign']}",
            f"/campaigns/tries/{story.campaigns['try-ada']}",
        ):
            assert "R2-D2" not in browser(login).get(path).text
            assert "B-204" not in browser(login).get(path).text
    assert "R2-D2" in browser("wei").get(find).text


def test_a_target_is_approved_a_campaign_started_opened_and_closed(played):
    story, browser = played
    zhao, chen = browser("zhao"), browser("chen")
    live = story.systems["staff-assistant"]
    sent(zhao.post("/campaigns", system=live, kind="gateway", reason=""), 422)
    sent(zhao.post("/campaigns", system=live, kind="endpoint", reason="x", locator=""), 422)
    sent(zhao.post("/campaigns", system=live, kind="gateway", reason="x"))
    sent(browser("mei").post("/campaigns", system=live, kind="gateway", reason="x"), 422)
    with story.platform.reading() as work:
        target = next(each for each in work.campaign_targets.targets(live))
    now = datetime.now(UTC)
    form = {"title": "T-1", "purpose": "p", "rules": "r", "requests": "5", "per_minute": "2", "leaderboard": "named",
            "starts_at": f"{now - timedelta(days=30):%Y-%m-%dT%H:%M}", "ends_at": f"{now + timedelta(days=3):%Y-%m-%dT%H:%M}"}  # fmt: skip
    place = f"/campaigns/new?target={target.id}"
    for wrong in (
        {"requests": "x"},
        {"ends_at": "soon"},
        {"title": ""},
        {"requests": "0"},
        {"ends_at": form["starts_at"]},
    ):
        sent(chen.post(place, act="open", **form | wrong), 422)
    sent(zhao.post(place, act="open", **form), 422)
    path = sent(chen.post(place, act="draft", **form))
    sent(chen.post(path, act="open"))
    assert "T-1" in chen.get("/campaigns").text
    sent(browser("mei").post(path, act="close"), 422)
    sent(chen.post(path, act="close"))
    sent(zhao.post("/campaigns", act="withdraw", target=target.id))


def test_a_prompt_is_sent_and_a_target_that_is_away_is_told(played, monkeypatch):
    story, browser = played
    path = f"/campaigns/{story.campaigns['campaign']}"
    sent(browser("mei").post(path, act="try", prompt=""), 422)

    def away(*_given):
        raise Unavailable("platform:campaign-no-answer", field="target", reason="timeout")

    monkeypatch.setattr("jingwei.platform.campaigning.Campaigning._heard", away)
    answer = browser("mei").post(path, act="try", prompt="D-4?")
    assert answer.status_code == 422
    assert "timeout" in answer.text
    assert "D-4?" in answer.text


def test_a_try_is_submitted_triaged_by_another_mended_and_exported(played):
    story, browser = played
    mei, zhao = browser("mei"), browser("zhao")
    tried = f"/campaigns/tries/{story.campaigns['try-mei']}"
    sent(mei.post(tried, category="", reason="x"), 422)
    find = sent(mei.post(tried, category="tc260:a5-a", reason="TICKET-30"))
    assert find in mei.get(tried).text
    sent(mei.post(find, act="triage", decision="accept", severity="low"), 422)
    sent(zhao.post(find, act="triage"), 422)
    sent(zhao.post(find, act="triage", decision="accept"), 422)
    sent(zhao.post(find, act="triage", decision="accept", severity="low"))
    sent(zhao.post(find, act="mend", note=""), 422)
    sent(zhao.post(find, act="mend", note="TICKET-31"))
    waiting = f"/campaigns/finds/{story.campaigns['waiting']}"
    sent(zhao.post(waiting, act="triage", decision="duplicate", duplicate_of=story.campaigns["find"]))
    campaign = f"/campaigns/{story.campaigns['campaign']}"
    suite = zhao.post(campaign, act="export")
    assert suite.status_code == 200
    assert "attachment" in suite.headers["content-disposition"]
    assert len(yaml.safe_load(suite.text)["categories"]) == 2
    sent(mei.post(campaign, act="export"), 422)


def test_an_open_risk_is_on_the_systems_page(played):
    story, browser = played
    page = browser("mei").get(f"/systems/{story.systems['claims-triage']}?lang=en").text
    assert f"/campaigns/finds/{story.campaigns['find']}" in page
