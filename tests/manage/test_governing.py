"""Overrides, policies, rights, the life of a System, and what is due again."""

from datetime import timedelta
from pathlib import Path

import pytest

from jingwei.core.errors import Conflict, InputError, Refused
from jingwei.core.identity import Actor, ApiKeys, Role
from jingwei.core.text import texts
from jingwei.manage import TRANSITIONS, Override, Reassess, may, rights
from jingwei.manage.overrides import effective

SOURCE = Path(__file__).parents[2] / "src" / "jingwei" / "manage"


def override(world, grade: int, *, approvers: tuple[str, ...] = (), days: int | None = None) -> Override:
    now = world.clock()
    return Override(id="o", system_id="s", grade=grade, reason="r", requested_by="a", approvers=approvers,
                    expires_at=now + timedelta(days=days) if days else None, withdrawn_at=None, created_at=now)  # fmt: skip


@pytest.mark.parametrize(
    ("computed", "asked", "expected"),
    [
        (2, [(4, (), None)], 4),
        (3, [(1, (), 7)], 3),
        (3, [(1, ("a",), 7)], 3),
        (3, [(1, ("a", "a"), 7)], 3),
        (3, [(1, ("a", "b"), None)], 3),
        (3, [(1, ("a", "b"), 7)], 1),
        (2, [(4, (), None), (3, (), None)], 4),
        (2, [(4, (), None), (3, ("a", "b"), 7)], 3),
        (2, [(1, ("a", "b"), 7), (3, (), None)], 3),
        (4, [(3, (), None)], 4),
    ],
)
def test_a_grade_is_raised_freely_and_lowered_by_two(world, computed, asked, expected):
    overrides = [override(world, grade, approvers=by, days=days) for grade, by, days in asked]
    assert effective(computed, overrides, now=world.clock()).grade == expected


def test_an_expired_override_no_longer_holds(world):
    lowered = override(world, 1, approvers=("a", "b"), days=7)
    assert effective(3, [lowered], now=world.clock()).grade == 1
    world.clock.pass_by(days=7)
    assert effective(3, [lowered], now=world.clock()).grade == 3


def test_a_lower_grade_takes_two_others_and_ends_its_release_with_it(world):
    system_id = world.registered(life_health="indirect", tools="none", name="pilot")
    assert world.grading.preview(system_id).grade == 3
    ends = world.clock() + timedelta(days=7)
    asked = world.overrides.ask(system_id, 2, reason="A pilot.", actor=world.who("system_owner"), expires_at=ends)
    for login in ("security", "legal"):
        assert world.grading.preview(system_id).grade == 3
        world.enrol(login)
        world.overrides.approve(asked.id, actor=world.who(login), proof=world.confirm(login, asked.id))
    graded = world.grading.grade(system_id, actor=world.who("engineer"))
    assert (graded.decision.grade, graded.decision.computed_grade, graded.override.id) == (2, 3, asked.id)
    world.guarded(system_id)
    world.proven(system_id)
    record = world.gate.release(world.signed(system_id), actor=world.who("engineer"))
    assert record.expires_at == ends


def test_an_override_says_who_asked_and_why(world):
    system_id = world.registered()
    made = world.overrides.ask(system_id, 4, reason=" Press interest. ", actor=world.who("legal"))
    assert (made.reason, made.requested_by) == ("Press interest.", world.people["legal"])
    assert world.overrides.overrides(system_id) == [made]
    with pytest.raises(InputError, match="reason"):
        world.overrides.ask(system_id, 5, reason=" ", actor=world.who("legal"))
    with pytest.raises(InputError, match="differ from the present 4"):
        world.overrides.ask(system_id, 4, reason="r", actor=world.who("legal"))


def test_an_ended_override_is_approved_by_nobody(world):
    system_id = world.registered()
    ends = world.clock() + timedelta(days=1)
    asked = world.overrides.ask(system_id, 1, reason="r", actor=world.who("system_owner"), expires_at=ends)
    world.clock.pass_by(days=2)
    with pytest.raises(Conflict, match="expired"):
        world.overrides.approve(asked.id, actor=world.who("security"), proof=world.confirm("security", asked.id))


def test_a_lowering_override_is_withdrawn_freely(world):
    system_id = world.registered()
    ends = world.clock() + timedelta(days=7)
    asked = world.overrides.ask(system_id, 1, reason="r", actor=world.who("business"), expires_at=ends)
    for login in ("security", "system_owner"):
        world.overrides.approve(asked.id, actor=world.who(login), proof=world.confirm(login, asked.id))
    assert world.grading.preview(system_id).grade == 1
    world.overrides.withdraw(asked.id, actor=world.who("legal"))
    assert world.grading.preview(system_id).grade == 2


def test_a_recorded_grade_keeps_its_explanation(world):
    system_id = world.registered()
    newest = world.grading.newest(system_id)
    assert newest.decision == world.grading.preview(system_id)
    assert newest.counterfactuals
    assert world.registry.system(system_id).status == "assessed"
    assert world.proof.holds(system_id, "EV-TIER")


def test_policies_follow_one_another_and_their_history_stays(world):
    system_id = world.registered()
    world.guarded(system_id)
    first = world.policies.in_force(system_id)
    world.guarded(system_id)
    assert len(world.policies.history(system_id)) == 1, "the same policy again is no change"
    world.guarded(system_id, words=("secret project",))
    history = world.policies.history(system_id)
    assert [each.retired_at is None for each in history] == [True, False]
    assert history[1].digest == first.digest
    assert world.policies.in_force(system_id).words == ("secret project",)


def test_a_policy_is_kept_under_the_digest_of_what_it_says(world):
    system_id = world.registered()
    honest = world.policy(system_id)
    _ = honest.digest
    copied = honest.model_copy(update={"rules": honest.rules[:1]})
    world.policies.attach(copied, actor=world.who("security"))
    assert world.policies.history(system_id)[0].digest == world.policies.in_force(system_id).digest != honest.digest


def test_a_key_of_a_system_is_made_by_its_own_people(world):
    system_id = world.registered()
    made = world.registry.make_key(system_id, "app", actor=world.who("engineer"))
    keys = ApiKeys(world.session, clock=world.clock)
    assert keys.holder(made.key).system_id == system_id
    with pytest.raises(Refused):
        world.registry.make_key(system_id, "app", actor=world.who("legal"))
    world.registry.revoke_key(made.record.id, actor=world.who("engineer"))
    assert keys.hashes(system_id) == ()


def test_every_role_of_the_rights_table_exists_and_nobody_may_everything():
    named = {role for right in rights().values() for role in (*right.roles, *right.own)}
    assert named <= set(Role)
    assert not {"admin", "auditor"} & named
    for role in Role:
        actor = Actor(id="a", roles=frozenset({(role, "*")}))
        assert not all(may(actor, right, domain="d", owns=True) for right in rights())


def test_an_engineer_edits_what_is_theirs_and_nothing_else(world):
    system_id = world.registered()
    world.registry.edit(system_id, upstream_model="larger", actor=world.who("engineer"))
    with pytest.raises(Refused, match="system_owner"):
        world.registry.edit(system_id, upstream_model="larger", actor=world.add("other", "engineer"))
    with pytest.raises(Refused):
        world.registry.edit(system_id, upstream_model="x", actor=world.add("far", "system_owner", domain="retail"))


def test_from_retired_there_is_no_way_back():
    assert TRANSITIONS["retired"] == frozenset()
    assert all(to in TRANSITIONS for ways in TRANSITIONS.values() for to in ways)
    assert "live" not in TRANSITIONS["draft"] | TRANSITIONS["assessed"] | TRANSITIONS["suspended"]


def test_only_a_live_system_is_suspended(world):
    with pytest.raises(Conflict, match="assessed cannot become suspended"):
        world.tokens.suspend(world.registered(), actor=world.who("security"), reason="Stop.")


def due(world) -> set[str]:
    return {each.code for each in Reassess(world.desk).due()}


def test_a_fresh_release_is_due_for_nothing_until_it_nears_its_end(world):
    record = world.released()
    assert due(world) == set()
    world.clock.now = record.expires_at - timedelta(days=13)
    assert due(world) == {"release-ends"}
    world.clock.now = record.expires_at
    assert due(world) == {"release-ends", "evidence"}


def test_a_changed_policy_and_changed_facts_are_due(world):
    record = world.released()
    world.guarded(record.system_id, words=("x",))
    assert due(world) == {"configuration-changed", "evidence"}
    world.intake.answer(record.system_id, {"scale": "large"}, actor=world.who("engineer"))
    assert "blocker" in due(world)


def test_a_changed_rule_file_is_due(world):
    record = world.released()
    row = world.session.get(type(_grade_row(world, record.system_id)), _grade_row(world, record.system_id).id)
    row.rules_digest = "0" * 64
    assert due(world) == {"rules-changed"}


def _grade_row(world, system_id):
    from jingwei.manage.rows import newest_grade

    return newest_grade(world.session, system_id)


def test_every_text_that_code_names_exists():
    import re

    known = texts("manage")
    named = {key for path in SOURCE.glob("*.py") for key in re.findall(r'"manage:([a-z0-9_-]+)"', path.read_text())}
    assert named <= set(known)
    built = ("approval-", "bound-", "campaign-state-", "candidate-", "find-state-", "state-", "status-", "closed-",
             "responsibility-", "system-")  # fmt: skip
    assert {key for key in known if key not in named and not key.startswith(built)} == set()
