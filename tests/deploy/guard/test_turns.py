"""Several turns of a session count together, where somebody remembers them."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from jingwei.core.finding import Severity
from jingwei.core.policy import Category, CategoryRule, Decision
from jingwei.deploy.guard import Guard
from jingwei.deploy.guard.policy_file import default_policy
from jingwei.deploy.guard.turns import Turn
from jingwei.detect import Hit


class ThirdTimeUnlucky:
    """Finds the third turn of a session suspicious."""

    def __init__(self):
        self.seen = Counter()

    def taken(self, session, passages, hits, direction):
        self.seen[session] += 1
        if self.seen[session] < 3:
            return Turn(risk=self.seen[session] / 3)
        end = len(passages[-1].text)
        return Turn(1.0, (Hit(0, end, Category.SESSION, "session.escalation", 0.9, Severity.HIGH),))


class Broken:
    def taken(self, session, passages, hits, direction):
        raise RuntimeError


@pytest.fixture(scope="module")
def guard():
    policy = default_policy()
    session = CategoryRule(category=Category.SESSION, inbound=Decision.SAFE_ANSWER, threshold=0.7)
    return Guard.load(policy.model_copy(update={"rules": (*policy.rules, session)}))


def test_what_turns_show_together_is_found_in_its_own_session_only(guard):
    watching = replace(guard, turns=ThirdTimeUnlucky())
    actions = [watching.check("hello there", session="a").action for _ in range(2)]
    assert actions == [Decision.ALLOW, Decision.ALLOW]
    verdict = watching.check("hello there", session="a")
    assert (verdict.action, verdict.found) == (Decision.SAFE_ANSWER, (Category.SESSION,))
    assert verdict.scores[Category.SESSION] == max(verdict.scores.values()) == 0.9
    assert watching.check("hello there", session="b").action is Decision.ALLOW
    assert watching.check("hello there").action is Decision.ALLOW


def test_an_event_loop_sees_the_same(guard):
    async def three():
        watching = replace(guard, turns=ThirdTimeUnlucky())
        return [(await watching.acheck("hello there", session="a")).action for _ in range(3)]

    assert asyncio.run(three())[-1] is Decision.SAFE_ANSWER


def test_a_condition_may_look_at_the_risk_of_the_session():
    policy = default_policy()
    strict = CategoryRule(category=Category.PII, inbound=Decision.BLOCK, when="session_risk > 0.5")
    risky = Guard.load(policy.model_copy(update={"rules": (*policy.rules, strict)}))
    watching = replace(risky, turns=ThirdTimeUnlucky())
    actions = [watching.check("我的手机号是13812345678", session="a").action for _ in range(2)]
    assert actions == [Decision.LABEL, Decision.BLOCK]


def test_a_memory_that_fails_is_told_and_its_mode_decides(guard):
    verdict = replace(guard, turns=Broken()).check("hello there", session="a")
    assert (verdict.action, [(each.category, each.why) for each in verdict.unjudged]) == (
        Decision.BLOCK, [(Category.SESSION, "crashed")],
    )  # fmt: skip
