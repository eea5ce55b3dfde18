"""The guard's pages at work: a word goes live, a policy is promoted by two, a held call is decided, a person watches."""

import re

import pytest
from console_story import PASSWORD, Story
from guard_story import SESSION

from jingwei.faces.console.policy_form import fields


def hidden(html: str) -> dict[str, str]:
    """Return the hidden fields of a page's forms but for the secret."""
    pairs = re.findall(r'<input type="hidden" name="([\w-]+)" value="([^"]*)"', html)
    return {name: value for name, value in pairs if name != "csrf"}


def test_a_word_is_previewed_applied_and_blamed(own_story: Story, sign_in):
    zhao = sign_in(own_story, "zhao")
    preview = zhao.post("/lexicons/organisation/change", act="add", words="borealis\nstaffcard", topic="project-x")
    assert preview.status_code == 200
    sent = hidden(preview.text)
    assert (sent["added"], sent["same"]) == ("2", "0")  # staffcard gets another topic
    again = zhao.post("/lexicons/organisation/apply", **sent, reason="")
    assert again.status_code == 422
    done = zhao.post("/lexicons/organisation/apply", **sent, reason="TICKET-11")
    assert done.headers["location"] == "/lexicons/organisation/versions/3"
    assert "TICKET-11" in zhao.get("/lexicons/organisation/word?word=BOREALIS").text
    assert "borealis" in zhao.get("/lexicons/organisation?q=bore").text
    stale = zhao.post("/lexicons/organisation/apply", **sent, reason="TICKET-12")
    assert stale.status_code == 409


def test_a_wrong_word_and_a_wrong_file_are_said_at_their_fields(own_story: Story, sign_in):
    zhao = sign_in(own_story, "zhao")
    wrong = zhao.post("/lexicons/organisation/change", act="add", words="x" * 100)
    assert (wrong.status_code, 'id="words-error"' in wrong.text) == (422, True)
    wrong = zhao.client.post("/lexicons/organisation/import", data={"csrf": zhao.csrf},
                             files={"file": ("words.csv", b"word,topic\nfine,bad topic!\n")})  # fmt: skip
    assert (wrong.status_code, 'id="file-error"' in wrong.text, "fine" in wrong.text) == (422, True, False)
    taken = zhao.client.post("/lexicons/organisation/import", data={"csrf": zhao.csrf},
                             files={"file": ("words.csv", b"word,topic\nfine-word,project-x\n")})  # fmt: skip
    assert hidden(taken.text)["added"] == "1"


def test_an_engineer_sees_words_and_changes_none(own_story: Story, sign_in):
    mei = sign_in(own_story, "mei")
    assert 'action="/lexicons/organisation/change"' not in mei.get("/lexicons/organisation").text
    assert mei.post("/lexicons/organisation/change", act="add", words="borealis").status_code == 403


def test_a_policy_is_edited_previewed_and_proposed(own_story: Story, sign_in):
    live = own_story.systems["staff-assistant"]
    path, mei = f"/systems/{live}/policy/edit", sign_in(own_story, "mei")
    with own_story.platform.reading() as work:
        form = {**fields(work.policies.in_force(live)), "budget": "1"}
    same = mei.post(path, **form, act="propose", reason="TICKET-13")
    assert same.status_code == 422
    weak = mei.post(path, **{**form, "rule-0-inbound": "allow"}, act="preview")
    assert "notice bad" in weak.text
    assert mei.post(path, **{**form, "watch_idle_seconds": "soon"}, act="preview").status_code == 422
    assert mei.post(path, **{**form, "watch_idle_seconds": "20"}, act="propose").status_code == 422  # no reason
    done = mei.post(path, **{**form, "watch_idle_seconds": "20", "words": "b\na"}, act="propose", reason="TICKET-13")
    assert done.status_code == 303
    with own_story.platform.reading() as work:
        made = work.candidates.candidate(done.headers["location"].rpartition("/")[2])
    assert (made.policy.watch_idle_seconds, made.policy.words, made.false_positive_budget) == (20, ("a", "b"), 0.01)


@pytest.mark.slow
def test_a_candidate_is_replayed_signed_by_two_and_put_in_force(own_story: Story, sign_in):
    path = f"/candidates/{own_story.candidates[1]}"
    zhao, lin, mei = (sign_in(own_story, login) for login in ("zhao", "lin", "mei"))
    assert zhao.post(path, act="sign", password=PASSWORD, covered="x").status_code in {403, 422}
    assert zhao.post(path, act="replay").status_code == 303
    for one in (zhao, lin):
        covered = hidden(one.get(path).text)["covered"]
        wrong = one.post(path, act="sign", covered=covered, password="not it at all")
        assert 'id="password-error"' in wrong.text
        own_story.clock.pass_by(hours=2)
        assert one.post(path, act="sign", covered=covered, password=PASSWORD).status_code == 303
    assert 'name="covered"' not in mei.get(path).text
    assert zhao.post(path, act="promote").status_code == 303
    with own_story.platform.reading() as work:
        assert work.policies.in_force(own_story.systems["staff-assistant"]).watch_idle_seconds == 30


def test_a_held_call_is_approved_with_a_password_or_refused_with_a_reason(own_story: Story, sign_in):
    first, second = (f"/approvals/{each}" for each in own_story.held[:2])
    zhao, wei = sign_in(own_story, "zhao"), sign_in(own_story, "wei")
    assert 'name="decision"' not in wei.get(first).text
    digest = hidden(zhao.get(first).text)["digest"]
    for wrong in ({}, {"decision": "approve"}, {"decision": "refuse"}):
        assert zhao.post(first, digest=digest, **wrong).status_code == 422
    assert zhao.post(first, decision="approve", password=PASSWORD, digest="cd" * 32).status_code == 422
    assert zhao.post(first, decision="approve", password=PASSWORD, digest=digest).status_code == 303
    assert zhao.post(second, decision="refuse", reason="TICKET-14", digest=digest).status_code == 303
    with own_story.platform.reading() as work:
        states = [work.approvals.approval(each).state for each in own_story.held]
    assert states == ["approved", "refused", "refused"]


def test_a_person_watches_signs_and_leaves(own_story: Story, sign_in):
    path, lin = f"/systems/{own_story.systems['staff-assistant']}/watch", sign_in(own_story, "lin")
    assert lin.post(path, act="sign").status_code == 422
    assert 'id="password-error"' in lin.post(path, act="begin", password="not it at all").text
    own_story.clock.pass_by(hours=2)
    assert lin.post(path, act="begin", password=PASSWORD).status_code == 303
    assert "data-presence" in lin.get(path).text
    beat = lin.client.post(path, data={"csrf": lin.csrf, "act": "sign"}, headers={"jingwei-sign": "yes"})
    assert beat.status_code == 204
    own_story.clock.pass_by(minutes=5)
    assert lin.post(path, act="sign").status_code == 422
    assert lin.post(path, act="leave").status_code == 303


@pytest.mark.parametrize(("query", "count"), [
    ("category=injection&direction=inbound", 13), ("kind=shadow", 1), ("decision=hold", 2), ("category=nonsense", 50),
    ("request=agent1", 3), ("since=nonsense&decision=hold", 2),
])  # fmt: skip
def test_the_feed_is_narrowed(story: Story, mei, query, count):
    html = mei.get(f"/events?{query}").text
    assert len(re.findall(r'<li id="event-', html)) == count


def test_the_feed_loads_itself_again_only_where_that_was_asked_for(mei):
    assert "refresh" not in mei.get("/events").headers
    assert mei.get("/events?refresh=yes").headers["refresh"] == "10"


def test_an_event_is_explained_without_its_text(story: Story, mei):
    html = mei.get("/events/evt_100003").text
    assert "messages[2].content" in html
    assert "organisation@2." in html
    assert f"/events/sessions/{story.systems['staff-assistant']}/{SESSION}" in html
    assert mei.get("/events/evt_nothing").status_code == 404
    assert mei.get(f"/events/sessions/{story.systems['staff-assistant']}/{'0' * 64}").status_code == 404
