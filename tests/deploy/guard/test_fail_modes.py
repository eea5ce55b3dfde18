"""Whatever a detector does, the guard does what its fail mode says, and says so."""

import asyncio
import threading
from dataclasses import dataclass, field

import pytest

from jingwei.core.finding import Severity
from jingwei.core.policy import Category, CategoryRule, Decision, FailMode, Policy
from jingwei.core.text import Both
from jingwei.deploy.guard import Guard
from jingwei.detect import Hit, fold

SCANNED = (Category.KEYWORD, Category.PII, Category.SECRET, Category.INJECTION, Category.HARM, Category.EMOTION)


@dataclass(frozen=True)
class OwnDetectors:
    """Detectors of somebody's own."""

    detectors: dict
    version: str = "own"
    read: object = field(default=fold)

    def hold_back(self, text):
        return 0


def raises(_):
    raise RuntimeError("boom")


def tells_the_text(text):
    raise ValueError(text.original)


def returns_nothing(_):
    return None


def returns_other_things(_):
    return ("a hit",)


def points_outside(text):
    return (Hit(0, len(text.original) + 1, Category.PII, "pii.x", 0.9, Severity.LOW),)


def speaks_for_another(_):
    return (Hit(0, 1, Category.HARM, "harm.x", 0.9, Severity.LOW),)


def is_surer_than_sure(_):
    return (Hit(0, 1, Category.PII, "pii.x", 7.0, Severity.LOW),)


def guard_with(detector, mode, *, category=Category.PII, timeout=500):
    rules = tuple(
        CategoryRule(category=each, on_failure=mode, timeout_milliseconds=timeout if each is category else 500)
        for each in SCANNED
    )
    detectors = {each: detector if each is category else (lambda _: ()) for each in SCANNED}
    policy = Policy(system_id="s", grade=2, rules=rules, safe_answer=Both(zh="不", en="no"))
    return Guard(policy, OwnDetectors(detectors))


MODES = pytest.mark.parametrize(
    ("mode", "decision"), [(FailMode.CLOSED, Decision.BLOCK), (FailMode.OPEN, Decision.ALLOW)]
)


@MODES
@pytest.mark.parametrize("category", SCANNED)
def test_a_detector_that_raises_is_told_and_its_mode_decides(category, mode, decision):
    verdict = guard_with(raises, mode, category=category).check("hello")
    assert verdict.action is decision
    assert [(each.category, each.why, each.decision) for each in verdict.unjudged] == [(category, "crashed", decision)]
    assert verdict.found == ()
    assert category in verdict.reason.en


@MODES
@pytest.mark.parametrize(
    ("detector", "why"),
    [
        (returns_nothing, "crashed"),
        (returns_other_things, "nonsense"),
        (points_outside, "nonsense"),
        (speaks_for_another, "nonsense"),
        (is_surer_than_sure, "nonsense"),
    ],
)
def test_a_detector_that_talks_nonsense_is_not_believed(detector, why, mode, decision):
    verdict = guard_with(detector, mode).check("hello")
    assert verdict.action is decision
    assert [(each.category, each.why) for each in verdict.unjudged] == [(Category.PII, why)]
    assert verdict.findings == ()


@MODES
def test_a_detector_that_hangs_is_left_behind(mode, decision):
    release = threading.Event()
    verdict = guard_with(lambda _: release.wait(10) and (), mode, timeout=1).check("hello")
    release.set()
    assert verdict.action is decision
    assert (Category.PII, "timed-out") in [(each.category, each.why) for each in verdict.unjudged]


@MODES
def test_a_detector_that_hangs_is_left_behind_by_an_event_loop_too(mode, decision):
    release = threading.Event()
    guard = guard_with(lambda _: release.wait(10) and (), mode, timeout=1)
    verdict = asyncio.run(guard.acheck("hello"))
    release.set()
    assert verdict.action is decision


@MODES
def test_a_detector_that_is_too_slow_counts_as_failed_though_it_answers(mode, decision):
    def slow(_):
        ended = threading.Event()
        ended.wait(0.03)
        return ()

    verdict = guard_with(slow, mode, timeout=1).check("hello")
    assert verdict.action is decision
    assert "timed-out" in [each.why for each in verdict.unjudged]


def test_what_others_found_counts_beside_a_failure():
    hit = Hit(0, 2, Category.PII, "pii.x", 0.9, Severity.HIGH)
    rules = (
        CategoryRule(category=Category.PII, inbound=Decision.LABEL),
        CategoryRule(category=Category.HARM, on_failure=FailMode.OPEN),
    )
    policy = Policy(system_id="s", grade=2, rules=rules, safe_answer=Both(zh="不", en="no"))
    guard = Guard(policy, OwnDetectors({Category.PII: lambda _: (hit,), Category.HARM: raises}))
    verdict = guard.check("hello")
    assert (verdict.action, verdict.found, [each.category for each in verdict.unjudged]) == (
        Decision.LABEL, (Category.PII,), [Category.HARM],
    )  # fmt: skip


def test_who_is_stopped_by_a_failure_is_told_to_try_again():
    verdict = guard_with(raises, FailMode.CLOSED).check("hello")
    assert "try again" in verdict.safe_answer("en")
    assert "boom" not in verdict.model_dump_json()


def test_a_text_that_cannot_be_folded_is_judged_in_no_category():
    def unreadable(*_, **__):
        raise ValueError

    policy = Policy(
        system_id="s", grade=2, rules=(CategoryRule(category=Category.PII),), safe_answer=Both(zh="不", en="n")
    )
    verdict = Guard(policy, OwnDetectors({Category.PII: lambda _: ()}, read=unreadable)).check("hello")
    assert (verdict.action, [each.why for each in verdict.unjudged]) == (Decision.BLOCK, ["crashed"])


def test_a_detector_that_tells_the_text_in_its_error_tells_it_to_no_log_and_no_verdict(caplog, capsys):
    words = "身份证 11010519491231002X"
    with caplog.at_level(0):
        verdict = guard_with(tells_the_text, FailMode.CLOSED).check(words)
    assert [each.why for each in verdict.unjudged] == ["crashed"]
    written = capsys.readouterr()
    assert "11010519491231002X" not in caplog.text + written.out + written.err + verdict.model_dump_json()
