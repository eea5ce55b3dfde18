"""Knowledge bases in the console: kept by who may, looked at through anybody's eyes."""

import pytest

FIELDS = {
    "base": "handbook", "title": "Handbook", "groups": "staff",
    "text": "# Leave\n\nEveryone has twelve days of leave a year.\n\nAsk your manager in good time before you go.",
}  # fmt: skip


@pytest.fixture
def keeper(own_story, sign_in):
    zhao = sign_in(own_story, "zhao")
    assert zhao.post("/knowledge", **FIELDS).headers["location"] == "/knowledge/handbook"
    return zhao


def test_a_document_is_taken_in_and_looked_at_through_somebodys_eyes(keeper):
    assert "1 documents" in keeper.get("/knowledge?lang=en").text
    page = keeper.get("/knowledge/handbook?lang=en&as=wang&groups=staff&question=leave").text
    assert "twelve days" in page
    stranger = keeper.get("/knowledge/handbook?lang=en&as=nobody&question=leave").text
    assert "twelve days" not in stranger
    assert "Nothing that this person may see" in stranger


def test_an_answer_is_held_against_what_its_reader_may_see(keeper):
    answer = "Everyone has twelve days of leave a year and more."
    for groups, said in (("staff", "Nothing of it is hidden"), ("guests", "stretches of it are hidden")):
        page = keeper.post(f"/knowledge/handbook?as=wang&groups={groups}&lang=en", act="screen", answer=answer)
        assert said in page.text


def test_whom_it_is_for_is_changed_and_a_document_removed(own_story, keeper):
    with own_story.platform.reading() as work:
        (document,) = work.knowledge.documents("handbook")
    assert keeper.post("/knowledge/handbook", act="permit", document=document.id, groups="hr").status_code == 303
    with own_story.platform.reading() as work:
        assert work.knowledge.documents("handbook")[0].acl.groups == {"hr"}
    wrong = keeper.post("/knowledge/handbook?lang=en", act="permit", document=document.id, level="x")
    assert (wrong.status_code, "digit from 0 to 9" in wrong.text) == (422, True)
    assert keeper.post("/knowledge/handbook", act="remove", document=document.id).status_code == 303
    assert "holds no documents" in keeper.get("/knowledge/handbook?lang=en").text


def test_who_may_not_keep_a_base_is_offered_no_form_and_refused(own_story, keeper, sign_in):
    assert keeper
    mei = sign_in(own_story, "mei")
    assert "Take a document in" not in mei.get("/knowledge?lang=en").text
    assert mei.post("/knowledge", **FIELDS).status_code == 403


def test_a_form_with_a_fault_comes_back_with_what_was_written(own_story, sign_in):
    zhao = sign_in(own_story, "zhao")
    again = zhao.post("/knowledge?lang=en", **FIELDS | {"base": "Not A Name"})
    assert again.status_code == 422
    assert "is no name for a knowledge base" in again.text
    assert "twelve days" in again.text
