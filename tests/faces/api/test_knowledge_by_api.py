"""Knowledge bases over HTTP: whoever keeps one says whom each document is for, and a program asks on people's behalf."""

import pytest

BODY = {
    "title": "Handbook",
    "text": "# Leave\n\nEveryone has twelve days of leave a year.\n\n# Pay\n\n"
    "A senior engineer earns between thirty and forty thousand a month, bonus not included.\n",
    "acl": {"groups": ["staff"]},
    "source": "h.md",
    "narrowed": {"Pay": {"groups": ["hr"]}},
}
STAFF = {"id": "wang", "groups": ["staff"]}
QUESTION = {"question": "What does a senior engineer earn?", "asker": STAFF}


@pytest.fixture
def document(here):
    return here.post("security", "/knowledge/handbook/documents", BODY)


def test_an_asker_is_answered_from_what_they_may_see(here, document):
    assert document in {each["id"] for each in here.get("security", "/knowledge/handbook/documents")}
    assert "handbook" in here.get("engineer", "/knowledge")
    found = here.post("engineer", "/knowledge/handbook/ask", QUESTION, status=200)
    assert [each["heading"] for each in found] == ["Leave"]
    (seen,) = here.post("engineer", "/knowledge/handbook/sight", STAFF, status=200)
    assert (seen["visible"], seen["document"]["paragraphs"]) == (1, 2)


def test_an_answer_is_screened_for_its_reader(here, document):
    assert document
    answer = {
        "answer": "A senior engineer earns between thirty and forty thousand a month, bonus not included.",
        "asker": STAFF,
    }
    assert here.post("engineer", "/knowledge/handbook/screen", answer, status=200)
    here.post(
        "engineer",
        "/knowledge/handbook/screen",
        answer | {"asker": {"id": "li", "groups": ["staff", "hr"]}},
        status=200,
    )


def test_a_change_of_who_may_see_it_counts_at_once_and_is_on_the_record(here, document):
    before = here.platform.ledger.page(limit=1)
    here.ask("security", "PUT", f"/knowledge/handbook/documents/{document}/acl", json={"groups": ["hr"]})
    assert here.post("engineer", "/knowledge/handbook/ask", QUESTION, status=200) == []
    assert here.platform.ledger.page(limit=1) != before
    here.delete("security", f"/knowledge/handbook/documents/{document}")
    assert here.get("security", "/knowledge/handbook/documents") == []


def test_only_who_keeps_bases_changes_them(here, document):
    here.post("engineer", "/knowledge/handbook/documents", BODY, status=403)
    here.delete("engineer", f"/knowledge/handbook/documents/{document}", status=403)


def test_a_base_that_is_none_is_not_found(here):
    here.get("security", "/knowledge/nowhere/documents", status=404)
    here.post("security", "/knowledge/Bad_Name/documents", BODY, status=422)
    here.delete("security", "/knowledge/nowhere/documents/doc_01J00000000000000000000000", status=404)
