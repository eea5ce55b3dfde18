"""A package held against several sources: each flaw once, nothing guessed, nothing unknown called clean."""

from datetime import date

import pytest

from jingwei.core.finding import Severity
from jingwei.deploy.advisories import (
    ComponentIndex,
    Knowledge,
    Package,
    Store,
    fix_for,
    impacted,
    package_of,
    shipped_store,
)
from jingwei.deploy.advisories.advisory import Advisory, packed, unpacked
from jingwei.deploy.advisories.store import SourceOf, write_store
from jingwei.deploy.advisories.told import command_for
from jingwei.deploy.bom import Component


def advisory(name="CVE-2026-1", *, spans=("<2.0",), package="demo", ecosystem="PyPI", fixed=("2.0",), **more):
    return Advisory(
        id=name, ecosystem=ecosystem, package=package, spans=spans, fixed=fixed, source=more.pop("source", "a"), **more
    )


def test_what_is_worth_nothing_is_still_kept():
    """A score of 0.0 and a severity of info are falsy in more ways than one."""
    one = advisory(severity=Severity.INFO, score=0.0, likelihood=0.0)

    assert unpacked(packed(one), one.ecosystem, one.package) == one


@pytest.fixture
def known(tmp_path):
    def make(*advisories, ecosystems=("PyPI", "AI"), name="one"):
        path = tmp_path / f"{name}.sqlite"
        sources = [SourceOf("a", each, "2026-01-01", len(advisories), "") for each in ecosystems]
        write_store(path, advisories, sources=sources, made="2026-01-01")
        return Store(path)

    return make


def matched(store, version="1.0", name="demo", ecosystem="PyPI"):
    return Knowledge([store]).match(Package(ecosystem, name, version))


def test_an_advisory_survives_the_store_unchanged():
    one = advisory(aliases=("GHSA-1",), summary="s", summary_zh="中", severity=Severity.HIGH, score=7.5, vector="v",
                   versions=frozenset({"1.0"}), modified="2026-01-01", withdrawn=True, exploited=True, likelihood=0.5,
                   covered=True, weaknesses=("CWE-1",), advice="do", reference="https://x")  # fmt: skip

    assert unpacked(packed(one), one.ecosystem, one.package) == one


def test_one_flaw_of_three_sources_is_told_once_with_all_its_ids(known):
    store = known(advisory("PYSEC-1", aliases=("GHSA-1",)), advisory("GHSA-1", aliases=("CVE-2026-1",), severity=Severity.LOW),
                  advisory("CVE-2026-1", severity=Severity.CRITICAL))  # fmt: skip
    (flaw,) = matched(store).affected

    assert flaw.ids == ("CVE-2026-1", "GHSA-1", "PYSEC-1")
    assert flaw.severity is Severity.CRITICAL


def test_without_a_version_nothing_is_claimed(known):
    found = matched(known(advisory(), advisory("CVE-2026-2")), version="")

    assert (found.affected, len(found.unknown)) == ((), 2)


def test_what_is_no_version_is_told_as_such(known):
    found = matched(known(advisory()), version="main")

    assert (found.affected, len(found.unknown), found.version_read) == ((), 1, False)


def test_an_ecosystem_that_no_source_covers_is_not_clean(known):
    assert not matched(known(advisory()), ecosystem="npm").covered


def test_a_withdrawn_advisory_is_silent(known):
    assert matched(known(advisory(withdrawn=True))).affected == ()


def test_an_advisory_without_ranges_is_kept_apart(known):
    found = matched(known(advisory(spans=(), fixed=())))

    assert (found.affected, len(found.undecided)) == ((), 1)


def test_the_package_s_own_advisory_decides_over_a_rule_about_the_component(known):
    own = advisory(package="vllm", spans=("<0.5",), fixed=("0.5",))
    rule = advisory(package="vllm", ecosystem="AI", spans=("<9.0",), source="b", summary_zh="缺陷", covered=True)
    store = known(own, rule)

    assert matched(store, name="vllm", version="1.0").affected == ()
    (flaw,) = matched(store, name="vllm", version="0.4").affected
    assert (flaw.advisory.summary_zh, flaw.ranges) == ("缺陷", ("<0.5",))
    assert len(matched(store, name="vllm", version="1.0", ecosystem="AI").affected) == 1


def test_a_rule_that_no_package_advisory_knows_hits_the_package_too(known):
    rule = advisory(package="vllm", ecosystem="AI", spans=("<2.0",))

    assert len(matched(known(rule), name="vllm").affected) == 1


def test_a_newer_store_outweighs_an_older_one(known):
    old = known(advisory(modified="2026-01-01"), name="old")
    new = known(advisory(modified="2026-02-01", spans=("<0.5",)), name="new")

    assert Knowledge([old, new]).match(Package("PyPI", "demo", "1.0")).affected == ()


def test_what_is_being_exploited_is_at_least_high(known):
    (flaw,) = matched(known(advisory(severity=Severity.LOW, exploited=True))).affected

    assert flaw.severity is Severity.HIGH


def test_the_age_is_that_of_the_newest_source(known):
    assert Knowledge([known(advisory())]).age_days(date(2026, 1, 31)) == 30
    assert Knowledge([]).age_days(date(2026, 1, 31)) is None


@pytest.mark.parametrize(
    ("version", "advisories", "fix"),
    [
        ("1.0", [advisory(spans=("<2.0",), fixed=("2.0",))], "2.0"),
        ("1.0", [advisory(spans=("<2.0",), fixed=("2.0",)), advisory("b", spans=("<2.5",), fixed=("2.5",))], "2.5"),
        ("1.0", [advisory(spans=("<2.0",), fixed=("2.0",)), advisory("b", spans=(">=2.0,<3.1",), fixed=("3.1",))], "3.1"),
        ("1.0", [advisory(spans=("<1.1", ">=2.0,<2.2"), fixed=("1.1", "2.2"))], "1.1"),
        ("2.1", [advisory(spans=("<1.1", ">=2.0,<2.2"), fixed=("1.1", "2.2"))], "2.2"),
        ("1.0", [advisory(spans=("<2.0rc1",), fixed=("2.0rc1",)), advisory("b", spans=("<2.0",), fixed=("2.0",))], "2.0"),
        ("2.0b1", [advisory(spans=("<2.0rc1",), fixed=("2.0rc1",))], "2.0rc1"),
        ("1.0", [advisory(spans=("<2.0",), fixed=("2.0",)), advisory("b", spans=("<=9.9",), fixed=())], None),
        ("3.0", [advisory(spans=("<2.0",), fixed=("2.0",))], None),
        ("main", [advisory()], None),
    ],
)  # fmt: skip
def test_the_fix_is_the_smallest_version_that_ends_them_all(version, advisories, fix):
    assert fix_for(Package("PyPI", "demo", version), advisories) == fix


def library(version, name="demo"):
    return Component(kind="library", name=name, version=version)


def test_a_new_advisory_names_the_systems_it_hits():
    index = ComponentIndex(
        [("s1", library("1.0")), ("s2", library("2.0")), ("s3", library("")), ("s4", library("1.0", "other"))]
    )
    found = impacted([advisory()], index)

    assert [(one.system_id, one.certain) for one in found] == [("s1", True), ("s3", False)]


def test_a_rule_about_a_component_hits_the_packages_that_are_it():
    index = ComponentIndex([("s1", library("1.0", "mem0ai"))])

    assert impacted([advisory(package="mem0", ecosystem="AI")], index)
    assert not impacted([advisory(package="mem0", ecosystem="AI", covered=True)], index)
    assert not impacted([advisory(package="mem0", ecosystem="AI", withdrawn=True)], index)


@pytest.mark.parametrize(
    ("purl", "package"),
    [
        ("pkg:pypi/Some_Thing@1", ("PyPI", "some-thing")),
        ("pkg:npm/%40scope/name@1", ("npm", "@scope/name")),
        ("pkg:golang/github.com/a/b@v1", ("Go", "github.com/a/b")),
        ("pkg:maven/org.x/y@1", ("Maven", "org.x:y")),
        ("pkg:cargo/serde@1", ("crates.io", "serde")),
        ("pkg:deb/debian/libssl3@1?distro=debian-12", ("Debian:12", "libssl3")),
        ("pkg:apk/alpine/musl@1?distro=alpine-3.18.4", ("Alpine:v3.18", "musl")),
        ("pkg:deb/ubuntu/x@1?distro=ubuntu-22.04", ("Ubuntu:22.04", "x")),
        ("pkg:generic/Ollama@1", ("AI", "ollama")),
        ("pkg:swid/x@1", None),
        ("not a purl", None),
    ],
)
def test_a_package_url_leads_to_the_name_advisories_use(purl, package):
    found = package_of(Component(kind="library", name="x", version="1", purl=purl))

    assert (found and found[:2]) == package


def test_distributions_are_asked_by_source_package():
    facts = {"source": "openssl", "source-version": "3.0.9-1"}
    found = package_of(Component(kind="library", name="libssl3", version="3.0.9-1+b1", facts=facts,
                                 purl="pkg:deb/debian/libssl3@3.0.9-1%2Bb1?distro=debian-12"))  # fmt: skip

    assert found == ("Debian:12", "openssl", "3.0.9-1")


@pytest.mark.parametrize("name", ["requests", "transformers", "picklescan", "django", "mlflow"])
def test_deciding_gap_by_gap_says_what_each_advisory_says(name):
    knowledge = Knowledge([shipped_store()])
    advisories = knowledge.advisories(Package("PyPI", name))
    bounds = {part.lstrip("<>=") for one in advisories for span in one.spans for part in span.split(",") if part}
    for version in sorted(bounds | {"0.0.1", "99", "1.0", "2.0rc1", "1.0.0.0"}):
        affected = {each for flaw in knowledge.match(Package("PyPI", name, version)).affected for each in flaw.ids}
        expected = {each for one in advisories if one.hits(version) == "affected" for each in one.ids}
        assert expected == affected & {each for one in advisories for each in one.ids if each in expected}, version
        assert all(
            any(one.hits(version) == "affected" for one in advisories if each in one.ids) for each in affected
        ), version


@pytest.mark.parametrize("name", ["a'; rm -rf ~ #", "$(id)", "-rf", "a`id`"])
def test_no_command_is_offered_for_a_name_that_a_shell_would_run(name):
    assert command_for(Package("PyPI", name), "1.0") == ""
    assert command_for(Package("PyPI", "demo"), name) == ""
    assert command_for(Package("npm", "@scope/demo"), "1.0") == "npm install @scope/demo@1.0"
