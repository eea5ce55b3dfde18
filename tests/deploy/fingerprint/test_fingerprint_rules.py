"""Every rule proves itself by the answers that its file carries, and no rule is fooled by another's."""

import asyncio
import json
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError
from tests.deploy.fingerprint.conftest import replaying

from jingwei.deploy.fingerprint.answer import read_answer
from jingwei.deploy.fingerprint.identify import NEEDED, identify, openings
from jingwei.deploy.fingerprint.matching import holds, version_in
from jingwei.deploy.fingerprint.rule import Danger, Rule, Wanted, finding_rules, fixtures, strong, weak
from jingwei.deploy.fingerprint.targets import Place
from jingwei.deploy.fingerprint.visit import MOST_REQUESTS, Visit

FIXTURES = fixtures()
RECORDED = Path(__file__).parent / "recorded"
PATTERNS = [at.pattern for rule in (*strong(), *weak()) for at in rule.version]
MAKES_WORK = {"/health", "/health_generate"}  # some gateways call every model to answer these


def identified(fixture, port=9):
    visit = Visit(Place("127.0.0.1", "127.0.0.1", port), per_second=1e9, fetch=replaying(fixture))
    return asyncio.run(identify(visit)), visit


def name_of(fixture):
    return f"{fixture['component']}-{fixture['version'] or 'unknown'}-{fixture['login']}"


@pytest.mark.parametrize("fixture", FIXTURES, ids=name_of)
def test_a_component_is_named_with_its_version_and_login_and_nothing_else_is(fixture):
    identity, visit = identified(fixture)
    told = [(each.rule.id, each.version, each.login) for each in identity.components]
    assert told[:1] == [(fixture["component"], fixture["version"], fixture["login"])]
    assert {each for each, _, _ in told[1:]} == set(fixture.get("also", []))
    assert not identity.maybe
    assert visit.used <= MOST_REQUESTS


@pytest.mark.parametrize("fixture", FIXTURES, ids=name_of)
def test_the_default_port_of_something_else_changes_nothing(fixture):
    for port in (8000, 8080, 3000):
        identity, visit = identified(fixture, port)
        assert identity.components
        assert identity.components[0].rule.id == fixture["component"]
        assert visit.used <= MOST_REQUESTS


@pytest.mark.parametrize("fixture", FIXTURES, ids=name_of)
def test_one_answer_alone_names_nothing(fixture):
    for path, answer in fixture["answers"].items():
        alone = {"answers": {path: answer}, "missing": {"status": 404, "text": "nothing"}, "headers": {}}
        identity, _ = identified(alone)
        told = {source for each in identity.components for source in each.facts}
        assert len(told) != 1, (path, [each.rule.id for each in identity.components])


@pytest.mark.parametrize("fixture", FIXTURES, ids=name_of)
def test_a_server_that_says_the_same_everywhere_is_nothing(fixture):
    for answer in fixture["answers"].values():
        if answer.get("status", 200) != 200 or "location" in answer.get("headers", {}):
            continue
        same = {"answers": {}, "missing": answer, "headers": fixture.get("headers", {})}
        identity, _ = identified(same)
        assert not identity.components


def test_every_rule_of_ours_has_a_fixture():
    covered = {fixture["component"] for fixture in FIXTURES} | {i for f in FIXTURES for i in f.get("also", [])}
    assert {rule.id for rule in strong()} == covered


def test_all_components_are_known_once():
    every = [rule.id for rule in (*strong(), *weak())]
    assert not [name for name, count in Counter(every).items() if count > 1]
    assert len(every) >= 145


def test_every_rule_can_reach_the_facts_it_needs():
    for rule in strong():
        assert len({fact.source for fact in rule.facts}) >= NEEDED, rule.id
        assert any(not fact.generic for fact in rule.facts), rule.id


def test_no_rule_asks_what_makes_a_server_work():
    for rule in (*strong(), *weak()):
        asked = {fact.path for fact in rule.facts} | {at.path for at in (*rule.version, *rule.login)}
        assert not asked & MAKES_WORK, rule.id


def test_what_is_asked_of_every_service_leaves_room_for_the_rest():
    assert len(openings(strong())) <= 20


def test_every_danger_has_a_severity():
    assert {f"exposure.open-{danger.value}" for danger in Danger} <= set(finding_rules())


def test_a_pattern_that_may_take_for_ever_is_refused():
    with pytest.raises(ValidationError, match="quantifier"):
        Wanted(body="(a+)+b")


def test_a_rule_with_an_unknown_word_is_refused():
    with pytest.raises(ValidationError):
        Rule.model_validate(yaml.safe_load("{id: x, name: X, facts: [{path: /, bdoy: x}]}"))


@pytest.mark.parametrize("name", sorted(each.stem for each in RECORDED.glob("*.json")))
def test_what_a_real_service_once_answered_still_names_it(name):
    recorded = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    identity, visit = identified(recorded)
    told = [(each.rule.id, each.version, each.login) for each in identity.components]
    assert told[0] == (recorded["component"], recorded["version"], recorded["login"])
    assert [each for each, _, _ in told[1:]] == recorded["also"]
    assert visit.used <= MOST_REQUESTS


def imported(answers):
    identity, visit = identified({"answers": answers, "missing": {"status": 404, "text": "no"}})
    assert visit.used <= MOST_REQUESTS - 4
    return [each.rule.id for each in identity.components], [each.id for each in identity.maybe]


def test_an_imported_rule_needs_a_second_fact_too():
    spec = {"/openapi.json": {"text": '{"openapi":"3.1.0","info":{"title":"Onyx Backend"}}'}}
    docs = {"/api/docs": {"text": "<title>Onyx Backend - Swagger UI</title>"}}
    assert imported(spec) == ([], ["onyx"])
    assert imported(spec | docs) == (["onyx"], [])


def test_prose_about_an_imported_component_is_not_even_a_guess():
    assert imported({"/": {"text": "<title>Notes</title>We compared h2oGPT, WeKnora and Crawl4AI"}}) == ([], [])


def test_the_title_of_an_imported_component_is_a_guess():
    assert imported({"/": {"text": "<title>PraisonAI</title>"}}) == ([], ["praisonai"])


def test_no_pattern_that_is_searched_for_in_a_page_reads_on_without_end():
    searched = [at.pattern for rule in (*strong(), *weak()) for at in rule.version if not at.value and not at.header]
    searched += [fact.body for rule in (*strong(), *weak()) for fact in rule.facts]
    unclassed = [re.sub(r"\[[^\]]*\]", "", each) for each in searched]
    assert not [each for each in unclassed if re.search(r"(?<!\\)\.[*+]", each)]


def test_every_rule_comes_to_an_end_on_a_hostile_page():
    words = sorted({word for pattern in PATTERNS for word in re.findall(r"[A-Za-z_]{4,}", pattern)})
    hostile = read_answer("/", 200, [], ("".join(words) * 1000)[:70_000].encode())
    for rule in (*strong(), *weak()):
        assert not all(holds(fact, hostile) for fact in rule.facts)
        assert not any(version_in(at, hostile) for at in rule.version)
