"""Every page, as a client without script gets it."""

import re
from html.parser import HTMLParser

import pytest
from console_story import ATTEMPT, PAGES

CJK = re.compile(r"[一-鿿]")
SENTENCE = re.compile(r"\b[A-Za-z]{2,}(?: [a-z]{2,}){3,}\b")


class Spoken(HTMLParser):
    """Collects what a page says in its own language, with what assistive technology reads; data keeps its own words."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.stack: list[tuple[str, bool]] = []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        for name in ("aria-label", "title", "placeholder", "data-name", "alt"):
            if given.get(name) and not self.silent:
                self.words.append(given[name])
        if tag not in ("meta", "link", "input", "img", "br"):
            other = tag in ("script", "style", "code") or ("lang" in given and tag != "html")
            self.stack.append((tag, other))

    def handle_endtag(self, tag):
        while self.stack and self.stack.pop()[0] != tag:
            pass

    @property
    def silent(self) -> bool:
        return any(other for _, other in self.stack)

    def handle_data(self, data):
        if data.strip() and not self.silent:
            self.words.append(data.strip())


def spoken(html: str) -> list[str]:
    reader = Spoken()
    reader.feed(re.sub(r"<textarea.*?</textarea>", "", html, flags=re.DOTALL))  # what people wrote, in their language
    return reader.words


class Crawl:
    """Asks for each address once in each language, however many tests look at it."""

    def __init__(self, browser) -> None:
        self.browser = browser
        self.found = {}

    def get(self, path: str, language: str = "zh-CN"):
        if (path, language) not in self.found:
            self.found[path, language] = self.browser.get(path, **{"accept-language": language})
        return self.found[path, language]


@pytest.fixture(scope="module")
def crawl(story, sign_in) -> Crawl:
    return Crawl(sign_in(story, "mei"))


@pytest.mark.parametrize("name", PAGES)
def test_every_page_speaks_only_chinese_in_chinese(crawl, pages, name):
    answer = crawl.get(pages[name])
    assert answer.status_code == (404 if name == "missing" else 200)
    assert '<html lang="zh-CN">' in answer.text
    purpose = "answers, drafts, books"
    leaked = [words for words in spoken(answer.text) if SENTENCE.search(words) and purpose not in words]
    assert leaked == []


@pytest.mark.parametrize("name", PAGES)
def test_every_page_speaks_only_english_in_english(crawl, pages, name):
    answer = crawl.get(pages[name], "en-GB,en;q=0.9,zh;q=0.1")
    assert '<html lang="en">' in answer.text
    assert [words for words in spoken(answer.text) if CJK.search(words)] == []


@pytest.mark.parametrize("name", PAGES)
def test_every_page_forbids_what_it_does_not_need(crawl, pages, name):
    answer = crawl.get(pages[name])
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<[^>]+\s(?:style|on\w+)=", answer.text)
    assert "<script>" not in answer.text


@pytest.mark.parametrize("name", PAGES)
def test_every_link_within_the_console_leads_somewhere(crawl, pages, name):
    links = {
        link.replace("&amp;", "&") for link in re.findall(r'(?:href|src)="(/[^"#]*)"', crawl.get(pages[name]).text)
    }
    # A page of its own, asked for in the other language, is tried by the language tests.
    tried = [link for link in links if not link.endswith("/stream") and "lang=" not in link]
    assert [link for link in tried if crawl.get(link).status_code >= 400] == []


def test_static_files_are_kept_for_ever_under_their_hash(mei):
    page = mei.get("/").text
    link = re.search(r'href="(/static/[0-9a-f]{12}/console\.css)"', page)[1]
    assert "immutable" in mei.get(link).headers["cache-control"]
    assert mei.get("/static/000000000000/console.css").status_code == 404


def test_the_language_switch_keeps_the_page_and_its_filters(story, sign_in):
    browser = sign_in(story, "mei")
    page = browser.get("/systems?q=minutes&sort=-grade", **{"accept-language": "zh"}).text
    link = re.search(r'href="([^"]*lang=en[^"]*)"', page)[1].replace("&amp;", "&")
    english = browser.get(link)
    assert 'lang="en"' in english.text
    assert "meeting-minutes" in english.text
    assert "claims-triage" not in english.text
    assert '<html lang="en">' in browser.get("/").text


def test_the_system_page_explains_its_grade_and_shows_before_and_after(mei, story):
    page = mei.get(f"/systems/{story.systems['staff-assistant']}?lang=en").text
    assert "Rules that fired" in page
    assert "What would change it" in page
    assert "Without guard: 62%, 95 % interval 49%–73%, 60 attempts" in page
    assert "Through guard: 5%, 95 % interval 2%–14%, 60 attempts" in page


def test_evidence_is_verified_on_request_and_downloads_whole(mei, story):
    evidence_id = story.evidence["attack"]
    assert "The platform key&#39;s signature holds" not in mei.get(f"/evidence/{evidence_id}?lang=en").text
    assert "The platform key&#39;s signature holds" in mei.get(f"/evidence/{evidence_id}?lang=en&verify=1").text
    found = mei.get(f"/evidence/{evidence_id}.json")
    assert found.json()["signature"]["key_id"] == story.platform.signer.verifier.key_id
    artefact = found.json()["artefacts"][0]["sha256"]
    kept = mei.get(f"/evidence/{evidence_id}/artefacts/{artefact}")
    assert kept.content == ATTEMPT
    assert kept.headers["content-type"] == "application/octet-stream"
    assert "attachment" in kept.headers["content-disposition"]


def test_what_a_model_or_a_person_wrote_is_never_markup(story, sign_in):
    text = mei_search = sign_in(story, "mei").get('/systems?q="><script>alert(1)</script>').text
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in mei_search


def test_lists_sort_and_page_by_their_address(mei):
    order = re.findall(r'<th scope="row"><a href="/systems/[^"]+">([^<]+)</a>', mei.get("/systems?sort=-grade").text)
    assert order[0] == "claims-triage"
    assert order[-1] == "code-search"
    assert mei.get("/jobs?page=99999999999").status_code == 200
    assert mei.get("/ledger?before=abc").status_code == 200


def test_the_ledger_verifies_and_exports(mei):
    assert "It holds" in mei.get("/ledger?verify=1&lang=en").text
    assert mei.get("/ledger/export.jsonl").text.count("\n") > 200


def test_a_report_is_one_file_that_says_what_the_page_says(story):
    from jingwei.faces.console.report import evidence_page

    with story.platform.reading() as work:
        found = work.proof.evidence(story.evidence["attack"])
    for language in ("zh", "en"):
        page = evidence_page([found], language)
        assert found.findings[0].title.of(language) in page
        assert found.id in page
        assert "5%" in page
        assert not re.search(r'(?:href|src)="', page)


def test_guard_events_come_fifty_at_a_time_with_an_assessment_run_as_one_line(mei):
    first = mei.get("/events?lang=en").text
    assert first.count('<li id="event-') == 50
    assert "One assessment run, 12 events" in first
    older = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")
    second = mei.get(older).text
    assert "data-feed=" not in second
    shown = re.findall(r'<li id="event-([^"]+)"', first + second)
    assert len(shown) == len(set(shown)) == 67
    assert "assessment run," not in mei.get("/events?served=yes&lang=en").text


def test_each_system_stands_at_exactly_one_step_and_incidents_are_not_counted(mei):
    page = mei.get("/?lang=en").text
    counts = {
        step: int(count) for step, count in re.findall(r'href="/systems\?step=(\w+)"><span class="dot">(\d+)', page)
    }
    assert "comes with incident handling" in page
    assert "handle" not in counts
    assert sum(counts.values()) == 5
    for step, count in counts.items():
        found = mei.get(f"/systems?step={step}").text
        assert len(re.findall(r'<th scope="row"><a href="/systems/', found)) == count
