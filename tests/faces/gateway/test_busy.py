"""What a busy gateway saves work on, and what it must not save."""

import asyncio

import pytest

from jingwei.core.spool import SpoolWriter
from jingwei.faces.gateway.heads import _is_random
from jingwei.faces.gateway.journal import Journal


@pytest.mark.parametrize("identity", [
    "chatcmpl-9f0a6b1c2d3e4f5a6b7c8d9e0f1a2b3c", "9f0a6b1c-2d3e-4f5a-6b7c-8d9e0f1a2b3c", "gen-ffe0a1c2d3e4f5a6b7c8d9e0f1a2b3cf",
])  # fmt: skip
def test_an_id_of_random_bits_is_none_of_the_guards_business(identity):
    assert _is_random(identity)


@pytest.mark.parametrize("identity", [
    "c1", "chatcmpl-138123456789f0a6b1c2d3e4f5a6b7c8",  # a telephone number in it
    "chatcmpl-9f0a6b1c-2d13812345678-5a6b7c8d9e0f1a2b",
    "chatcmpl-" + b"top secret words".hex(), "chatcmpl-" + ("飞鸟计划".encode() + b"abcd").hex(),  # text in hexadecimal
    "chatcmpl-deadbeef2d3e4f5a6b7c8d9e0f1a2b3c", "secret-9f0a6b1c2d3e4f5a6b7c8d9e0f1a2b3c",
    "chatcmpl-9F0A6B1C2D3E4F5A6B7C8D9E0F1A2B3C",
])  # fmt: skip
def test_an_id_that_may_say_something_is_judged(identity):
    assert not _is_random(identity)


def test_answers_of_a_busy_moment_share_a_sync_and_each_event_is_on_disk(tmp_path):
    async def answered(journal, writes):
        for number in range(20):
            await journal.settled(journal.submit(b"%d" % number))
            assert b"%d" % number in b"\n".join(writes).split(b"\n")

    async def run():
        writer, writes = SpoolWriter(tmp_path), []
        append = writer.append
        writer.append = lambda lines: (append(lines), writes.append(b"\n".join(lines)))
        journal = Journal(writer)
        await asyncio.gather(*(answered(journal, writes) for _ in range(8)))
        await journal.close()
        return writes

    assert len(asyncio.run(run())) < 60  # 160 answers waited
