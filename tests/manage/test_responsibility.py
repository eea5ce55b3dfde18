"""Responsibility chains: gaps, loose ends and circles are found; a new version keeps what answered for the old."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei.core.clock import utc_now
from jingwei.core.errors import InputError
from jingwei.manage import Component, ResponsibilityLink, responsibility_findings
from jingwei.manage.responsibility import rested_upon

NOW = utc_now()


def part(name: str, kind: str = "model", *, retired: bool = False) -> Component:
    return Component(id=name, system_id="s", kind=kind, name=name, release="", digest=name, observed=True, locator="",
                     supplier="", licence="", created_at=NOW, retired_at=NOW if retired else None)  # fmt: skip


def rests(above: str, below: str | None = None) -> ResponsibilityLink:
    return ResponsibilityLink(id=f"{above}-{below}", component_id=above, party="p", duty="", contact="",
                              document_sha256="", rests_on_id=below)  # fmt: skip


def found(components, links) -> list[tuple[str, str]]:
    return [(each.rule_id.removeprefix("responsibility."), each.location.path)
            for each in responsibility_findings(components, links)]  # fmt: skip


@pytest.mark.parametrize(
    ("components", "links", "expected"),
    [
        ([part("a")], [], [("missing", "a")]),
        ([part("a")], [rests("a")], []),
        ([part("a"), part("b")], [rests("a", "b")], [("missing", "b")]),
        ([part("a"), part("b")], [rests("a", "b"), rests("b")], []),
        ([part("a"), part("b", retired=True)], [rests("a", "b"), rests("b")], [("dangling", "a")]),
        ([part("a")], [rests("a", "gone")], [("dangling", "a")]),
        ([part("a"), part("b")], [rests("a", "b"), rests("b", "a")], [("cycle", "a")]),
        ([part("a")], [rests("a", "a")], [("cycle", "a")]),
        ([part("a"), part("b"), part("c")], [rests("a", "b"), rests("b", "c"), rests("c", "b")], [("cycle", "b")]),
        ([part("p", "prompt"), part("l", "library")], [], []),
        ([part("a", retired=True)], [], []),
    ],
)
def test_a_chain_is_told_its_gaps_loose_ends_and_circles(components, links, expected):
    assert found(components, links) == expected


def test_a_finding_says_what_is_wrong_and_the_mend_in_both_languages():
    (finding,) = responsibility_findings([part("a"), part("b")], [rests("a", "b"), rests("b", "a")])
    assert finding.title.en.endswith("a → b → a")
    assert finding.remedy.zh
    assert finding.severity.value == "high"


@given(st.lists(st.tuples(st.integers(0, 7), st.one_of(st.none(), st.integers(0, 7))), max_size=12))
def test_any_graph_ends_and_a_chain_without_findings_reaches_an_end(pairs):
    components = [part(str(number)) for number in range(8)]
    newest = dict(pairs)
    links = [rests(str(above), None if below is None else str(below)) for above, below in newest.items()]
    findings = responsibility_findings(components, links)
    if not findings:
        below = {link.component_id: link.rests_on_id for link in links}
        for start in below:
            steps, at = 0, start
            while at is not None:
                at, steps = below[at], steps + 1
                assert steps <= 8


def test_only_what_one_of_its_own_kind_rests_on_is_left_out_of_use():
    components = [part("tuned"), part("base"), part("vendor", "vendor")]
    assert rested_upon(components, [rests("tuned", "base"), rests("vendor", "tuned")]) == {"base"}


def test_a_new_version_keeps_who_answers_and_what_rests_on_it(world):
    system_id = world.registered()
    engineer = world.who("engineer")
    (model,) = [each for each in world.parts.of(system_id).components if each.kind == "model"]
    agent = world.parts.add(system_id, "agent", "helper", digest="1" * 64, actor=engineer)
    world.parts.answer_for(agent.id, "us", rests_on_id=model.id, actor=engineer)
    after = world.parts.add(system_id, "model", "small", digest="2" * 64, supplier="HF", actor=engineer)
    made = world.parts.of(system_id)
    assert made.findings == ()
    links = {link.component_id: link for link in made.links}
    assert links[agent.id].rests_on_id == after.id
    assert links[after.id].party == "HF"


def test_a_new_supplier_must_be_named_anew(world):
    system_id = world.registered()
    world.parts.add(system_id, "model", "small", digest="2" * 64, supplier="Other", actor=world.who("engineer"))
    assert [each.rule_id for each in world.parts.of(system_id).findings] == ["responsibility.missing"]


def test_a_component_rests_only_on_one_of_its_own_system(world):
    one, two = world.registered("one"), world.registered("two")
    mine, theirs = world.parts.of(one).components[0], world.parts.of(two).components[0]
    with pytest.raises(InputError, match="not of the same System"):
        world.parts.answer_for(mine.id, "us", rests_on_id=theirs.id, actor=world.who("engineer"))
    with pytest.raises(InputError, match="Fill in the party"):
        world.parts.answer_for(mine.id, "  ", actor=world.who("engineer"))
