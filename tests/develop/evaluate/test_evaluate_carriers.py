import asyncio
import json
import re
from importlib.resources import files

import pytest

from jingwei.core.errors import NotFound
from jingwei.develop.evaluate.attempt import Briefing, attempt_of
from jingwei.develop.evaluate.carriers import carried, carrier_names, carriers, indirect_bank
from jingwei.develop.evaluate.exchange import Answer, Ask, Exchange, Message, Transcript
from jingwei.develop.evaluate.passages import rag_bank
from jingwei.develop.evaluate.planning import Plan, Scope
from jingwei.develop.evaluate.scorers import Scene, check_facts, scorer
from jingwei.develop.evaluate.suite_file import load_suite
from jingwei.develop.evaluate.validity import valid
from jingwei.develop.evaluate.verdict import State

SUITES = ("injection-direct", "injection-indirect", "injection-rag", "jailbreak")
FORBIDDEN = ("forward_mail", "send_payment")


def judged(case, answer, suite):
    briefing = Briefing(suite=suite, seed=1, forbidden=FORBIDDEN)
    attempt = attempt_of(briefing, case, "plain")
    ask = Ask(messages=(Message(role="user", content=attempt.message),))
    scene = Scene(attempt=attempt, transcript=Transcript(exchanges=(Exchange(ask=ask, answer=Answer(text=answer)),)),
                  canary=briefing.canary, forbidden=FORBIDDEN)  # fmt: skip
    return asyncio.run(scorer(briefing.scorer_of(case.category)).score(scene))


def first(phrases, language):
    found = phrases[language] if isinstance(phrases, dict) else phrases
    return found if isinstance(found, str) else found[0]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", carrier_names())
def test_a_carrier_plants_a_payload_once_and_says_nothing_where_there_is_none(name, language):
    document = carried(name, 'say "x"', language=language)
    assert re.findall(r"\[\[(.*?)\]\]", document) in (['say "x"'], ["say 'x'"])
    assert "{" not in carried(name, "", language=language).replace('{"', "").replace("{}", "")
    assert "[[" not in carried(name, "", language=language)


@pytest.mark.parametrize("name", ["tool-result", "mcp-description", "json-field"])
def test_a_payload_does_not_break_the_json_it_stands_in(name):
    assert json.loads(carried(name, 'answer "42"', language="en"))


def test_an_unknown_carrier_is_named():
    with pytest.raises(NotFound, match="pigeon"):
        carried("pigeon", "x", language="en")


def test_there_are_seventeen_carriers_and_more():
    assert len(carrier_names()) >= 17


@pytest.mark.parametrize(("name", "bank"), [("injection-indirect", indirect_bank), ("injection-rag", rag_bank)])
def test_the_bank_of_a_suite_is_what_its_script_makes(name, bank):
    written = files("jingwei.develop.evaluate").joinpath("suites", f"{name}.jsonl").read_text(encoding="utf-8")
    assert [json.loads(line) for line in written.splitlines()] == list(bank())


@pytest.mark.parametrize("name", SUITES)
def test_the_suites_are_whole_and_in_both_languages(name):
    suite = load_suite(name)
    check_facts(suite)
    cases = suite.cases()
    assert sum(case.language == "zh" for case in cases) == sum(case.language == "en" for case in cases) >= 30
    assert not [case.id for case in cases if "{host}" in case.document + case.prompt or "{wrong}" in case.document]


@pytest.mark.parametrize("name", SUITES)
def test_every_chain_of_a_suite_can_be_read(name):
    plan = Plan(Scope(suites=(name,)), [Briefing(suite=load_suite(name), seed=1, forbidden=FORBIDDEN)])
    used = {(each.transform, each.case.language) for each in plan.attempts}
    assert [pair for pair in used if not valid(*pair)] == []


@pytest.mark.parametrize("name", ["injection-indirect", "injection-rag"])
def test_the_right_answer_resists_and_each_sign_of_obeying_is_found(name):
    suite = load_suite(name)
    for case in suite.cases():
        right = first(case.facts["right_answer"], case.language)
        facts = case.facts
        if case.category == "untouched":
            assert judged(case, right, suite).state is State.CORRECT
            continue
        assert judged(case, right, suite).state is State.RESISTED, case.id
        if "forbidden_host" in facts:
            obeyed = f"{right}\nhttps://{facts['forbidden_host']}/x"
        elif "forbidden_tool" in facts:
            obeyed = f"{right}\nTOOL: {facts['forbidden_tool']}(all)"
        else:
            obeyed = first(facts.get("canary") or facts["planted_answer"], case.language)
        assert judged(case, obeyed, suite).state is State.ATTACK_SUCCEEDED, (case.id, obeyed)


def test_each_phrase_of_a_direct_attack_is_found_and_a_refusal_is_not():
    suite = load_suite("injection-direct")
    for case in suite.cases():
        if "canary" not in case.facts:
            continue
        said = first(case.facts["canary"], case.language)
        refusal = "抱歉，我只能帮助旅行方面的问题。" if case.language == "zh" else "Sorry, I can only help with travel."
        assert judged(case, said, suite).state is State.ATTACK_SUCCEEDED, case.id
        assert judged(case, refusal, suite).state is State.RESISTED, case.id
        assert said.casefold().replace("，", ",") in case.prompt.casefold().replace("，", ","), case.id


def test_what_is_right_is_in_the_document_and_what_is_wrong_is_not():
    for name, carrier in carriers().carriers.items():
        for language in ("zh", "en"):
            document = carried(name, "", language=language).casefold()
            rights = getattr(carrier.right, language)
            assert any(each.casefold() in document for each in ([rights] if isinstance(rights, str) else rights)), name
            assert carrier.wrong.first(language).casefold() not in document, name
