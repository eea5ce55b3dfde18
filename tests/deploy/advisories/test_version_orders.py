"""Versions compare as their own ecosystem's tools compare them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from jingwei.deploy.advisories.orders import key

ASCENDING = {
    "PyPI": ["1.0.dev1", "1.0a1", "1.0b2", "1.0rc1", "1.0", "1.0.post1", "1.1", "1!0.1"],
    "npm": ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"],
    "Go": ["v0.0.0-20200101000000-aaaaaaaaaaaa", "v0.1.0", "v1.0.0-rc1", "v1.0.0", "v1.10.0"],
    "crates.io": ["0.9.9", "0.10.0", "1.0.0"],
    "Maven": ["1-alpha", "1-beta", "1-m1", "1-rc1", "1-snapshot", "1", "1-sp", "1.0.1", "1.9", "1.10"],
    "Debian:12": ["1.0~rc1", "1.0", "1.0-1", "1.0-1+deb12u1", "1.0-2", "1.0+b", "1.0.1", "1:0.5"],
    "Alpine:v3.18": ["1.0_alpha1", "1.0_rc1", "1.0", "1.0-r1", "1.0_p1", "1.0a", "1.0.1", "1.10"],
    "Rocky Linux:9": ["1.0~rc1-1", "1.0-1", "1.0^git1-1", "1.0.1-1", "1.0.1-2", "1:0.1-1"],
    "AI": ["v1.2", "1.83.7-stable", "1.83.10-stable", "2.0.0-canary.5", "2.0.0rc1", "v2.0.0", "2026.2.21", "2026.2.21-1"],
}  # fmt: skip


@pytest.mark.parametrize(("ecosystem", "versions"), ASCENDING.items())
def test_each_ecosystem_has_its_own_order(ecosystem, versions):
    keys = [key(ecosystem, version) for version in versions]

    assert all(lower < higher for lower, higher in pairwise(keys))
    assert not any(higher < lower for lower, higher in pairwise(keys))


@pytest.mark.parametrize(
    ("ecosystem", "one", "other"),
    [("PyPI", "1.0", "1.0.0"), ("PyPI", "2.5.0+cu121", "2.5.0"), ("npm", "v1.2.3+build", "1.2.3"), ("Maven", "1.0", "1"), ("Maven", "1.0.0-GA", "1.0"),
     ("Debian", "0:1.0", "1.0"), ("AI", "v1.2.0", "1.2.0-stable")],
)  # fmt: skip
def test_two_spellings_of_one_version_are_equal(ecosystem, one, other):
    assert key(ecosystem, one) == key(ecosystem, other)


@pytest.mark.parametrize("version", ["main", "latest", "", "d9ab8bc", "unknown", "x" * 300])
@pytest.mark.parametrize("ecosystem", ["PyPI", "npm", "AI", "Debian", "Alpine"])
def test_what_is_no_version_has_no_key(ecosystem, version):
    assert key(ecosystem, version) is None


def test_an_ecosystem_that_is_not_known_has_no_keys():
    assert key("Bitnami", "1.0") is None


def test_a_build_number_says_nothing_against_a_release():
    build, release = key("AI", "b2740"), key("AI", "1.0")

    assert not build < release
    assert not release < build
    assert key("AI", "b2740") < key("AI", "b5662")


numbers = st.integers(0, 99)
releases = st.lists(numbers, min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
pep440 = st.builds(
    lambda release, tail: release + tail,
    releases,
    st.sampled_from(["", "a1", "b3", "rc2", ".post1", ".dev4", "rc1.dev2"]),
)


@given(pep440, pep440)
def test_python_versions_compare_as_packaging_compares_them(one, other):
    assert (key("PyPI", one) < key("PyPI", other)) == (Version(one) < Version(other))
    assert (key("PyPI", one) == key("PyPI", other)) == (Version(one) == Version(other))


any_version = st.text(st.sampled_from("0123456789.-~+:abrcv_^"), max_size=12)


@given(st.sampled_from(["npm", "Maven", "Debian", "Rocky Linux", "Alpine"]), any_version, any_version, any_version)
def test_every_order_is_an_order(ecosystem, one, two, three):
    keys = [key(ecosystem, version) for version in (one, two, three)]
    if None in keys:
        return
    a, b, c = keys
    assert not (a < b and b < a)
    assert a < b or b < a or not (a < b or b < a)
    if a < b and b < c:
        assert a < c
