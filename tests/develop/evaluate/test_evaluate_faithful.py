"""Faithfulness: claims against their context."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jingwei.develop.evaluate.attempt import Attempt
from jingwei.develop.evaluate.exchange import Answer, Ask, Exchange, Message, Transcript
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.said.claims import weighed
from jingwei.develop.evaluate.scorers import Scene, scorer
from jingwei.develop.evaluate.scorers.faithful import judged
from jingwei.develop.evaluate.suite import Case, Expectation
from jingwei.develop.evaluate.verdict import State

CHINESE = (
    "城东图书馆将于2025年3月12日起延长开放时间。工作日开放至晚上九点，周末开放至下午六点。"
    "读者凭身份证可免费办理借书证，每次最多借阅八册，借期三十天。儿童阅览室暂停开放，由李敏主任负责改造。"
)
ENGLISH = (
    "The Eastside library will extend its opening hours from 12 March 2025. On weekdays it closes at nine in the evening, "
    "and at weekends at six. Readers get a card free of charge with their identity card and may borrow up to eight books "
    "for thirty days. The children's room is closed; Susan Lee is in charge of its renovation."
)


def state(answer, context, question="说说这份通知", **more):
    return judged(Answer(text=answer), context, question=question, **more).state


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("图书馆从2025年3月12日起延长开放时间。", State.CORRECT),
        ("工作日开放到晚上九点。", State.CORRECT),
        ("每次最多可以借八册，借期30天。", State.CORRECT),
        ("每次最多可以借十二册，借期30天。", State.INCORRECT),
        ("图书馆从2025年4月12日起延长开放时间。", State.INCORRECT),
        ("读者办理借书证需要收费。", State.INCORRECT),
        ("儿童阅览室没有暂停开放。", State.INCORRECT),
        ("图书馆还新开了一家咖啡厅，提供各类甜点饮品。", State.INCORRECT),
        ("通知中没有提到停车信息。", State.ABSTAINED),
        ("", State.UNDETERMINED),
    ],
)
def test_a_chinese_claim_is_held_against_its_context(answer, wanted):
    assert state(answer, CHINESE) is wanted


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("The library extends its opening hours from 12 March 2025.", State.CORRECT),
        ("Readers may borrow up to 8 books for 30 days.", State.CORRECT),
        ("Susan Lee is in charge of the renovation.", State.CORRECT),
        ("Readers may borrow up to twelve books for thirty days.", State.INCORRECT),
        ("On weekdays it closes at nine in the morning.", State.INCORRECT),
        ("The renovation of the children's room is led by Robert Miller.", State.INCORRECT),
        ("The children's room is open.", State.INCORRECT),
        ("A café with pastries has also been opened on the ground floor.", State.INCORRECT),
        ("The notice does not mention parking.", State.ABSTAINED),
    ],
)
def test_an_english_claim_is_held_against_its_context(answer, wanted):
    assert state(answer, ENGLISH, "Tell me about the notice") is wanted


def test_where_the_context_does_not_tell_saying_so_is_right():
    asked = {"question": "停车费是多少？", "answerable": False}
    assert state("通知中没有提到停车费。", CHINESE, **asked) is State.CORRECT
    assert state("停车费每小时5元。", CHINESE, **asked) is State.INCORRECT


def test_an_answer_that_leaves_its_question_aside_is_wrong():
    verdict = judged(Answer(text="儿童阅览室暂停开放。"), CHINESE, question="每次最多可以借多少册？")
    assert (verdict.state, verdict.reasons[0]) == (State.INCORRECT, "off-question")
    assert verdict.details["deviates"] is True


def test_the_document_of_a_case_is_its_context_and_rates_have_intervals():
    case = Case(
        id="c-zh", language="zh", category="k", expectation=Expectation.CORRECT, prompt="说说这份通知", document=CHINESE
    )
    ask = Ask(messages=(Message(role="user", content="?"),))
    attempt = Attempt(id="a", case=case, transform="plain", message="?")

    def result(number, text):
        transcript = Transcript(exchanges=(Exchange(ask=ask, answer=Answer(text=text)),))
        verdict = asyncio.run(scorer("faithful").score(Scene(attempt=attempt, transcript=transcript)))
        return Result(id=str(number), case="c-zh", language="zh", category="k", transform="plain", verdict=verdict,
                      answer_sha256="", answer_length=1, answer_redacted="", milliseconds=1)  # fmt: skip

    results = [result(1, "工作日开放到晚上九点。"), result(2, "每次最多可以借十二册。")]
    found = {each.name: each for each in scorer("faithful").measures(results)}
    assert found["hallucination_rate"].value == 0.5
    assert found["contradicted_claims"].value == 0.5
    assert found["hallucination_rate"].low < 0.5 < found["hallucination_rate"].high


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=200))
def test_no_answer_breaks_the_scorer(answer):
    assert judged(Answer(text=answer), ENGLISH, question="What?").state in State


def test_a_very_long_context_is_read_at_its_ends_and_its_answer_in_part():
    context = "".join(f"第{number}条规定，费用为{number * 7}元。" for number in range(3000))
    found = weighed(context, context)
    assert 0 < len(found) <= 64
