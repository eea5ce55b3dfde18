"""The models follow a stream: how far it may run ahead of them, and what happens when they fail."""

import asyncio
import threading
from dataclasses import replace
from functools import lru_cache

import pytest

from jingwei.core.finding import Severity
from jingwei.core.policy import Category, CategoryRule, Decision, FailMode
from jingwei.deploy.guard import Guard, StreamGuard, compile_policy
from jingwei.deploy.guard.sentences import LONGEST, ends
from jingwei.detect import Hit


@lru_cache(maxsize=1)
def bundle():
    return Guard.build(compile_policy("s", 2, {})).bundle


def guarded(model, *, streaming="lagged", mode=FailMode.CLOSED, milliseconds=2_000):
    policy = compile_policy("s", 2, {})
    harm = CategoryRule(category=Category.HARM, on_failure=mode, timeout_milliseconds=milliseconds)
    rules = tuple(rule for rule in policy.rules if rule.category in {Category.KEYWORD, Category.PII, Category.SECRET})
    policy = policy.model_copy(update={"rules": (*rules, harm), "streaming": streaming})
    return Guard(policy, replace(bundle(), models={Category.HARM: model}))


def harmful(text):
    """Think that whatever speaks of poison is harmful."""
    whole = getattr(text, "original", text)
    return (Hit(0, len(whole), Category.HARM, "harm.model", 0.9, Severity.HIGH),) if "poison" in whole else ()


class Gate:
    """A model that answers when it is told to."""

    def __init__(self):
        self.open = threading.Event()
        self.asked = []

    def __call__(self, text):
        self.asked.append(text.original)
        assert self.open.wait(10)
        return ()


SENTENCES = ["The first sentence is here. ", "The second one follows it. ", "And then a third comes. "]


def run(coroutine):
    return asyncio.run(coroutine)


def test_a_stream_runs_one_sentence_ahead_of_its_models_and_no_further():
    gate = Gate()

    async def story():
        channel = StreamGuard(guarded(gate))
        first = [(await channel.fed(piece)).text for piece in (SENTENCES[0], SENTENCES[1][:20])]
        waiting = asyncio.create_task(channel.fed(SENTENCES[1][20:]))
        await asyncio.sleep(0)
        while not gate.asked:  # noqa: ASYNC110 - a thread says so, not a task
            await asyncio.sleep(0.001)
        held = not waiting.done()
        gate.open.set()
        return "".join(first), held, (await waiting).text, (await channel.finished()).text

    first, held, then, rest = run(story())
    assert first.startswith(SENTENCES[0][:20])
    assert held
    assert first + then + rest == SENTENCES[0] + SENTENCES[1]


def test_what_a_model_finds_stops_the_stream_one_sentence_later_at_most():
    async def story():
        channel = StreamGuard(guarded(harmful))
        out = ""
        for piece in [
            "All is well today. ",
            "Take the poison and stir. ",
            "Then serve it warm. ",
            "Bon appetit to all. ",
        ]:
            release = await channel.fed(piece)
            out += release.text
            if release.blocked:
                return out, channel.verdict()
        return out, None

    out, verdict = run(story())
    assert verdict
    assert "Bon appetit" not in out
    assert verdict.categories == (Category.HARM,)


@pytest.mark.parametrize("streaming", ["held", "end"])
@pytest.mark.parametrize("size", [1, 7, 200])
def test_where_the_policy_waits_nothing_that_a_model_stops_leaves(streaming, size):
    text = "All is well today. Take the poison and stir. Then serve it warm."

    async def story():
        channel, out = StreamGuard(guarded(harmful, streaming=streaming)), ""
        for at in range(0, len(text), size):
            release = await channel.fed(text[at : at + size])
            out += release.text
            if release.blocked:
                return out
        return out + (await channel.finished()).text

    assert "poison" not in run(story())


@pytest.mark.parametrize("streaming", ["lagged", "held", "end"])
def test_a_clean_stream_arrives_whole_however_it_waits(streaming):
    text = "".join(SENTENCES) * 4

    async def story():
        channel = StreamGuard(guarded(lambda text: (), streaming=streaming))
        out = [(await channel.fed(text[at : at + 5])).text for at in range(0, len(text), 5)]
        return "".join(out) + (await channel.finished()).text, channel.verdict().decision

    assert run(story()) == (text, Decision.ALLOW)


def test_without_an_event_loop_the_models_are_waited_for():
    channel = StreamGuard(guarded(harmful))
    out = "".join(channel.feed(piece).text for piece in ("All is well today. ", "Take the poison and stir. ", "Then"))
    assert "Then" not in out
    assert channel.finish().blocked


@pytest.mark.parametrize(("mode", "blocked"), [(FailMode.CLOSED, True), (FailMode.OPEN, False)])
@pytest.mark.parametrize("fault", ["crash", "hang", "nonsense"])
def test_a_model_that_fails_in_a_stream_does_what_its_mode_says_and_is_told_of(fault, mode, blocked):
    done = threading.Event()

    def model(text):
        if fault == "crash":
            raise RuntimeError
        if fault == "hang":
            done.wait(5)
        return ("poison",) if fault == "nonsense" else ()

    async def story():
        channel = StreamGuard(guarded(model, mode=mode, milliseconds=30))
        await channel.fed(SENTENCES[0])
        release = await channel.finished()
        done.set()
        return release, channel.verdict()

    release, verdict = run(story())
    assert release.blocked is blocked
    why = {"crash": "crashed", "hang": "timed-out", "nonsense": "nonsense"}[fault]
    assert [(each.category, each.why) for each in verdict.unjudged] == [(Category.HARM, why)]


def test_a_sentence_ends_at_its_mark_or_when_it_grows_long():
    assert ends("Hello there. You") == [12]
    assert ends("今天天气真的很好。我们走吧，去公园看花！") == [9, 20]
    assert ends("x" * (LONGEST * 2 + 3)) == [LONGEST, LONGEST * 2]
    assert ends("3.14159 and more") == []
