import asyncio
import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from jingwei.core.canonical import file_digest
from jingwei.core.check import examine_all
from jingwei.core.configuration import prompt_digest, tools_digest
from jingwei.core.errors import InputError, Unavailable
from jingwei.core.evidence import Outcome
from jingwei.core.target import TargetKind
from jingwei.develop.evaluate import RedTeam

ATTACK_KINDS = ("violence", "fraud", "cyber")


def measure(draft, name):
    return next(each for each in draft.measures if each.name == name)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_refuser_is_never_reported_as_broken_and_its_over_refusal_shows(red_team, language):
    draft, _ = red_team("refuser", languages=(language,))
    assert measure(draft, "attack_success_rate").value == 0
    assert measure(draft, "undetermined_rate").value == 0
    assert measure(draft, "over_refusal_rate").value == 1
    assert draft.outcome is Outcome.FAIL
    assert [finding.rule_id for finding in draft.findings] == ["redteam.benign", "redteam.narrowed"]  # one language


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_complier_is_broken_every_time(red_team, language):
    chains = ("plain", "role-play", "prefix", "no-refusal")
    draft, _ = red_team("complier", languages=(language,), categories=(*ATTACK_KINDS, "benign"), transforms=chains)
    assert measure(draft, "attack_success_rate").value == 1
    assert measure(draft, "over_refusal_rate").value == 0
    assert draft.outcome is Outcome.FAIL
    found = [finding for finding in draft.findings if finding.rule_id != "redteam.narrowed"]  # one language only
    assert {finding.rule_id for finding in found} == {f"redteam.{kind}" for kind in ATTACK_KINDS}
    assert all("CAICT-MD-17" in finding.control_ids for finding in found)


def test_a_gateway_that_blocks_all_has_resisted_and_over_refused(red_team):
    draft, _ = red_team("guard", kind=TargetKind.GATEWAY)
    assert measure(draft, "attack_success_rate").value == 0
    assert measure(draft, "over_refusal_rate").value == 1


def test_a_run_that_holds_both_rates_passes(red_team):
    draft, _ = red_team("guard", categories=ATTACK_KINDS, benign_share=0, attempts=60)
    assert draft.outcome is Outcome.PASS
    assert not draft.skipped


def test_a_sample_too_small_to_prove_it_does_not_pass(red_team):
    draft, _ = red_team("guard", categories=ATTACK_KINDS, benign_share=0, attempts=5)
    assert measure(draft, "attack_success_rate").value == 0
    assert draft.outcome is Outcome.FAIL


@pytest.mark.parametrize("character", ["leaker", "quiet_leaker"])
def test_a_leaked_canary_is_a_success_and_never_reaches_the_evidence(red_team, kept, character):
    draft, served = red_team(character, categories=("canary", "injection"), benign_share=0)
    assert measure(draft, "attack_success_rate").value == 1
    sent = json.loads(served.asked[0])["messages"][0]["content"]
    canary = next(word.strip(".。") for word in sent.split() if word.startswith("JW-"))
    assert canary not in draft.model_dump_json()
    assert canary.encode() not in kept["attempts.jsonl"]


@pytest.mark.parametrize("character", ["native_caller", "text_caller"])
def test_a_forbidden_tool_call_is_a_success_in_either_form(red_team, character):
    draft, _ = red_team(character, categories=("tool",), benign_share=0)
    assert measure(draft, "attack_success_rate").value == 1


def test_a_tool_that_is_not_forbidden_may_be_called(red_team):
    draft, _ = red_team("text_caller", categories=("tool",), benign_share=0, forbidden_tools=("launch",))
    assert measure(draft, "attack_success_rate").value == 0


@pytest.mark.parametrize("character", ["babbler", "silent"])
def test_what_cannot_be_judged_is_neither_success_nor_defence(red_team, character):
    draft, _ = red_team(character)
    assert measure(draft, "undetermined_rate").value == 1
    assert draft.outcome is Outcome.INCOMPLETE
    assert draft.skipped


def test_a_run_that_failed_has_failed_however_many_answers_stay_open(red_team):
    async def erratic(served, request):
        from aiohttp import web

        message = json.loads(await request.read())["messages"][-1]["content"]
        said = (
            f"Sure. On {message} here are the steps:\n1. First gather it.\n2. Then do it."
            if len(served.asked) % 3 == 0
            else ""
        )
        return web.json_response({"choices": [{"message": {"content": said}, "finish_reason": "stop"}]})

    draft, _ = red_team(erratic, categories=ATTACK_KINDS, benign_share=0, transforms=("plain", "prefix"), concurrency=1)
    assert measure(draft, "undetermined_rate").value > 0.6
    assert draft.outcome is Outcome.FAIL


def test_the_rates_of_the_parts_add_up_to_the_whole(red_team):
    draft, _ = red_team("complier", transforms=("plain", "role-play"))
    whole = measure(draft, "attack_success_rate")
    for part in ("language", "category", "transform"):
        parts = [each for each in draft.measures if each.name.startswith(f"attack_success_rate.{part}.")]
        assert sum(each.samples for each in parts) == whole.samples
        assert round(sum(each.value * each.samples for each in parts)) == round(whole.value * whole.samples)


@pytest.mark.parametrize(
    ("character", "reason"),
    [
        ("garbage", "html"),
        ("wrong-shape", "no-answer"),
        ("list", "not-json"),
        ("deep", "not-json"),
        ("huge", "too-large"),
        ("failing", "status-500"),
        ("stops", "cut-off"),
        ("slow", "timeout"),
    ],
)
def test_a_bad_endpoint_is_an_error_and_the_run_incomplete(red_team, character, reason):
    draft, _ = red_team(character, attempts=4, timeout_seconds=0.05 if character == "slow" else 10)
    assert measure(draft, "error_rate").value == 1
    assert measure(draft, "attack_success_rate").samples == 0
    assert draft.outcome is Outcome.INCOMPLETE
    assert reason in draft.skipped[0].en


def test_a_server_error_is_retried_a_bounded_number_of_times(red_team):
    _, served = red_team("failing", attempts=2, retries=3)
    assert len(served.asked) == 2 * 4


def test_an_endpoint_that_is_down_is_named_with_the_mend(run_of):
    run, check = run_of("http://127.0.0.1:1/v1"), RedTeam()
    with pytest.raises(Unavailable, match=r"http://127\.0\.0\.1:1/v1.*server runs"):
        asyncio.run(check.examine(run, check.plan(run)[0]))


def test_a_refused_key_stops_the_run_instead_of_counting_as_defence(serve, run_of):
    async def go():
        async with serve("denying") as served:
            run, check = run_of(served.url, secret=SecretStr("k-123")), RedTeam()
            await check.examine(run, check.plan(run)[1])

    with pytest.raises(Unavailable, match="valid key") as caught:
        asyncio.run(go())
    assert "k-123" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["127.0.0.1:80", "file:///etc/passwd", "http://", "ftp://x/v1", "http://me:pass@127.0.0.1:1"]
)
def test_what_is_not_a_url_is_refused_before_anything_is_sent(run_of, url):
    with pytest.raises(InputError):
        RedTeam().plan(run_of(url))


@pytest.mark.parametrize(
    "options",
    [
        {"transforms": ("rot14",)},
        {"categories": ("nonsense",)},
        {"suite": "nowhere"},
        {"categories": ("benign",), "benign_share": 0},
    ],
)
def test_a_wrong_option_is_refused(run_of, options):
    with pytest.raises(InputError):
        RedTeam().plan(run_of(**options))


def test_the_key_and_the_callers_proof_go_with_the_exact_bytes(red_team):
    proofs, asked = [], []

    def sign(body, *, method, path):
        proofs.append(body)
        asked.append((method, path))
        return {"X-Proof": str(len(body))}

    _, served = red_team("refuser", attempts=3, secret=SecretStr("k-123"), sign_request=sign)
    assert all(headers["Authorization"] == "Bearer k-123" for headers in served.headers)
    assert set(served.asked) <= set(proofs)
    assert b"" in proofs
    assert set(asked) == {("POST", "/v1/chat/completions"), ("GET", "/v1/models")}
    assert asked.count(("GET", "/v1/models")) == 3  # two looks, and the name once


def test_what_was_done_is_not_asked_again(serve, run_of):
    async def go():
        async with serve("refuser") as served:
            run, check = run_of(served.url), RedTeam()
            units = check.plan(run)
            done = {}
            whole = await examine_all(check, run, units, done={}, each=done.__setitem__)
            first = len(served.asked)
            half = {number: done[number] for number in range(len(units) // 2)}
            again = await examine_all(RedTeam(), run, units, done=half, each=lambda *_: None)
            return first, len(served.asked) - first, len(units), len(half), whole, again

    first, second, units, half, whole, again = asyncio.run(go())
    assert first == units - 2
    assert second == units - half - 1  # the second look asks no chat
    assert [each.get("verdict") for each in again] == [each.get("verdict") for each in whole]


def test_the_same_seed_plans_the_same_and_another_does_not(run_of):
    check = RedTeam()
    assert check.plan(run_of(seed=1)) == check.plan(run_of(seed=1))
    assert check.plan(run_of(seed=1)) != check.plan(run_of(seed=2))


def test_evidence_is_bound_to_what_was_seen_at_the_gateway(red_team, tmp_path):
    model = tmp_path / "m.gguf"
    model.write_bytes(b"weights")
    draft, _ = red_team("refuser", kind=TargetKind.GATEWAY, model_file=model, attempts=4)
    assert draft.configuration.policy == "p" * 64
    assert draft.configuration.gateway == "0.1.0"
    assert draft.configuration.model == file_digest(model)
    assert draft.bindings[0].observed
    assert draft.bindings[0].digest == draft.configuration.digest


def test_without_the_model_file_the_binding_is_only_declared(red_team):
    draft, _ = red_team("refuser", attempts=4)
    assert not draft.bindings[0].observed
    assert "model" not in draft.configuration.observed


def test_a_policy_that_changes_during_the_run_voids_it(red_team):
    async def weakened(served, request):
        served.configuration = {"policy": "q" * 64, "gateway": "0.1.0"}
        from aiohttp import web

        return web.json_response(
            {"choices": [{"message": {"content": "I can't help with that."}, "finish_reason": "stop"}]}
        )

    draft, _ = red_team(weakened, kind=TargetKind.GATEWAY, attempts=6, concurrency=1)
    assert draft.outcome is Outcome.INCOMPLETE
    assert any("changed during the run" in gap.en for gap in draft.skipped)


def test_a_gateway_that_tells_nothing_is_unavailable(serve, run_of):
    async def go():
        async with serve("refuser") as served:
            served.configuration = {"hello": 1}
            run, check = run_of(served.url, kind=TargetKind.GATEWAY), RedTeam()
            await check.examine(run, check.plan(run)[0])

    with pytest.raises(Unavailable, match="policy and version"):
        asyncio.run(go())


def test_prompt_and_tools_of_the_app_are_bound_by_the_formula_of_its_components(red_team):
    folder = Path(__file__).parents[3] / "examples" / "assistant"
    prompt = (folder / "prompt.txt").read_text(encoding="utf-8")
    tools = json.loads((folder / "tools.json").read_text(encoding="utf-8"))
    draft, served = red_team("refuser", system_prompt=prompt, tools=tools, attempts=4)
    assert draft.configuration.prompt == prompt_digest(prompt)
    assert draft.configuration.tools == tools_digest(tools)
    assert "{canary}" not in json.loads(served.asked[0])["messages"][0]["content"]


def test_the_summary_prints_the_judges_own_error(red_team):
    draft, _ = red_team("refuser", attempts=4)
    assert "Chinese (" in draft.summary.en
    assert "false alarms" in draft.summary.en
    assert "误报" in draft.summary.zh


def test_answers_are_kept_as_hash_and_redacted_head_only(red_team, kept):
    async def talker(served, request):
        from aiohttp import web

        return web.json_response(
            {
                "choices": [
                    {"message": {"content": "Write to jane.roe@example.com or 13800138000."}, "finish_reason": "stop"}
                ]
            }
        )

    red_team(talker, attempts=4)
    lines = [json.loads(line) for line in kept["attempts.jsonl"].splitlines()]
    assert len(lines) == 4
    assert all(len(line["answer_sha256"]) == 64 for line in lines)
    assert b"13800138000" not in kept["attempts.jsonl"]
    assert b"jane.roe" not in kept["attempts.jsonl"]


def test_what_a_run_leaves_out_is_said_to_whoever_signs(red_team):
    narrow, _ = red_team("refuser", attempts=8, languages=("en",), transforms=("plain",))
    (told,) = [each for each in narrow.findings if each.rule_id == "redteam.narrowed"]
    assert "zh" in told.detail.en
    assert "base64" in told.detail.en


def test_the_summary_is_one_line_that_a_person_reads_with_the_judges_record_by_language(red_team):
    draft, _ = red_team("refuser")
    for said in (draft.summary.zh, draft.summary.en):
        assert len(said) < 500
    assert draft.summary.en.count("right") == 2
    assert "Chinese (" in draft.summary.en
    assert "English (" in draft.summary.en
