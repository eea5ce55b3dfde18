"""The console under attack: forged forms, planted scripts, other people's sessions, addresses that lead elsewhere."""

import json
import re
from html.parser import HTMLParser

import pytest
from console_story import PASSWORD
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from jingwei.core.identity import PLATFORM
from jingwei.core.identity.throttle import _hash
from jingwei.faces.console import console
from jingwei.faces.console.caller import SESSION
from jingwei.manage import SystemFile

PLANTED = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}{% raw %}"


class Planted(HTMLParser):
    """Finds what would run: scripts of the page itself, handlers, and addresses that are scripts."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        handlers = [name for name in given if name.startswith("on")]
        addresses = [
            value for value in given.values() if (value or "").strip().lower().startswith(("javascript:", "data:text"))
        ]
        if (tag == "script" and "src" not in given) or given.get("src") == "x" or handlers or addresses:
            self.found.append((tag, attributes))


def planted(text):
    parser = Planted()
    parser.feed(text)
    return parser.found


def posts(app):
    found = []

    def walk(routes):
        for route in routes:
            inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
            if inner:
                walk(inner)
            if isinstance(route, APIRoute) and route.methods & {"POST", "PUT", "PATCH", "DELETE"}:
                found.append(route.path)

    walk(app.routes)
    return sorted(set(found))


def test_every_form_of_the_console_refuses_a_forged_post(story, sign_in):
    browser = sign_in(story, "root")
    paths = posts(console(story.platform))
    assert len(paths) >= 10, paths
    before = story.platform.ledger.count()
    ids = {"system_id": story.systems["staff-assistant"], "run_id": story.runs["running"],
           "account_id": story.people["mei"]}  # fmt: skip
    for path in paths:
        address = re.sub(r"{(\w+)(:\w+)?}", lambda found: ids.get(found[1], "x"), path)
        for data, headers in (({}, {}), ({"csrf": "guess"}, {}), ({"csrf": browser.csrf}, {"sec-fetch-site": "cross-site"}),
                              ({"csrf": browser.csrf}, {"sec-fetch-site": "same-site"})):  # fmt: skip
            reply = browser.client.post(address, data=data, headers=headers, follow_redirects=False)
            assert reply.status_code in {403, 404, 422}, (path, data, headers, reply.status_code)
    assert story.platform.ledger.count() == before


def test_no_get_changes_anything(story, sign_in):
    browser = sign_in(story, "root")
    before = story.platform.ledger.count()
    for path in ("/logout", "/jobs/x/cancel", f"/accounts/{story.people['mei']}/close", "/systems/x/suspend"):
        assert browser.client.get(path, follow_redirects=False).status_code in {303, 404, 405}
    assert story.platform.ledger.count() == before
    assert browser.get("/systems").status_code == 200


def test_planted_scripts_are_shown_as_text_on_every_page(own_story, sign_in):
    platform = own_story.platform
    with platform.reading() as work:
        facts = {fact.name: fact.value for fact in work.intake.facts(own_story.systems["staff-assistant"])}
        actor = work.accounts.actor(own_story.people["mei"])
    file = SystemFile.model_validate({
        "name": PLANTED[:120], "purpose": PLANTED, "facts": facts,
        "components": [{"kind": "model", "name": PLANTED, "digest": "a" * 64, "supplier": PLANTED, "licence": PLANTED[:80],
                        "responsibility": {"party": PLANTED, "duty": PLANTED, "contact": PLANTED}}],
        "tools": [],
    })  # fmt: skip
    with platform.work(actor, "test.take") as work:
        taken = work.intake.take(file, actor=actor)
        work.grading.grade(taken.system.id, actor=actor)
    browser = sign_in(own_story, "zhao")
    entered = browser.post(f"/systems/{taken.system.id}/evidence", type="EV-RISK", statement=PLANTED, passed="yes")
    pages = ["/", "/systems", f"/systems/{taken.system.id}", f"/systems/{taken.system.id}/gate", "/evidence", "/gate",
             f"/systems/{taken.system.id}/evidence", f"/jobs/new?system={taken.system.id}&check={PLANTED}", "/ledger",
             f"/systems?q={PLANTED}", f"/evidence?type={PLANTED}", f"/login?next={PLANTED}", f"/events?system={PLANTED}",
             f"/systems?sort={PLANTED}&lang={PLANTED}", f"/catalogue/{PLANTED[:9]}"]  # fmt: skip
    if entered.status_code == 303:
        pages.append(entered.headers["location"])
    for page in pages:
        reply = browser.get(page)
        assert reply.status_code in {200, 303, 404, 422}, (page, reply.status_code)
        assert planted(reply.text) == [], page
        assert "script-src" in (policy := reply.headers["content-security-policy"]) or "default-src 'self'" in policy
        assert "unsafe" not in policy


def test_a_session_set_before_signing_in_is_not_the_one_after(story):
    client = TestClient(console(story.platform), base_url="http://console.test", follow_redirects=False)
    client.cookies.set(SESSION, "fixed-by-somebody-else")
    csrf = re.search(r'name="csrf" value="([^"]+)"', client.get("/login").text)[1]
    opened = client.post("/login", data={"csrf": csrf, "login": "mei", "password": PASSWORD})
    assert opened.status_code == 303
    given = [each for each in opened.headers.get_list("set-cookie") if each.startswith(SESSION)]
    assert given
    assert "fixed-by-somebody-else" not in given[0]
    stranger = TestClient(console(story.platform), base_url="http://console.test", follow_redirects=False)
    stranger.cookies.set(SESSION, "fixed-by-somebody-else")
    assert stranger.get("/systems").status_code == 303


@pytest.mark.parametrize("lure", [
    "//evil.example", "/\\evil.example", "/\t/evil.example", "/\n/evil.example", "\\\\evil.example", "/%5cevil.example/..//",
    "https:evil.example", "http:/\\evil", " //evil.example", "/\r\nSet-Cookie: a=b", "data:text/html,x", "//evil.example/%2f..",
    "/.//evil.example", "/..//evil.example", "/@evil.example/..//x",
])  # fmt: skip
def test_signing_in_leads_to_no_other_site(story, lure):
    client = TestClient(console(story.platform), base_url="http://console.test", follow_redirects=False)
    csrf = re.search(r'name="csrf" value="([^"]+)"', client.get("/login").text)[1]
    reply = client.post("/login", data={"csrf": csrf, "login": "mei", "password": PASSWORD, "next": lure})
    assert reply.status_code == 303
    place = reply.headers["location"]
    assert re.fullmatch(r"/(?![/\\])[^\\\s]*", place), place
    assert "a=b" not in reply.headers.get("set-cookie", "")


def test_a_closed_account_has_no_open_session_and_no_key(own_story, sign_in):
    browser = sign_in(own_story, "wei")
    with own_story.platform.work(PLATFORM, "test") as work:
        key = work.keys.make("k", scopes=frozenset({"*"}), account_id=own_story.people["wei"]).key
    assert browser.client.get("/systems", follow_redirects=False).status_code == 200
    root = sign_in(own_story, "root")
    assert root.post(f"/accounts/{own_story.people['wei']}/close").status_code == 303
    assert browser.client.get("/systems", follow_redirects=False).status_code == 303
    with own_story.platform.reading() as work:
        assert work.keys.holder(key) is None


def test_a_name_spelt_otherwise_waits_as_long():
    """Whatever finds an account by its name is counted as one name."""
    for character in map(chr, range(0x110000)):
        if "\ud800" <= character <= "\udfff":
            continue
        assert _hash(character) == _hash(character.lower()), hex(ord(character))


def test_what_an_upload_calls_itself_breaks_no_header(own_story, sign_in):
    browser = sign_in(own_story, "zhao")
    system_id = own_story.systems["staff-assistant"]
    name = 'a"\r\nSet-Cookie: b=c\r\n/../../etc/passwd.html'
    sent = browser.client.post(
        f"/systems/{system_id}/evidence", follow_redirects=False,
        data={"csrf": browser.csrf, "type": "EV-RISK", "statement": "Read.", "passed": "yes"},
        files={"artefacts": (name, b"<script>alert(1)</script>", "text/html")},
    )  # fmt: skip
    assert sent.status_code == 303, sent.text[:500]
    evidence = json.loads(browser.get(sent.headers["location"] + ".json").text)
    [kept] = evidence["artefacts"]
    got = browser.get(f"{sent.headers['location']}/artefacts/{kept['sha256']}")
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["content-disposition"].startswith("attachment")
    assert "set-cookie" not in got.headers
    for other in ("../../keys/platform.key", "..%2f..%2fkeys%2fplatform.key", "f" * 64, "platform.key"):
        assert browser.get(f"{sent.headers['location']}/artefacts/{other}").status_code == 404
