"""What our own packs hold, and that they hold together."""

import re
from collections import Counter
from importlib.resources import files

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from jingwei.catalog import Axis, GateEffect, Pack, Room, Stage, load_catalog, read_yaml, validated
from jingwei.core.evidence import BoundTo

CATALOG = load_catalog()
CJK = re.compile(r"[\u4e00-\u9fff]")
OWN_PACKS = sorted(path.name for path in (files("jingwei.catalog") / "packs").iterdir() if path.name.endswith(".yaml"))


def texts_of(value, path=""):
    """Yield every {zh, en} of a dumped pack with its path."""
    if isinstance(value, dict) and set(value) == {"zh", "en"}:
        yield path, value["zh"], value["en"]
        return
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from texts_of(inner, f"{path}.{key}")


def test_the_frameworks_are_carried_whole():
    assert len(CATALOG.risks) == 26
    assert Counter(measure.kind for measure in CATALOG.measures.values()) == {"technical": 21, "governance": 10}
    assert Counter(point.audience for point in CATALOG.guidelines.values()) == {
        "developer": 10,
        "provider": 10,
        "key-sector-user": 9,
        "public": 6,
    }
    assert len(CATALOG.controls) == 135
    assert len(CATALOG.practices) == 9
    assert len(CATALOG.focus_areas) == 5 + 3
    assert len(CATALOG.clocks) == 14
    assert len(CATALOG.filing["F-CN-GENAI"].checks) == 24


def test_the_controls_fill_two_lines_and_three_sides():
    on = Counter((control.axis, control.stage) for control in CATALOG.controls.values())
    for axis in Axis:
        for stage in (Stage.DEVELOP, Stage.DEPLOY, Stage.OPERATE):
            assert on[axis, stage] > 0
    assert Counter(control.axis for control in CATALOG.controls.values()) == {"technology": 84, "management": 51}
    assert Counter(control.stage for control in CATALOG.controls.values()) == {
        "develop": 33,
        "deploy": 26,
        "operate": 23,
        "all": 15,
        "ecosystem": 9,
        "sector": 29,
    }


def test_every_control_lies_in_the_room_its_place_calls_for():
    for control in CATALOG.controls.values():
        assert (control.sector is not None) == (control.stage is Stage.SECTOR) == (control.room is Room.SECTORS)
        assert (control.stage is Stage.ECOSYSTEM) == (control.room is Room.ECOSYSTEM)
        if control.room in {Room.DEVELOP, Room.DEPLOY, Room.OPERATE}:
            assert control.axis is Axis.TECHNOLOGY
            assert control.stage.value == control.room.value


def test_half_of_the_risks_are_inherent_and_half_arise_in_use():
    assert Counter(risk.inherent for risk in CATALOG.risks.values()) == {True: 13, False: 13}
    for risk in CATALOG.risks.values():
        assert risk.technical
        assert risk.governance
        assert all(CATALOG.measure(each).kind == "technical" for each in risk.technical)
        assert all(CATALOG.measure(each).kind == "governance" for each in risk.governance)


def test_every_requirement_is_shown_by_evidence_and_every_evidence_type_shows_something():
    requirements = [
        *CATALOG.controls.values(),
        *CATALOG.measures.values(),
        *CATALOG.guidelines.values(),
        *CATALOG.practices.values(),
        *CATALOG.focus_areas.values(),
    ]
    assert all(requirement.evidence for requirement in requirements)
    assert all(len(set(requirement.evidence)) == len(requirement.evidence) for requirement in requirements)
    grading = CATALOG.grading_rules()
    demanded = {*grading.evidence(5), *(each for demand in grading.file.add_by_fact for each in demand.evidence)}
    shown = {each for requirement in requirements for each in requirement.evidence}
    assert set(CATALOG.evidence_types) == shown | demanded
    assert set(CATALOG.crosswalk) == set(CATALOG.evidence_types)


def test_evidence_types_name_the_checks_that_produce_them():
    produced = {kind.id: kind.checks for kind in CATALOG.evidence_types.values() if kind.checks}
    assert produced == {
        "EV-MODEL-SCAN": ("model-scan",),
        "EV-AIBOM": ("ai-bom",),
        "EV-VULN": ("vulnerability-scan",),
        "EV-VULN-INTEL": ("vulnerability-scan",),
        "EV-PII": ("data-scan",),
        "EV-DATA-SCAN": ("data-scan",),
        "EV-REDTEAM": ("redteam",),
        "EV-GUARD-TEST": ("guard-test",),
        "EV-GUARD-CFG": ("guard-config",),
        "EV-AGENT-PERM": ("agent-permissions", "agent-scan"),
        "EV-CODE": ("code-audit",),
        "EV-CONFIG": ("config-scan", "exposure-scan"),
        "EV-IMAGE": ("image-scan",),
        "EV-HASH": ("model-signature",),
        "EV-ROLLBACK": ("rollback-drill",),
        "EV-AGENT-LOG": ("agent-log",),
        "EV-LABEL": ("label",),
        "EV-DUALCHECK": ("second-check",),
        "EV-KB-ACL": ("knowledge-access",),
        "EV-OVERSHARE": ("oversharing-scan",),
        "EV-TIER": ("grading",),
        "EV-BENCH": ("evaluate",),
        "EV-HALLU-FACT": ("evaluate",),
        "EV-HALLU-FAITH": ("evaluate",),
        "EV-AUTON": ("evaluate",),
        "EV-CAP": ("evaluate",),
        "EV-FAIR": ("evaluate",),
        "EV-ROBUST": ("evaluate",),
    }
    assert CATALOG.evidence_type("EV-REDTEAM").bound_to is BoundTo.CONFIGURATION
    rooms = {"manage", "develop", "deploy", "operate", "ecosystem"}
    assert {kind.producer.split(".")[0] for kind in CATALOG.evidence_types.values()} == rooms


def test_the_crosswalk_uses_the_numbering_of_each_framework():
    forms = {
        "iso42001": r"A\.(10|[2-9])\.[1-9](\.[1-9])?|(4|5|6|7|8|9|10)\.[1-9]",
        "nist-ai-rmf": r"(GV|MP|MS|MG)-[1-6]\.\d{1,2}",
        "eu-ai-act": r"Art\.\d{1,3}",
        "owasp-llm-2025": r"LLM(0[1-9]|10)",
        "owasp-asi-2026": r"ASI(0[1-9]|10)",
    }
    for line in CATALOG.crosswalk.values():
        for framework, ids in line.items():
            assert all(re.fullmatch(forms[framework], each) for each in ids), (framework, ids)


@pytest.mark.parametrize("name", OWN_PACKS)
def test_every_text_is_written_in_both_languages(name):
    pack = validated(Pack, read_yaml((files("jingwei.catalog") / "packs" / name).read_text(encoding="utf-8")))
    found = list(texts_of(pack.model_dump(mode="json")))
    assert found
    for path, zh, en in found:
        assert zh != en, path
        assert CJK.search(zh), f"{path}: {zh} is not Chinese"
        assert not CJK.search(en), f"{path}: {en} is not English"
        assert zh == zh.strip(), path
        assert en == en.strip(), path


@pytest.mark.parametrize("name", OWN_PACKS)
def test_a_pack_written_out_and_read_again_is_the_same(name):
    source = (files("jingwei.catalog") / "packs" / name).read_text(encoding="utf-8")
    pack = validated(Pack, read_yaml(source))
    written = yaml.safe_dump(pack.model_dump(mode="json", exclude_none=True), allow_unicode=True, width=10_000)
    assert validated(Pack, read_yaml(written)) == pack
    assert not re.search(r"(?<!EV-)\btier", source, re.IGNORECASE), "we say grade"


def test_the_lanes_demand_ever_more():
    grading = CATALOG.grading_rules()
    counts = [len(grading.evidence(grade)) for grade in range(1, 6)]
    assert counts == [3, 11, 24, 37, 39]
    for grade in range(2, 6):
        assert set(grading.evidence(grade - 1)) < set(grading.evidence(grade))
    assert [grading.lane(grade).grade_name.zh for grade in range(1, 6)] == ["低", "一般", "较大", "重大", "特别重大"]
    assert {stop.effect for stop in grading.file.gates} == set(GateEffect)


def test_the_digest_is_that_of_the_file():
    raw = (files("jingwei.catalog") / "packs" / "grading.yaml").read_bytes()
    assert CATALOG.grading_rules().digest == read_yaml(raw).digest


def decided(rules, facts):
    """Decide by the published rules, the plain way; the product's own decision is tested against the same cases."""
    known = rules.defaults() | facts
    known["caps"] = tuple(known[name] for name in rules.capabilities)
    holds = lambda line: rules.compiled[line.id].holds(known)  # noqa: E731
    known["S"] = max(line.level for line in rules.file.scenario if holds(line))
    grade = rules.file.matrix[known["autonomy"]][known["S"] - 1]
    grade = min(5, grade + sum(line.add for line in rules.file.uplifts if holds(line)))
    known["grade"] = max([grade, *(line.grade for line in rules.file.floors if holds(line))])
    return known["grade"], {stop.id for stop in rules.file.gates if holds(stop)}


@pytest.mark.parametrize("case", CATALOG.grading_cases.values(), ids=lambda case: case.id)
def test_a_worked_case_comes_out_as_published(case):
    assert decided(CATALOG.grading_rules(case.rules), case.facts) == (case.grade, set(case.stops))


def test_the_worked_cases_are_many_and_reach_every_grade_stop_and_sector():
    assert len(CATALOG.grading_cases) >= 60
    assert {case.grade for case in CATALOG.grading_cases.values()} == {1, 2, 3, 4, 5}
    stops = {stop for case in CATALOG.grading_cases.values() for stop in case.stops}
    assert stops == {stop.id for stop in CATALOG.grading_rules().file.gates}
    named = {name for case in CATALOG.grading_cases.values() for name in case.facts}
    assert named >= set(CATALOG.grading_rules().facts) - {"cap_autonomy"}


FACTS = CATALOG.grading_rules().facts


@settings(max_examples=80, deadline=None)
@given(
    st.fixed_dictionaries({name: st.sampled_from(fact.value_ids) for name, fact in FACTS.items()}),
    st.sampled_from(sorted(FACTS)),
)
def test_more_risk_in_one_fact_never_lowers_the_grade(facts, name):
    values = FACTS[name].value_ids
    place = values.index(facts[name])
    riskier = facts | {name: values[min(place + 1, len(values) - 1)]}
    grade, stops = decided(CATALOG.grading_rules(), facts)
    after, stops_after = decided(CATALOG.grading_rules(), riskier)
    assert after >= grade
    assert stops_after >= stops


def test_clocks_start_for_the_incidents_they_are_for():
    calm = {name: fact.value_ids[0] for name, fact in CATALOG.incident_facts.items()}

    def running(**facts):
        return {name for name, rule in CATALOG.clock_rules.items() if rule.holds(calm | facts)}

    assert running() == set()
    assert running(in_china="yes", operator="critical_infrastructure", severity="considerable") == {"CN-CII-1H"}
    assert running(in_china="yes", operator="other", severity="major") == {"CN-OTHER-4H"}
    assert running(in_china="yes", operator="other", severity="general") == set()
    assert running(in_china="yes", in_eu="yes", personal_data_breach="yes") == {"CN-PIPL", "GDPR-72H"}
    assert running(in_eu="yes", high_risk_system="yes", harm="death") == {"EU-AIA-73-10D", "EU-AIA-73-15D"}
    assert running(us_state="both", frontier="yes", harm="imminent") == {
        "US-CA-SB53-15D",
        "US-CA-SB53-24H",
        "US-NY-RAISE-72H",
    }
    assert running(in_china="yes", operator="central_government", severity="extreme") == {"CN-GOV-2H"}


def test_filing_checks_compare_the_right_way():
    checks = {check.id: check for check in CATALOG.filing["F-CN-GENAI"].checks}
    assert checks["F-KW-TOTAL"].met(10_000)
    assert not checks["F-KW-TOTAL"].met(9_999)
    assert checks["F-SRC-BAD"].met(0.05)
    assert not checks["F-SRC-BAD"].met(0.06)
    assert checks["F-GEN-CATS"].met(31)
    assert not checks["F-GEN-CATS"].met(32)
