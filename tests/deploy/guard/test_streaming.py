"""No character of a hit leaves, however the stream is cut; a clean stream arrives as it was."""

import asyncio
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jingwei.core.policy import Category, Decision
from jingwei.deploy.guard import Guard, StreamGuard, compile_policy

BLOCKED = ("飞鸟计划", "projectnightjar", "ZX-CANARY-77")
REDACTED = ("13812345678", "zhang.san@example.com.cn", "AKIAABCDEFGHIJKLMNOP", "11010519491231002X")
CLEAN = (
    "今天的会议改到下午三点，请带上季度报告。",
    "飞鸟飞过湖面，计划照旧。",
    "The quarter closed at 4.2 percent, up from 3.9.",
    "Call the front desk on extension 4021 if the projector fails.",
    "价格为 128 元，数量 36 件，合计 4608 元。",
    "See https://docs.example.org/guide#part-2 for the project night schedule.",
)


@lru_cache(maxsize=1)
def guard():
    policy = compile_policy("s", 2, {}, words=BLOCKED[:2], canaries=BLOCKED[2:])
    patient = [rule.model_copy(update={"timeout_milliseconds": 60_000}) for rule in policy.rules]  # a busy machine
    return Guard.build(policy.model_copy(update={"rules": tuple(patient)}))


def stream(pieces):
    channel = StreamGuard(guard())
    out = []
    for piece in pieces:
        release = channel.feed(piece)
        out.append(release.text)
        if release.blocked:
            return "".join(out), channel
    out.append(channel.finish().text)
    return "".join(out), channel


def cut(text, places):
    edges = [0, *sorted({place % (len(text) + 1) for place in places}), len(text)]
    return [text[a:b] for a, b in pairwise(edges)]


places = st.lists(st.integers(0, 10_000), max_size=60)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(CLEAN), min_size=1, max_size=5).map(" ".join), places)
def test_a_clean_stream_arrives_as_it_was(text, where):
    out, channel = stream(cut(text, where))
    assert out == text
    assert channel.verdict().decision is Decision.ALLOW


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CLEAN), st.sampled_from(BLOCKED), st.sampled_from(CLEAN), places)
def test_nothing_of_a_blocked_word_leaves(before, word, after, where):
    out, channel = stream(cut(f"{before} {word} {after}", where))
    assert channel.verdict().decision is Decision.BLOCK
    assert f"{before} ".startswith(out)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CLEAN), st.sampled_from(REDACTED), st.sampled_from(CLEAN), places)
def test_nothing_of_a_redacted_item_leaves_and_all_else_does(before, item, after, where):
    out, channel = stream(cut(f"{before} {item} {after}", where))
    assert channel.verdict().decision is Decision.REDACT
    head, _, tail = out.partition("[")
    assert head == f"{before} "
    assert tail.partition("]")[2] == f" {after}"


@pytest.mark.parametrize("word", BLOCKED)
def test_characters_one_by_one_with_invisible_ones_between_do_not_slip_through(word):
    out, _ = stream("好的。" + "\u200b".join(word) + "。再见")
    assert out == "好的。"


def test_ordinary_prose_is_held_for_few_characters():
    channel = StreamGuard(guard())
    waits = []
    for character in CLEAN[0] + CLEAN[1] + CLEAN[2]:
        channel.feed(character)
        waits.append(channel.held)
    assert sum(waits) / len(waits) < 6


def test_after_a_block_nothing_follows():
    channel = StreamGuard(guard())
    assert channel.feed("飞鸟计划").text == ""
    assert channel.feed("。好的").blocked
    assert channel.feed("more").text == ""
    assert channel.finish().text == ""
    assert channel.verdict().blocks


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([*CLEAN, *BLOCKED, *REDACTED]), min_size=1, max_size=4).map(" ".join), places, places)
def test_where_a_stream_is_cut_changes_neither_what_leaves_nor_the_decision(text, one, other):
    first, channel = stream(cut(text, one))
    again, second = stream(cut(text, other))
    assert channel.verdict().decision is second.verdict().decision
    if channel.verdict().decision is not Decision.BLOCK:
        assert first == again


def test_an_answer_that_came_at_one_time_is_still_held_against_what_reads_whole_texts():
    seen = []

    def opinion(text):
        seen.append(text.original)
        return ()

    made = guard()
    channel = StreamGuard(Guard(made.policy, replace(made.bundle, models={Category.HARM: opinion})))
    text = " ".join(CLEAN)

    async def run():
        await channel.fed(text)
        await channel.finished()
        return await channel.reviewed()

    assert asyncio.run(run()).decision is Decision.ALLOW
    assert seen[-1] == text
