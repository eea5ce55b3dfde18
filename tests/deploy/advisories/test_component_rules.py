"""Rules about AI components: their expressions, their names, and what they leave open."""

import pytest

from jingwei.core.finding import Severity
from jingwei.deploy.advisories.component_rules import read_component_rule
from jingwei.deploy.advisories.expressions import NotARule, ranges_of
from jingwei.deploy.advisories.naming import component_name, component_of


@pytest.mark.parametrize(
    ("rule", "ranges"),
    [
        ('version < "1.2"', ("<1.2",)),
        ('version >= "1.0" && version < "2.0"', (">=1.0,<2.0",)),
        ('version < "1" || version >= "2" && version < "3"', ("<1", ">=2,<3")),
        ('(version < "1" || version >= "2") && version < "3"', ("<1,<3", ">=2,<3")),
        ('version = "2.15.1"', ("==2.15.1",)),
        ('((version == "1"))', ("==1",)),
        ('is_internal == "true"', ()),
        ('version < "2" && is_internal == "false"', ("<2",)),
        ("", ()),
    ],
)
def test_and_binds_before_or(rule, ranges):
    assert ranges_of(rule) == ranges


@pytest.mark.parametrize(
    "rule", ["version", "version <", 'version < "1" &&', '(version < "1"', 'version < "1") ', 'body = "x"', "version < 1",
             'version != "1"', "(" * 50 + 'version < "1"' + ")" * 50, 'version < "1" || ' * 300 + 'version < "2"']
)  # fmt: skip
def test_what_cannot_be_read_is_refused_whole(rule):
    with pytest.raises(NotARule):
        ranges_of(rule)


def rule(text, name="vLLM", **info):
    said = {"name": name, "cve": "CVE-2026-1", "severity": "高危", "summary": "A flaw", **info}
    said["cve"] = info.get("cve", "CVE-2026-12345")
    return read_component_rule({"info": said, "rule": text}, source="test", modified="2026-01-01")


@pytest.mark.parametrize(("spelt", "name"), [("openwebui", "open-webui"), ("Open WebUI", "open-webui"), ("nvidia-trt-llm", "tensorrt-llm"),
                                             ("LobeChat", "lobehub"), ("PraisonAI", "praisonai"), ("mcp sse", "mcp"), ("new_thing", "new-thing")])  # fmt: skip
def test_many_spellings_are_one_component(spelt, name):
    assert component_name(spelt) == name


def test_a_package_is_the_component_it_is():
    assert component_of("PyPI", "lightrag-hku") == "lightrag"
    assert component_of("PyPI", "requests") == ""


def test_a_rule_hits_the_versions_it_names():
    advisory = rule('version < "0.8.0rc1"')

    assert advisory.package == "vllm"
    assert [advisory.hits(v) for v in ("0.7.3", "v0.7.3", "0.8.0", "main")] == [
        "affected",
        "affected",
        "unaffected",
        "undecided",
    ]


def test_severity_words_of_both_languages_are_one_scale():
    words = ["HIGH", "高", "危急", "critical", "UNKNOWN", None]

    assert [rule('version < "1"', severity=word).severity for word in words] == [
        Severity.HIGH, Severity.HIGH, Severity.CRITICAL, Severity.CRITICAL, None, None]  # fmt: skip


def test_a_vector_outweighs_the_word():
    advisory = rule('version < "1"', severity="LOW", cvss="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")

    assert advisory.severity is Severity.CRITICAL


@pytest.mark.parametrize("text", ['version < "unknown"', 'version <= "latest"', "", 'version >= "0"', "nonsense"])
def test_a_rule_that_names_no_version_decides_nothing(text):
    assert rule(text).hits("1.0") == "undecided"


def test_a_rule_about_commits_hits_that_commit_alone():
    advisory = rule('version == "git d4ec6a3"')

    assert [advisory.hits(v) for v in ("d4ec6a3", "1.0")] == ["affected", "undecided"]


def test_a_rule_about_reachability_is_no_flaw_of_a_version():
    assert rule('is_internal=="true"') is None


def test_a_rule_without_an_id_is_left_out():
    assert rule('version < "1"', cve="deployment tips") is None
