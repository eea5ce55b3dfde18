"""An organisation's own packs: the same form, the same checks, clear errors."""

import pytest

from jingwei.catalog import Catalog, load_catalog
from jingwei.core.errors import InputError, NotFound

GOOD = """
pack: acme
prefixes: [ACME]
title: {zh: 某银行内部要求, en: Requirements of ACME Bank}
framework: acme-policy
frameworks:
- id: acme-policy
  title: {zh: 某银行人工智能制度, en: AI policy of ACME Bank}
  licence: {zh: 内部文件, en: Internal}
  carried: {zh: 全部, en: All of it}
evidence_types:
- id: ACME-EV-PENTEST
  title: {zh: 渗透测试报告, en: Penetration test report}
  kind: auto
  producer: acme.pentest
  validity_days: 90
  bound_to: deployment
  checks: [acme-pentest]
risks:
- id: ACME-R-1
  title: {zh: 柜面误导销售, en: Mis-selling at the counter}
  paragraph: '1'
  domain: real-world
  technical: [TC260-M-4.2.3a]
  governance: [TC260-G-5.9]
controls:
- id: ACME-C-1
  title: {zh: 上线前做渗透测试, en: Penetration test before launch}
  axis: technology
  stage: deploy
  room: deploy
  source: {zh: 制度第三条, en: Policy, article 3}
  evidence: [ACME-EV-PENTEST, EV-VULN]
- id: ACME-C-2
  title: {zh: 每季度向董事会报告, en: Report to the board each quarter}
  axis: management
  stage: all
  room: manage
  source: {zh: 制度第四条, en: Policy article 4}
  evidence: [EV-MGMT-REVIEW]
crosswalk:
- evidence: EV-REDTEAM
  frameworks: {acme-policy: ['3.2']}
""".replace("en: Policy, article 3", "en: Policy article 3")

GRADING = """
pack: acme-grading
prefixes: [ACME]
title: {zh: 某银行分级规则, en: Grading rules of ACME Bank}
grading:
  id: ACME-GRADING
  version: 1
  facts:
  - id: autonomy
    label: {zh: 自主, en: Autonomy}
    question: {zh: 谁来做？, en: 'Who acts?'}
    values:
    - {id: person, label: {zh: 人, en: A person}}
    - {id: machine, label: {zh: 机器, en: The machine}}
  scenario:
  - {id: S-1, level: 1, when: 'True', why: {zh: 总是, en: Always}}
  matrix: {person: [1, 2, 3, 4], machine: [2, 3, 4, 5]}
  floors:
  - {id: F-1, grade: 3, when: autonomy == 'machine', why: {zh: 机器, en: Machine}}
  roles:
  - {id: owner, title: {zh: 负责人, en: Owner}}
  lanes:
LANES
""".replace(
    "LANES",
    "\n".join(
        f"  - {{grade: {n}, grade_name: {{zh: 第{n}级, en: Grade {n}}}, id: lane-{n}, name: {{zh: 通道{n}, en: Lane {n}}},"
        f" sla_days: 1, approvers: {{roles: [owner], minimum: 1, four_eyes: false}}, valid_days: 9, adds: [EV-INTAKE]}}"
        for n in range(1, 6)
    ),
)


def loaded(folder, source, name="acme.yaml") -> Catalog:
    (folder / name).write_text(source, encoding="utf-8")
    return load_catalog((folder,))


def test_a_pack_of_their_own_joins_ours(tmp_path):
    catalog = loaded(tmp_path, GOOD)
    assert len(catalog.controls) == 135 + 2
    assert catalog.control("ACME-C-1").evidence == ("ACME-EV-PENTEST", "EV-VULN")
    assert catalog.risk("ACME-R-1").technical == ("TC260-M-4.2.3a",)
    assert catalog.crosswalk["EV-REDTEAM"]["acme-policy"] == ("3.2",)
    assert "iso42001" in catalog.crosswalk["EV-REDTEAM"]
    assert catalog.coverage("acme-policy", {"acme-pentest"}) == ("acme-policy", 2, 1, 0, 1)
    assert len(load_catalog().controls) == 135


def test_a_rule_pack_of_their_own_stands_beside_ours(tmp_path):
    (tmp_path / "note.txt").write_text("not a pack")
    catalog = loaded(tmp_path, GRADING)
    rules = catalog.grading_rules("ACME-GRADING")
    assert rules.compiled["F-1"].holds({"autonomy": "machine"})
    assert not rules.compiled["F-1"].holds(rules.defaults())
    assert rules.evidence(5) == ("EV-INTAKE",)
    assert rules.digest != catalog.grading_rules().digest


def test_two_packs_may_not_share_a_prefix(tmp_path):
    (tmp_path / "a.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(GRADING, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        load_catalog((tmp_path,))
    assert refused.value.field == "prefixes[0]"
    assert "acme" in refused.value.message.en


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError) as refused:
        load_catalog((tmp_path / "nowhere",))
    assert "nowhere" in refused.value.message.zh


def test_a_folder_of_many_files_is_refused(tmp_path):
    for number in range(101):
        (tmp_path / f"{number}.yaml").write_text("pack: x")
    with pytest.raises(InputError, match="holds 101 packs"):
        load_catalog((tmp_path,))


# What is wrong → the change to a good pack, the field that is named, and a word of the message in each language.
BAD = {
    "an unknown field": (GOOD, "axis: technology", "axes: technology", "controls[0].axes", "no field axes", "没有“axes”"),
    "a wrong choice": (GOOD, "stage: deploy", "stage: deployment", "controls[0].stage", "one of the choices", "不是可选的值"),
    "one language": (GOOD, "en: Internal", "", "frameworks[0].licence.en", "missing", "缺少"),
    "a bad id": (GOOD, "id: ACME-C-1", "id: 'ACME C 1'", "controls[0].id", "must match", "应符合"),
    "a wrong number": (GOOD, "validity_days: 90", "validity_days: -1", "evidence_types[0].validity_days", ">= 0", ">= 0"),
    "a bad check name": (GOOD, "[acme-pentest]", "[Acme Pentest]", "evidence_types[0].checks[0]", "must match", "应符合"),
    "checks by hand": (GOOD, "kind: auto", "kind: record", "evidence_types[0].checks", "only automatic", "只有自动证据"),
    "unknown evidence": (GOOD, "[EV-MGMT-REVIEW]", "[EV-MGT]", "controls[1].evidence[0]", "EV-MGT, which does not exist", "EV-MGT 不存在"),
    "unknown measure": (GOOD, "[TC260-G-5.9]", "[TC260-G-9]", "risks[0].governance[0]", "TC260-G-9", "措施"),
    "unknown framework": (GOOD, "{acme-policy: ['3.2']}", "{acme: ['3.2']}", "crosswalk[0].frameworks.acme", "framework acme", "框架 acme"),
    "unknown own framework": (GOOD, "framework: acme-policy", "framework: acme-x", "framework", "acme-x", "acme-x"),
    "one of our ids": (GOOD, "id: ACME-EV-PENTEST", "id: EV-VULN", "evidence_types[0].id", "cannot be redefined", "不能重复定义"),
    "another's prefix": (GOOD, "id: ACME-C-2", "id: OTHER-C-2", "controls[1].id", "does not start with", "没有以本目录包的前缀"),
    "our prefix": (GOOD, "prefixes: [ACME]", "prefixes: [ACME, EV]", "prefixes[1]", "belongs to the pack evidence-types", "属于目录包"),
    "the same id twice": (GOOD, "id: ACME-C-2", "id: ACME-C-1", "controls[1].id", "already defined", "已由"),
    "our framework": (GOOD, "- id: acme-policy", "- id: tc260-1.0", "frameworks[0].id", "already defined", "已由"),
    "an unknown fact": (GRADING, "when: autonomy ==", "when: autonmy ==", "grading.floors[0].when", "autonmy", "autonmy"),
    "a call in a rule": (GRADING, "when: 'True'", "when: open('x')", "grading.scenario[0].when", "may not use Call", "不允许使用 Call"),
    "a value never taken": (GRADING, "== 'machine'", "== 'robot'", "grading.floors[0].when", "person, machine", "没有这个取值"),
    "a matrix with a gap": (GRADING, "{person: [1, 2, 3, 4], ", "{", "grading.matrix", "person, machine", "矩阵"),
    "a matrix row too short": (GRADING, "person: [1, 2, 3, 4]", "person: [1, 2, 3]", "grading.matrix.person[3]", "missing", "缺少"),
    "a matrix that falls along a row": (GRADING, "machine: [2, 3, 4, 5]", "machine: [2, 4, 3, 5]", "grading.matrix.machine[2]", "lowers the grade", "反而降低"),
    "a matrix that falls with autonomy": (GRADING, "machine: [2, 3, 4, 5]", "machine: [2, 3, 3, 3]", "grading.matrix.machine[3]", "lowers the grade", "反而降低"),
    "a grade too high": (GRADING, "machine: [2, 3, 4, 5]", "machine: [2, 3, 4, 6]", "grading.matrix.machine[3]", "<= 5", "<= 5"),
    "a lane missing": (GRADING, "- {grade: 5", "- {grade: 4", "grading.lanes", "each grade from 1 to 5", "1 至 5"),
    "an unknown role": (GRADING, "roles: [owner]", "roles: [boss]", "grading.lanes[0].approvers.roles[0]", "role boss", "角色 boss"),
    "too few approvers": (GRADING, "minimum: 1", "minimum: 2", "grading.lanes[0].approvers.minimum", "at least 2 people", "至少 2 人"),
    "no autonomy": (GRADING, "id: autonomy", "id: freedom", "grading.facts", "autonomy", "autonomy"),
    "unknown lane evidence": (GRADING, "[EV-INTAKE]", "[EV-NONE]", "grading.lanes[0].adds[0]", "EV-NONE", "EV-NONE"),
    "a fact twice": (GRADING, "    - {id: machine, label: {zh: 机器, en: The machine}}", "    - {id: machine, label: {zh: 机器, en: The machine}}\n  - {id: autonomy, label: {zh: 甲, en: A}, question: {zh: 甲, en: A}, values: [{id: x, label: {zh: 甲, en: A}}, {id: y, label: {zh: 甲, en: A}}]}", "grading.facts[1].id", "given twice", "出现了两次"),
    "a value twice": (GRADING, "- {id: machine", "- {id: person", "grading.facts[0].values[1].id", "given twice", "出现了两次"),
    "a rule id twice": (GRADING, "id: F-1", "id: S-1", "grading.floors[0].id", "given twice", "出现了两次"),
}  # fmt: skip


@pytest.mark.parametrize(("good", "old", "new", "field", "english", "chinese"), BAD.values(), ids=BAD)
def test_a_wrong_pack_is_refused_with_file_line_field_and_mend(tmp_path, good, old, new, field, english, chinese):
    assert old in good
    bad = good.replace(old, new, 1)
    with pytest.raises(InputError) as refused:
        loaded(tmp_path, bad)
    error = refused.value
    line = good[: good.index(old)].count("\n") + 1 + new.count("\n")
    assert error.field == field
    assert error.values["file"] == "acme.yaml"
    assert abs(error.values["line"] - line) <= 5  # a missing part is told at the part around it
    if new and field.split(".")[-1].split("[")[0] in new:
        assert error.values["line"] == line
    assert english in error.message.en
    assert chinese in error.message.zh
    assert error.message.en.startswith(f"acme.yaml, line {error.values['line']}, {field}: ")


def test_a_worked_case_with_an_unknown_fact_or_value_is_refused(tmp_path):
    case = """
pack: acme-cases
prefixes: [ACME]
title: {zh: 案例, en: Cases}
grading_cases:
- id: ACME-1
  title: {zh: 甲, en: A}
  description: {zh: 甲, en: A}
  facts: {autonomy: L9}
  grade: 1
"""
    with pytest.raises(InputError) as refused:
        loaded(tmp_path, case)
    assert refused.value.field == "grading_cases[0].facts.autonomy"
    assert refused.value.values["line"] == 9
    assert "L1, L2, L3, L4" in refused.value.message.en


def test_a_clock_of_their_own_may_not_change_what_ours_ask(tmp_path):
    clocks = """
pack: acme-clocks
prefixes: [ACME]
title: {zh: 时限, en: Clocks}
incident_facts:
- id: FACT
  label: {zh: 甲, en: A}
  question: {zh: 甲, en: A}
  values: [{id: 'no', label: {zh: 否, en: 'No'}}, {id: 'yes', label: {zh: 是, en: 'Yes'}}]
clocks:
- id: ACME-1H
  title: {zh: 报告总行, en: Tell head office}
  law: {zh: 制度, en: Policy}
  recipient: {zh: 总行, en: Head office}
  when: at_branch == 'yes' and severity == 'major'
  hours: 1
  verified: seen
"""
    catalog = loaded(tmp_path, clocks.replace("FACT", "at_branch"))
    facts = {name: fact.value_ids[0] for name, fact in catalog.incident_facts.items()}
    assert catalog.clock_rules["ACME-1H"].holds(facts | {"at_branch": "yes", "severity": "major"})
    load_catalog.cache_clear()
    with pytest.raises(InputError) as refused:
        loaded(tmp_path, clocks.replace("FACT", "severity"))
    assert refused.value.field == "incident_facts[0].id"


def test_lookups_answer_or_say_what_is_unknown():
    catalog = load_catalog()
    assert catalog.control("CAICT-SD-17").evidence == ("EV-GUARD-TEST", "EV-GUARD-LOG")
    for look in (catalog.control, catalog.risk, catalog.measure, catalog.evidence_type, catalog.grading_rules):
        with pytest.raises(NotFound) as refused:
            look("NOPE-1")
        assert "NOPE-1" in refused.value.message.zh
    with pytest.raises(NotFound):
        catalog.coverage("nope", ())


def test_a_control_inherits_outside_ids_from_its_evidence():
    catalog = load_catalog()
    outside = catalog.outside_ids(catalog.control("CAICT-SD-17"))
    assert "LLM01" in outside["owasp-llm-2025"]
    assert outside["owasp-llm-2025"].count("LLM01") == 1
    shown = {requirement.id for requirement in catalog.shown_by("EV-REDTEAM")}
    assert {"CAICT-MD-17", "APAIS-1", "TC260-DP-07"} <= shown


def test_coverage_counts_what_installed_checks_can_show():
    catalog = load_catalog()
    nothing = catalog.coverage("caict-202510", ())
    assert nothing == ("caict-202510", 135, 0, 107, 28)
    some = catalog.coverage("caict-202510", {"redteam", "guard-test"})
    needing = [c for c in catalog.controls.values() if {"EV-REDTEAM", "EV-GUARD-TEST"} & set(c.evidence)]
    assert some.automatic == len(needing) > 0
    assert some.automatic + some.automatable == 107
    owasp = catalog.coverage("owasp-llm-2025", {"guard-test"})
    assert owasp.total == 10
    assert owasp.automatic == 3
