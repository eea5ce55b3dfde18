"""What people send: registering, signing in, signing, and everything that must be refused."""

import re

import pytest
from console_story import ASSISTANT, PASSWORD
from starlette.testclient import TestClient

from jingwei.faces.console import console
from jingwei.faces.console.caller import SESSION


@pytest.fixture
def anybody(story) -> TestClient:
    return TestClient(console(story.platform), base_url="http://console.test", follow_redirects=False)


def answers(story) -> dict[str, str]:
    return {**story.platform.catalog.grading_rules().defaults(), **ASSISTANT}


def secret_of(client: TestClient) -> str:
    return re.search(r'name="csrf" value="([^"]+)"', client.get("/login").text)[1]


def test_nobody_sees_a_page_without_signing_in_and_comes_back_to_it(anybody):
    refused = anybody.get("/systems?q=a")
    assert refused.status_code == 303
    assert refused.headers["location"] == "/login?next=/systems%3Fq%3Da"


def test_signing_in_opens_a_session_that_scripts_and_other_sites_cannot_use(anybody):
    sent = {"csrf": secret_of(anybody), "login": "mei", "password": PASSWORD, "next": "/systems"}
    opened = anybody.post("/login", data=sent)
    assert opened.status_code == 303
    assert opened.headers["location"] == "/systems"
    cookie = next(each for each in opened.headers.get_list("set-cookie") if each.startswith(SESSION))
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert anybody.get("/systems").status_code == 200


def test_a_wrong_password_is_told_at_its_field_and_never_echoed(anybody):
    sent = {"csrf": secret_of(anybody), "login": "wei", "password": "not the one at all"}
    refused = anybody.post("/login", data=sent)
    assert refused.status_code == 422
    assert 'id="password-error"' in refused.text
    assert 'value="wei"' in refused.text
    assert "not the one at all" not in refused.text


@pytest.mark.parametrize("lure", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_the_sign_in_page_leads_nowhere_else(anybody, lure):
    sent = {"csrf": secret_of(anybody), "login": "mei", "password": PASSWORD, "next": lure}
    assert anybody.post("/login", data=sent).headers["location"] == "/"


@pytest.mark.parametrize("path", ["/systems/new", "/jobs/new", "/accounts", "/account", "/logout"])
def test_a_form_without_our_secret_is_refused_and_changes_nothing(story, sign_in, path):
    browser = sign_in(story, "root")
    before = story.platform.ledger.count()
    for csrf in ("", "guess", browser.csrf[:-1]):
        assert browser.client.post(path, data={"csrf": csrf, "login": "x", "name": "x"}).status_code == 403
    assert (
        browser.client.post(path, data={"csrf": browser.csrf}, headers={"sec-fetch-site": "cross-site"}).status_code
        == 403
    )
    assert story.platform.ledger.count() == before


def test_a_system_is_registered_and_graded_in_one_form(own_story, sign_in):
    browser = sign_in(own_story, "mei")
    sent = browser.post(
        "/systems/new", name="travel-desk", purpose="Books trips.", domain="retail", **answers(own_story)
    )
    assert sent.status_code == 303
    page = browser.get(sent.headers["location"] + "?lang=en").text
    assert "travel-desk" in page
    assert "Signatures needed: System owner, Security" in page


def test_unanswered_questions_are_named_at_their_fields_and_every_answer_is_kept(mei, story):
    given = answers(story)
    del given["autonomy"]
    refused = mei.post("/systems/new", name="travel-desk", purpose="", **given)
    assert refused.status_code == 422
    assert 'href="#autonomy"' in refused.text
    assert 'href="#purpose"' in refused.text
    assert 'value="travel-desk"' in refused.text
    assert re.search(r'name="tools" value="reversible_write" checked', refused.text)


def test_a_name_that_is_taken_is_refused_at_its_field(mei, story):
    refused = mei.post("/systems/new", name="claims-triage", purpose="Another.", **answers(story))
    assert refused.status_code == 422
    assert 'id="name-error"' in refused.text


def test_two_people_sign_and_the_requester_releases(own_story, sign_in):
    gate = f"/systems/{own_story.systems['meeting-minutes']}/gate"
    lin = sign_in(own_story, "lin")
    page = lin.get(gate).text
    fields = dict(re.findall(r'type="hidden" name="(request|evidence_digest|role)" value="([^"]+)"', page))
    own_story.clock.pass_by(minutes=1)
    wrong = lin.post(gate, act="sign", approves="yes", password="wrong password here", **fields)
    assert wrong.status_code == 422
    assert 'id="password-error"' in wrong.text
    own_story.clock.pass_by(hours=2)
    lin = sign_in(own_story, "lin")
    assert lin.post(gate, act="sign", approves="yes", password=PASSWORD, **fields).status_code == 303
    mei = sign_in(own_story, "mei")
    assert "act" in mei.get(gate).text
    assert mei.post(gate, act="release", request=fields["request"]).status_code == 303
    assert 'href="/systems/new"' in mei.get("/systems").text
    with own_story.platform.reading() as work:
        assert work.registry.system(own_story.systems["meeting-minutes"]).status == "live"


def test_the_requester_is_not_offered_a_signature(mei, story):
    page = mei.get(f"/systems/{story.systems['meeting-minutes']}/gate?lang=en").text
    assert "You made this request; other people sign it." in page
    assert 'name="password"' not in page


def test_a_record_is_entered_and_an_automatic_one_cannot_be(own_story, sign_in):
    zhao = sign_in(own_story, "zhao")
    path = f"/systems/{own_story.systems['claims-triage']}/evidence"
    made = zhao.post(path, type="EV-RISK", statement="Looked at.", passed="yes")
    assert made.status_code == 303
    assert "EV-RISK" in zhao.get(made.headers["location"]).text
    forged = zhao.post(path, type="EV-REDTEAM", statement="Looked at.", passed="yes")
    assert forged.status_code == 422


def test_an_upload_beyond_the_limit_is_refused_before_it_is_read(story, sign_in):
    zhao = sign_in(story, "zhao")
    path = f"/systems/{story.systems['claims-triage']}/evidence"
    headers = {"content-length": str(10**10), "content-type": "multipart/form-data; boundary=x"}
    refused = zhao.client.post(path, content=b"", headers=headers)
    assert refused.status_code == 422
    assert "64.0 MiB" in refused.text


def test_only_an_administrator_opens_the_accounts(mei, story, sign_in):
    assert mei.get("/accounts").status_code == 403
    assert sign_in(story, "root").get("/accounts").status_code == 200


def test_an_administrator_makes_an_account_with_its_role(own_story, sign_in):
    root = sign_in(own_story, "root")
    made = root.post("/accounts", login="bo", name="Bo", password="a long first one", role="legal", domain="retail")
    assert made.status_code == 303
    page = root.get("/accounts?lang=en").text
    assert "Legal · retail" in page
    short = root.post("/accounts", login="cy", name="Cy", password="short", role="legal", domain="retail")
    assert short.status_code == 422


def test_signing_out_ends_the_session(own_story, sign_in):
    browser = sign_in(own_story, "mei")
    assert browser.post("/logout").status_code == 303
    browser.client.cookies.clear()
    assert browser.client.get("/", follow_redirects=False).headers["location"].startswith("/login")
