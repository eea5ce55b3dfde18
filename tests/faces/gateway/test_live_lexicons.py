"""Live words: told by the snapshot, enforced at once, and never in the way of a request."""

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from jingwei.core.clock import utc_now
from jingwei.core.policy import Decision
from jingwei.core.signing import Signer
from jingwei.core.snapshot import (
    LEXICONS,
    Content,
    LiveLexicon,
    Served,
    Snapshot,
    key_hash,
    write_public_key,
    write_snapshot,
)
from jingwei.deploy.guard import Passage, compile_policy
from jingwei.detect.lexicon import compile_base
from jingwei.faces.gateway import GatewaySettings
from jingwei.faces.gateway.lexicons import LiveWords, told_for, written
from jingwei.faces.gateway.refusal import Code, Refusal
from jingwei.faces.gateway.serving import Serving

POLICY = compile_policy("sys_1", 2, {}, words=("飞鸟计划",))


class Relay:
    """Publishes snapshots as the platform does."""

    def __init__(self, folder):
        self.folder, self.signer, self.sequence = folder, Signer.generate(), 0
        write_public_key(folder, self.signer.verifier)
        self.settings = GatewaySettings(snapshot_path=folder / "snapshot.json", spool_path=folder / "spool")

    def base(self, *words):
        image = compile_base(words)
        (self.folder / LEXICONS).mkdir(exist_ok=True)
        digest = sha256(image).hexdigest()
        (self.folder / LEXICONS / f"{digest}.words").write_bytes(image)
        return digest

    def publish(self, *lexicons, policy=POLICY):
        self.sequence += 1
        served = Served(system_id="sys_1", name="a", status="live", upstream_url="http://127.0.0.1:1/v1", policy=policy,
                        key_hashes=(key_hash("k"),))  # fmt: skip
        content = Content(systems=(served,), lexicons=lexicons)
        write_snapshot(self.folder / "snapshot.json", Snapshot.sealed(content, at=datetime.now(UTC),
                                                                      sequence=self.sequence, signer=self.signer))  # fmt: skip
        return served


@pytest.fixture
def relay(tmp_path):
    return Relay(tmp_path)


async def refreshed(serving):
    await serving.refresh()
    await asyncio.gather(*serving._building.values())


async def decided(serving, served, text):
    guard = serving.guard(served)
    return (await guard.judged((Passage((), text),), direction="inbound")).decision


def live(version="1.a", name="organisation", **more):
    return LiveLexicon(name=name, version=version, **more)


def test_a_word_that_was_added_is_enforced_by_every_process_after_its_next_look(relay):
    async def story():
        processes = [Serving(relay.settings, clock=utc_now) for _ in range(2)]
        served = relay.publish()
        for each in processes:
            await refreshed(each)
            assert await decided(each, served, "关于蓝鲸行动的进展") is Decision.ALLOW
        relay.publish(live("1.a", added=(("蓝鲸行动", ""),)))
        for each in processes:
            await refreshed(each)
            assert await decided(each, served, "关于蓝鲸行动的进展") is Decision.BLOCK
            assert each.ready(served).lexicon == "organisation@1.a"

    asyncio.run(story())


def test_words_of_the_policy_stay_when_live_words_come_and_go(relay):
    async def story():
        serving = Serving(relay.settings, clock=utc_now)
        served = relay.publish(live(added=(("蓝鲸行动", ""),)))
        await refreshed(serving)
        relay.publish(live("2.b", removed=("蓝鲸行动", "飞鸟计划")))
        await refreshed(serving)
        assert await decided(serving, served, "蓝鲸行动") is Decision.ALLOW
        assert await decided(serving, served, "飞鸟计划") is Decision.BLOCK

    asyncio.run(story())


def test_a_lexicon_cannot_take_away_a_built_in_word_or_another_lexicons(relay):
    words = LiveWords(relay.settings.snapshot_path)
    policy = POLICY.model_copy(update={"words": ()})
    plain = words.lexicon((), policy)
    built_in = next(entry.word for part in plain.parts for entry in part.entries() if len(entry.word) > 3)
    base = relay.base("蓝鲸行动", "金色海岸")
    told = (live(removed=(built_in, "蓝鲸行动", "金色海岸")), live(name="sys_1", base=base))
    found = words.lexicon(told, policy)
    assert found.scan(built_in)
    assert found.scan("蓝鲸行动")
    own = words.lexicon((live(base=base, removed=("金色海岸",)),), policy)
    assert not own.scan("金色海岸")
    assert own.scan("蓝鲸行动")


def test_only_the_lexicons_a_policy_names_and_its_systems_own_apply():
    lexicons = (live(), live(name="sys_1", version="3.c"), live(name="sys_2"), live(name="brand"))
    assert written(told_for(lexicons, POLICY)) == "organisation@1.a,sys_1@3.c"
    assert written(told_for(lexicons, POLICY.model_copy(update={"lexicons": ("brand",)}))) == "sys_1@3.c,brand@1.a"


def test_a_base_that_is_not_the_one_signed_for_is_not_loaded(relay):
    async def story():
        serving = Serving(relay.settings, clock=utc_now)
        base = relay.base("蓝鲸行动")
        (relay.folder / LEXICONS / f"{base}.words").write_bytes(compile_base(("别的词语",)))
        served = relay.publish(live(base=base))
        await refreshed(serving)
        with pytest.raises(Refusal) as refused:
            serving.guard(served)
        assert refused.value.code is Code.POLICY_LOADING

    asyncio.run(story())


def test_a_base_that_goes_missing_leaves_the_words_before_in_force(relay):
    async def story():
        serving = Serving(relay.settings, clock=utc_now)
        served = relay.publish(live(base=relay.base("蓝鲸行动")))
        await refreshed(serving)
        relay.publish(live("2.b", base="0" * 64))
        await refreshed(serving)
        assert await decided(serving, served, "蓝鲸行动") is Decision.BLOCK
        assert serving.ready(served).lexicon == "organisation@1.a"
        assert not serving.ready(served).built

    asyncio.run(story())


def test_a_missing_base_is_looked_for_again_with_the_next_change(relay):
    async def story():
        serving = Serving(relay.settings, clock=utc_now)
        served = relay.publish(live("1.a", base="0" * 64))
        await refreshed(serving)
        relay.publish(live("1.a", base=relay.base("蓝鲸行动")))
        await refreshed(serving)
        assert await decided(serving, served, "蓝鲸行动") is Decision.BLOCK

    asyncio.run(story())


def test_a_base_that_comes_late_is_taken_without_any_change(relay):
    async def story():
        time = [datetime.now(UTC)]
        serving = Serving(relay.settings, clock=lambda: time[0])
        base = relay.base("蓝鲸行动")
        path = relay.folder / LEXICONS / f"{base}.words"
        image = path.read_bytes()
        path.unlink()
        served = relay.publish(live(base=base))
        await refreshed(serving)
        path.write_bytes(image)
        time[0] += timedelta(seconds=6)
        relay.publish(live(base=base))
        await refreshed(serving)
        assert await decided(serving, served, "蓝鲸行动") is Decision.BLOCK

    asyncio.run(story())


def test_no_request_fails_while_words_are_swapped(relay):
    async def story():
        serving = Serving(relay.settings, clock=utc_now)
        base = relay.base(*(f"计划{number:04d}号" for number in range(500)))
        served = relay.publish(live(base=base))
        await refreshed(serving)
        done, swapping = 0, True

        async def ask():
            nonlocal done
            while swapping:
                assert await decided(serving, served, "计划0042号") is Decision.BLOCK
                assert await decided(serving, served, "今天天气很好") is Decision.ALLOW
                done += 1
                await asyncio.sleep(0)

        asking = [asyncio.create_task(ask()) for _ in range(3)]
        for number in range(8):
            relay.publish(live(f"{number}.x", base=base, added=((f"新词{number}号", ""),)))
            await refreshed(serving)
        swapping = False
        await asyncio.gather(*asking)
        assert done > 8
        assert await decided(serving, served, "新词7号") is Decision.BLOCK

    asyncio.run(story())


def test_requests_under_way_keep_the_words_they_began_with(relay):
    async def story():
        serving = Serving(relay.settings, clock=utc_now)
        served = relay.publish()
        await refreshed(serving)
        before = serving.guard(served)
        relay.publish(live(added=(("蓝鲸行动", ""),)))
        await refreshed(serving)
        passage = (Passage((), "蓝鲸行动"),)
        assert (await before.judged(passage, direction="inbound")).decision is Decision.ALLOW
        assert serving.guard(served).toolbox is before.toolbox

    asyncio.run(story())


def test_bases_that_nothing_names_are_let_go(relay):
    words = LiveWords(relay.settings.snapshot_path)
    base = relay.base("蓝鲸行动")
    words.lexicon((live(base=base),), POLICY)
    words.keep(())
    (relay.folder / LEXICONS / f"{base}.words").unlink()
    with pytest.raises(Exception, match="cannot be read"):
        words.lexicon((live(base=base),), POLICY)
