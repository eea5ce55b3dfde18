"""Limits: what a key may use, counted for all gateway processes of a host together."""

import asyncio
import json
import struct
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from aiohttp import web

from jingwei.core.errors import Unavailable
from jingwei.core.policy import Limits
from jingwei.core.snapshot import Served, ServedKey, key_hash
from jingwei.deploy.guard import compile_policy
from jingwei.faces.gateway.access import Access
from jingwei.faces.gateway.limits import Limiter
from jingwei.faces.gateway.refusal import Code, Refusal
from jingwei.faces.gateway.seats import SEATS, Seat
from jingwei.faces.gateway.tallies import SLOTS, Tallies

KEY = "jw-" + "k" * 40
POLICY = compile_policy("sys_1", 2, {})


class Time:
    def __init__(self):
        self.now = datetime(2026, 5, 4, 12, tzinfo=UTC)

    def __call__(self):
        return self.now

    def passes(self, **spell):
        self.now += timedelta(**spell)


def access(key="k1", **limits):
    served = Served(system_id="sys_1", name="a", status="live", upstream_url="http://127.0.0.1:1/v1", policy=POLICY)
    return Access(served, None, key=ServedKey(hash=key_hash(key), limits=Limits(**limits)))


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def processes(tmp_path, time):
    """Two gateway processes of one host."""
    seats = [Seat(tmp_path / "g") for _ in range(2)]
    limiters = [Limiter(tmp_path / "g", seat, clock=time) for seat in seats]
    yield limiters
    for limiter, seat in zip(limiters, seats, strict=True):
        limiter.close()
        seat.leave()


def refused(limiter, who):
    with pytest.raises(Refusal) as raised, limiter.counted(who):
        pass
    return raised.value


def passes(limiter, who):
    with limiter.counted(who):
        return True


def test_requests_of_a_minute_are_counted_over_all_processes(processes, time):
    who = access(requests_per_minute=4)
    for number in range(4):
        assert passes(processes[number % 2], who)
    refusal = refused(processes[0], who)
    assert refusal.code is Code.RATE
    assert refusal.headers == {"retry-after": "15"}
    time.passes(seconds=15)
    assert passes(processes[1], who)
    assert refused(processes[0], who).code is Code.RATE


def test_a_bucket_never_holds_more_than_a_minutes_worth(processes, time):
    who = access(requests_per_minute=2)
    passes(processes[0], who)
    time.passes(hours=3)
    assert passes(processes[0], who)
    assert passes(processes[0], who)
    assert refused(processes[0], who).code is Code.RATE


def test_requests_under_way_are_counted_over_all_processes(processes):
    who = access(concurrent_requests=2)
    with processes[0].counted(who), processes[1].counted(who):
        assert refused(processes[0], who).code is Code.CONCURRENT
    assert passes(processes[0], who)


def test_what_a_dead_process_had_under_way_counts_no_more(tmp_path, time):
    folder = tmp_path / "g"
    dying, living = Seat(folder), Seat(folder)
    first, second = (Limiter(folder, seat, clock=time) for seat in (dying, living))
    who = access(concurrent_requests=1)
    under_way = first.counted(who)
    under_way.__enter__()
    assert refused(second, who).code is Code.CONCURRENT
    dying.leave()  # killed: its lock goes, its count stays
    assert passes(second, who)


def test_a_request_that_fails_is_under_way_no_more(processes):
    who = access(concurrent_requests=1)
    with pytest.raises(KeyError), processes[0].counted(who):
        raise KeyError
    assert passes(processes[0], who)


def test_tokens_of_a_day_are_counted_and_forgotten_at_midnight(processes, time):
    who = access(tokens_per_day=100)
    processes[0].spent(who, 60)
    assert passes(processes[1], who)
    processes[1].spent(who, 60)
    refusal = refused(processes[0], who)
    assert refusal.code is Code.TOKENS
    assert refusal.retry_seconds == 12 * 3600
    time.passes(hours=12)
    assert passes(processes[0], who)


def test_keys_are_counted_apart_and_one_without_limits_not_at_all(processes):
    passes(processes[0], access("k1", requests_per_minute=1))
    assert passes(processes[0], access("k2", requests_per_minute=1))
    assert all(passes(processes[0], access("k3")) for _ in range(5))


def test_the_policys_limits_count_where_a_key_has_none_of_its_own(processes):
    policy = POLICY.model_copy(update={"limits": Limits(requests_per_minute=1)})
    who = access()
    who = Access(who.served.model_copy(update={"policy": policy}), None, key=ServedKey(hash=key_hash("k9")))
    passes(processes[0], who)
    assert refused(processes[0], who).code is Code.RATE


def test_counts_outlive_a_restart(tmp_path, time):
    folder = tmp_path / "g"
    who = access(tokens_per_day=10)
    for _ in range(2):
        seat = Seat(folder)
        limiter = Limiter(folder, seat, clock=time)
        if _:
            assert refused(limiter, who).code is Code.TOKENS
        limiter.spent(who, 10)
        limiter.close()
        seat.leave()


def test_a_key_takes_the_slot_of_the_one_that_was_used_longest_ago(tmp_path):
    seat = Seat(tmp_path)
    tallies = Tallies(tmp_path / "t", seat)
    same = [struct.pack("<QQ", 5 + SLOTS * number, number).hex() + "0" * 32 for number in range(70)]
    for moment, key in enumerate(same[:64], 1):
        tally = tallies.of(key)
        tally.at = float(moment)
        tallies.put(tally)
    newcomer = tallies.of(same[64])
    assert newcomer.place == tallies.of(same[0]).place
    assert newcomer.at == 0.0
    tallies.close()
    seat.leave()


def test_every_process_has_its_own_seat_and_there_is_an_end_to_them(tmp_path):
    seats = [Seat(tmp_path) for _ in range(SEATS)]
    assert all(left.number < right.number for left, right in pairwise(seats))
    with pytest.raises(Unavailable):
        Seat(tmp_path)
    for seat in seats:
        seat.leave()


def limited(house, **limits):
    key = ServedKey(hash=key_hash(KEY), name="intranet", tenant="retail", limits=Limits(**limits))
    house.publish(house.served(keys=(key,)))


def test_a_caller_is_told_when_to_come_again(open_house):
    limited(open_house, requests_per_minute=1)
    assert open_house.chat().status == 200
    reply = open_house.chat()
    assert reply.status == 429
    assert reply.json["error"]["type"] == "rate_limit_error"
    assert reply.code == "rate-limited"
    assert 0 < int(reply.headers["retry-after"]) <= 60
    (event,) = [each for each in open_house.events() if each.kind == "refusal"]
    assert (event.reason, event.principal, event.system_id) == ("rate-limited", "intranet", "sys_1")


def test_tokens_are_those_the_models_server_counted(open_house):
    limited(open_house, tokens_per_day=8)
    assert open_house.chat().status == 200  # 7 tokens
    assert open_house.chat().status == 200
    assert open_house.chat().code == "tokens-spent"


def test_tokens_of_a_stream_without_a_count_are_estimated(open_house):
    def piece(text, finish=None):
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
        return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}

    limited(open_house, tokens_per_day=30)
    open_house.model.pieces = [piece("The room is free today. " * 8), piece("", "stop")]
    assert open_house.chat(stream=True).status == 200
    assert open_house.chat(stream=True).code == "tokens-spent"


def test_a_refused_request_never_reaches_the_models_server(open_house):
    limited(open_house, concurrent_requests=1)
    open_house.chat()
    asked = len(open_house.model.seen)

    async def slow(_request):
        open_house.second = await asyncio.to_thread(open_house.chat)
        return web.json_response(open_house.model.answer)

    open_house.model.hook = slow
    assert open_house.chat().status == 200
    assert open_house.second.code == "too-many-at-once"
    assert len(open_house.model.seen) == asked + 1
    assert json.loads(open_house.second.raw)["error"]["zh"]
