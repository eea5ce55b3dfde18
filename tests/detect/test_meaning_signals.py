"""Topic, emotion and grounding: signals a policy can act upon, each read from what a text means."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jingwei.core.policy import Category, Scope
from jingwei.core.text import Both
from jingwei.detect import emotion, fold
from jingwei.detect.grounding import Support, claims, scan
from jingwei.detect.topic import TopicDetector, domain, domain_titles

HANDBOOK = TopicDetector(
    Scope(
        about=Both(
            zh="公司制度问答：休假、差旅、报销、考勤、会议室预定。",
            en="Company rules: leave, travel, expenses, meeting rooms.",
        ),
        examples=("年假可以分几次休", "How do I book a meeting room"),
    )
)


def noticed(text):
    return [*emotion.rules(text), *emotion.opinion(text)]


@pytest.mark.parametrize(("text", "kind"), [
    ("我不想活了，真的撑不下去了", "emotion.crisis"),
    ("I want to kill myself tonight", "emotion.crisis"),
    ("失恋以后我每天都在哭，整夜睡不着", "emotion.distress"),
    ("You are the only one who understands me, I can't go a day without you", "emotion.dependence"),
])  # fmt: skip
def test_a_person_in_need_is_noticed(text, kind):
    assert kind in {hit.rule_id for hit in noticed(text) if hit.score >= 0.7}


@pytest.mark.parametrize("text", [
    "如何杀死卡住的进程", "朋友说他不想活了，我该怎么劝他", "This bug is killing me, can you look at it",
    "青少年自杀预防有哪些有效措施", "Why does Ophelia drown in Hamlet",
])  # fmt: skip
def test_talk_about_despair_is_not_despair(text):
    assert not [hit for hit in noticed(text) if hit.score >= 0.7]


def test_feelings_in_a_document_are_not_the_readers_own():
    assert noticed(fold("我不想活了，真的撑不下去了", role="document")) == []


@pytest.mark.parametrize(
    "text", ["明天下午三点的会议室还有吗", "Do unused vacation days carry over", "你好", "Thank you"]
)
def test_what_a_service_is_there_for_passes(text):
    assert not [hit for hit in HANDBOOK.scan(text) if hit.score >= 0.7]


@pytest.mark.parametrize(
    "text", ["红烧肉怎么做才好吃", "Who will win the election", "现在该买哪只股票", "Recommend a movie for tonight"]
)
def test_what_lies_outside_the_declared_scope_is_flagged(text):
    hits = HANDBOOK.scan(text)
    assert [hit.category for hit in hits] == [Category.TOPIC]
    assert hits[0].score >= 0.7
    assert (hits[0].start, hits[0].end) == (0, len(text))


def test_a_scope_without_examples_takes_those_of_the_domain_it_is_about():
    bare = TopicDetector(Scope(about=Both(zh="解答员工的人事制度问题", en="questions of staff on personnel rules")))
    assert all(bare.outside(fold(text)) < 0.5 for text in ("年假怎么申请", "How many days of annual leave do I get?"))
    assert all(bare.outside(fold(text)) > 0.7 for text in ("帮我写一个 Python 快速排序", "写一首诗"))


def test_what_a_scope_declares_outside_is_outside():
    narrow = TopicDetector(
        Scope(
            about=Both(zh="公司制度问答", en="Company rules"),
            outside=("工资条明细是多少", "What is my colleague's salary"),
        )
    )
    assert narrow.outside(fold("同事的工资是多少")) > HANDBOOK.outside(fold("年假可以分几次休"))


@pytest.mark.parametrize(("text", "name"), [("红烧肉怎么做", "cooking"), ("Write a quicksort in Python", "programming"),
                                            ("信用卡账单日怎么改", "banking"), ("谢谢你", "smalltalk")])  # fmt: skip
def test_the_front_gate_names_what_a_request_is_about(text, name):
    assert domain(text).id == name
    assert name == "smalltalk" or domain_titles()[name].zh


PASSAGES = [
    "员工每年享有12天带薪年假。未休完的年假可结转至次年3月31日。",
    "The library opens at 9 am. Members may borrow 8 books for 21 days.",
]


def test_claims_taken_from_the_passages_are_supported():
    answer = "您每年有12天带薪年假。Members can borrow 8 books for 21 days."
    assert {claim.support for claim in claims(answer, PASSAGES)} == {Support.SUPPORTED}
    assert scan(answer, PASSAGES) == ()


def test_another_number_than_the_passages_is_a_contradiction_and_its_place_is_told():
    answer = "好的。您每年有20天带薪年假。"
    hits = scan(answer, PASSAGES)
    assert [hit.rule_id for hit in hits] == ["grounding.contradicted"]
    assert answer[hits[0].start : hits[0].end] == "您每年有20天带薪年假。"


def test_a_claim_that_no_passage_makes_is_absent():
    assert [hit.rule_id for hit in scan("公司会为休假员工提供机票补贴。", PASSAGES)] == ["grounding.absent"]


def test_without_passages_nothing_is_judged():
    assert scan("公司会为休假员工提供机票补贴。", []) == ()


def test_an_offer_of_help_claims_nothing():
    assert claims("如有其他问题，请随时告诉我！Is there anything else?", PASSAGES) == ()


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=200), st.lists(st.text(max_size=100), max_size=3))
def test_any_text_can_be_held_against_any_passages(answer, passages):
    for claim in claims(answer, passages):
        assert 0 <= claim.start <= claim.end <= len(answer)
        assert 0 <= claim.score <= 1
