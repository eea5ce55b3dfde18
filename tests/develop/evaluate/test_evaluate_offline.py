import asyncio
import socket

import pytest
from evaluating import evaluated, order_of
from truth_stub import truth_served

from jingwei.develop.evaluate import suite_names
from jingwei.develop.evaluate.order import Evaluating
from jingwei.develop.evaluate.target_file import read_target


def test_the_tripwire_hears_a_name_being_looked_up(wire):
    wire.set = True
    try:
        with pytest.raises(OSError, match="tripwire"):
            socket.getaddrinfo("example.org", 80)
        with socket.socket() as one, pytest.raises(OSError, match="tripwire"):
            one.connect(("192.0.2.1", 80))
    finally:
        wire.set = False
    assert [event for event, _ in wire.crossed] == ["socket.getaddrinfo", "socket.connect"]


@pytest.mark.parametrize("name", suite_names())
def test_a_suite_asks_nobody_but_its_target(name, tmp_path, offline):
    async def go():
        async with truth_served(0.5) as (url, asked):
            work = Evaluating(order_of(name, url, tmp_path / "out", scope={"limit": 6}))
            await work.run()
            return work.conclude()[0], asked

    evaluation, asked = asyncio.run(go())
    assert asked
    assert evaluation.suites[0].examined > 0
    assert evaluation.stopped == ""


def test_a_name_in_the_targets_address_is_the_only_one_looked_up(tmp_path, wire):
    target = read_target("http://nowhere.invalid/v1", model="m").model_copy(update={"retries": 0})
    wire.set = True
    try:
        evaluation, _ = evaluated(order_of("baseline", target, tmp_path / "out", scope={"limit": 1}))
    finally:
        wire.set = False
    assert evaluation.stopped == "unreachable"
    assert {host for _, host in wire.crossed} == {"nowhere.invalid"}
