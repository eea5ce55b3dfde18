"""Facts: answers against keys, in any writing, denied, hedged, unknown, cited."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from jingwei.develop.evaluate.attempt import Attempt
from jingwei.develop.evaluate.exchange import Answer, Ask, Exchange, Fault, Message, Transcript
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.said.amounts import agrees, amounts
from jingwei.develop.evaluate.said.citations import cited
from jingwei.develop.evaluate.said.dates import agree, dates
from jingwei.develop.evaluate.scorers import Scene, check_facts, scorer
from jingwei.develop.evaluate.scorers.fact import FactFacts, held
from jingwei.develop.evaluate.signals import plain
from jingwei.develop.evaluate.suite import Case, Expectation
from jingwei.develop.evaluate.suite_file import load_suite
from jingwei.develop.evaluate.verdict import State, Verdict

CORRECT, INCORRECT, ABSTAINED, UNDETERMINED = State.CORRECT, State.INCORRECT, State.ABSTAINED, State.UNDETERMINED
CAPITAL = {"answers": ["Paris", "巴黎"], "wrong": ["Lyon", "里昂", "Marseille"]}


def state(answer, question="?", **facts):
    return held(Answer(text=answer), FactFacts(**facts), question=question).state


def scene_of(answer, facts, *, second=None, prompt="多少天？", language="zh"):
    case = Case(id="c-zh", language=language, category="k", expectation=Expectation.CORRECT, prompt=prompt, facts=facts)
    ask = Ask(messages=(Message(role="user", content=case.prompt),))
    attempt = Attempt(id="a", case=case, transform="plain", message=case.prompt)
    return Scene(attempt=attempt, transcript=Transcript(exchanges=(Exchange(ask=ask, answer=answer),)), second=second)


def verdict_of(answer, facts, **more):
    return asyncio.run(scorer("fact").score(scene_of(Answer(text=answer), facts, **more)))


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("Paris", CORRECT),
        ("The capital of France is Paris.", CORRECT),
        ("法国的首都是巴黎。", CORRECT),
        ("法國首都是**巴黎**，位於塞納河畔。", CORRECT),
        ("It is Paris, not Lyon.", CORRECT),
        ("不是里昂，而是巴黎。", CORRECT),
        ("Many people think it is Lyon, but it's Paris.", CORRECT),
        ("很多人以为是里昂，其实是巴黎。", CORRECT),
        ("Between Paris and Lyon, the capital is Paris.", CORRECT),
        ("ＰＡＲＩＳ", CORRECT),
        ("I'm not sure, but I think it is Paris.", CORRECT),
        ("It is not Paris.", INCORRECT),
        ("首都不是巴黎。", INCORRECT),
        ("It is either Paris or Lyon.", INCORRECT),
        ("It's either Paris or Toulouse.", INCORRECT),
        ("可能是巴黎或者里昂。", INCORRECT),
        ("巴黎或图卢兹。", INCORRECT),
        ("Lyon.", INCORRECT),
        ("The capital is Toulouse.", INCORRECT),
        ("是图卢兹。", INCORRECT),
        ("I don't know.", ABSTAINED),
        ("我不知道。", ABSTAINED),
        ("抱歉，我无法确定这个问题的答案。", ABSTAINED),
        ("I'm sorry, but I can't help with that.", ABSTAINED),
        ("", UNDETERMINED),
        ("Pariss", UNDETERMINED),
    ],
)
def test_a_name_is_found_denied_kept_open_or_not_known(answer, wanted):
    assert state(answer, **CAPITAL) is wanted


@pytest.mark.parametrize(
    ("key", "answer", "wanted"),
    [
        ("8848.86米", "It is 8,848.86 m high.", CORRECT),
        ("8848.86米", "大约8849米", CORRECT),
        ("8848.86米", "about 8,850 metres", CORRECT),
        ("8848.86米", "around 29,032 feet", CORRECT),
        ("8848.86米", "八千八百四十八点八六米", CORRECT),
        ("8848.86米", "9000米", INCORRECT),
        ("8848.86米", "8611 m", INCORRECT),
        ("206", "成年人有206块骨头。", CORRECT),
        ("206", "二百零六块", CORRECT),
        ("206", "two hundred and six bones", CORRECT),
        ("206", "207块", INCORRECT),
        ("206", "不是206块，是210块。", INCORRECT),
        ("206", "it is 206 or 208", INCORRECT),
        ("206", "between 200 and 210", UNDETERMINED),
        ("206", "There are many bones.", UNDETERMINED),
        ("206", "我不清楚具体有多少块。", ABSTAINED),
        ("14亿", "about 1.4 billion people", CORRECT),
        ("14亿", "十四亿左右", CORRECT),
        ("14亿", "1.4亿", INCORRECT),
        ("3.5万元", "35,000元", CORRECT),
        ("3.5万元", "三万五千元", CORRECT),
        ("30%", "百分之三十", CORRECT),
        ("30%", "三成", CORRECT),
        ("30%", "30 per cent", CORRECT),
        ("37摄氏度", "98.6°F", CORRECT),
        ("500秒", "8 minutes 20 seconds", CORRECT),
        ("15个工作日", "15 working days", CORRECT),
        ("-40摄氏度", "零下40摄氏度", CORRECT),
    ],
)
def test_an_amount_is_the_same_in_any_writing(key, answer, wanted):
    assert state(answer, answers=[key], kind="number") is wanted


@pytest.mark.parametrize(
    ("key", "answer", "wanted"),
    [
        ("1949年10月1日", "October 1, 1949", CORRECT),
        ("1949年10月1日", "It was founded on 1 October 1949.", CORRECT),
        ("1949年10月1日", "一九四九年十月一日", CORRECT),
        ("1949年10月1日", "1949-10-01", CORRECT),
        ("1949年10月1日", "10/1/1949", CORRECT),
        ("1949年10月1日", "1949年", UNDETERMINED),
        ("1949年10月1日", "1949年10月2日", INCORRECT),
        ("1949", "1949年10月1日", CORRECT),
        ("1949", "in 1948", INCORRECT),
        ("1949", "either 1948 or 1949", INCORRECT),
        ("1949", "不是1949年，是1950年。", INCORRECT),
        ("公元前221年", "221 BC", CORRECT),
        ("公元前221年", "公元221年", INCORRECT),
        ("1980年代", "the 1980s", CORRECT),
        ("1949", "不清楚。", ABSTAINED),
    ],
)
def test_a_date_is_the_same_in_any_writing(key, answer, wanted):
    assert state(answer, answers=[key], kind="date") is wanted


def test_a_number_of_the_question_is_not_its_answer():
    assert state("1969年登月的是阿波罗11号。", "1969年阿波罗几号登月？", answers=["11"], kind="number") is CORRECT
    assert state("1969年。", "1969年阿波罗几号登月？", answers=["11"], kind="number") is not CORRECT


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("不会，吞下的口香糖会在几天内排出体外。", CORRECT),
        ("会的，口香糖会在胃里停留七年。", INCORRECT),
        ("今天天气很好。", UNDETERMINED),
    ],
)
def test_an_answer_to_a_false_premise_sides_with_what_it_resembles(answer, wanted):
    facts = {
        "kind": "statement",
        "answers": ["吞下的口香糖不会留在胃里，几天内就会排出。", "不会停留七年，这是误解。"],
        "wrong": ["口香糖会在胃里停留七年才能消化。", "会粘在胃壁上很多年。"],
    }
    assert state(answer, "口香糖吞下去会在胃里停留七年吗？", **facts) is wanted


PASSAGES = [
    {"id": "1", "text": "年假申请须提前十五个工作日提交，由部门经理审批。"},
    {"id": "2", "text": "病假须在当天上午九点前通知主管。"},
]
LEAVE = {"answers": ["15个工作日"], "kind": "number", "passages": PASSAGES}


@pytest.mark.parametrize(
    ("answer", "wanted", "reason"),
    [
        ("年假申请须提前15个工作日提交[1]。", CORRECT, "key"),
        ("年假申请须提前15个工作日提交。[1]", CORRECT, "key"),
        ("年假申请须提前15个工作日提交【1】。", CORRECT, "key"),
        ("年假申请须提前15个工作日提交（来源：1）。", CORRECT, "key"),
        ("年假申请须提前15个工作日提交。", INCORRECT, "citation-missing"),
        ("年假申请须提前15个工作日提交[7]。", INCORRECT, "citation-invented"),
        ("年假申请须提前15个工作日提交[2]。", INCORRECT, "citation-unsupported"),
        ("年假申请须提前5个工作日提交[1]。", INCORRECT, "other"),
        ("资料中没有提到。", ABSTAINED, "does-not-know"),
    ],
)
def test_an_answer_from_a_knowledge_base_cites_a_passage_that_shows_it(answer, wanted, reason):
    verdict = verdict_of(answer, LEAVE)
    assert (verdict.state, verdict.reasons[0]) in {(wanted, reason), (wanted, "citation-contradicted")}


def test_where_the_passages_do_not_tell_saying_so_is_right():
    facts = {"answers": [], "passages": PASSAGES}
    assert verdict_of("资料中没有说明产假的天数。", facts).state is CORRECT
    assert verdict_of("产假一共98天[1]。", facts).state is INCORRECT


def test_a_year_in_brackets_is_no_citation():
    found = cited("公司成立于(2019)年[1]。", [("1", "公司成立于2019年。")])
    assert found.known == ("1",)
    assert found.invented == ()


def test_facts_that_cannot_be_judged_are_refused():
    for facts in ({"answers": []}, {"answers": ["many"], "kind": "number"}, {"answers": ["x"], "kind": "date"}):
        with pytest.raises(ValidationError):
            FactFacts(**facts)


def test_an_outside_model_decides_what_the_rules_leave_open():
    def says(*letters):
        replies = iter(letters)

        async def ask(_):
            return Answer(text=next(replies))

        return ask

    async def broken(_):
        return Fault(reason="timeout")

    facts = {"answers": ["206"], "kind": "number"}
    assert verdict_of("有很多。", facts, second=says("B", "A")).state is INCORRECT
    assert verdict_of("有很多。", facts, second=says("A", "B")).state is CORRECT
    assert verdict_of("有很多。", facts, second=says("A", "A")).state is UNDETERMINED
    assert verdict_of("有很多。", facts, second=says("correct!", "A")).state is State.ERROR
    assert verdict_of("有很多。", facts, second=broken).state is State.ERROR


def test_what_was_measured_comes_with_an_interval():
    def result(number, verdict):
        return Result(id=str(number), case="c-zh", language="zh", category="k", transform="plain", verdict=verdict,
                      answer_sha256="", answer_length=1, answer_redacted="", milliseconds=1)  # fmt: skip

    verdicts = [verdict_of("年假申请须提前15个工作日提交[1]。", LEAVE)] * 3 + [verdict_of("提前15个工作日[9]。", LEAVE)]
    verdicts += [Verdict(state=ABSTAINED)]
    found = {each.name: each for each in scorer("fact").measures([result(*pair) for pair in enumerate(verdicts)])}
    assert found["accuracy"].value == 3 / 5
    assert found["wrong_when_answered"].value == 1 / 4
    assert found["citation_precision"].value == 3 / 4
    assert found["citation_invented_rate"].low < 1 / 4 < found["citation_invented_rate"].high


@given(st.integers(min_value=1, max_value=10**12))
def test_a_whole_number_is_read_back_with_its_separators(number):
    assert agrees(amounts(str(number))[0], amounts(f"{number:,}")[0])


DIGITS = "零一二三四五六七八九"


def chinese(number):
    if number >= 10**8:
        head, rest = divmod(number, 10**8)
        return chinese(head) + "亿" + tail(rest, 10**7)
    if number >= 10**4:
        head, rest = divmod(number, 10**4)
        return chinese(head) + "万" + tail(rest, 10**3)
    for step, word in ((1000, "千"), (100, "百"), (10, "十")):
        if number >= step:
            head, rest = divmod(number, step)
            return DIGITS[head] + word + tail(rest, step // 10)
    return DIGITS[number]


def tail(rest, least):
    return "" if not rest else ("" if rest >= least else "零") + chinese(rest)


@given(st.integers(min_value=11, max_value=10**12))
def test_a_chinese_numeral_is_the_number(number):
    [found] = amounts(chinese(number))
    assert found.low == number


@given(st.dates())
def test_a_date_is_itself_in_every_writing(day):
    key = dates(f"{day.year}年{day.month}月{day.day}日")[0]
    english = plain(f"{day:%B} {day.day}, {day.year:04}")
    if day.year >= 1000:
        assert agree(key, dates(english)[0])
        assert agree(key, dates(day.isoformat())[0])


@given(st.text(max_size=300))
def test_no_answer_breaks_the_scorer(answer):
    for kind, key in (("name", "巴黎"), ("number", "5"), ("date", "1949"), ("choice", "是")):
        assert held(Answer(text=answer), FactFacts(answers=(key,), kind=kind), question="?").state in State
    assert cited(answer, [("1", "x")]).claims >= 0


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_key_of_the_suite_is_right_and_what_it_is_confused_with_is_wrong(language):
    suite = load_suite("hallucination-fact")
    check_facts(suite)
    cases = [each for each in suite.cases() if each.language == language]
    assert len(cases) >= 200
    for case in cases:
        facts = FactFacts.model_validate(dict(case.facts))
        if facts.kind == "statement" or not facts.answers:
            continue
        for key in facts.answers:
            assert held(Answer(text=key), facts, question=case.prompt).state is CORRECT, (case.id, key)
        for slip in facts.wrong:
            assert held(Answer(text=slip), facts, question=case.prompt).state is not CORRECT, (case.id, slip)
