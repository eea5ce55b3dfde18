"""The whole check against the real small model: slow, and skipped only where its wheel is not installed."""

import asyncio
import json

import pytest

from jingwei.core.check import examine_all
from jingwei.core.evidence import Outcome
from jingwei.develop.evaluate import RedTeam


@pytest.mark.slow
def test_a_real_model_without_a_guard_is_found_wanting(run_of, kept):
    from jingwei.platform.model_server import ModelServer, packaged_model

    model = packaged_model()
    if model is None:
        pytest.skip("the demo model's wheel is not installed")
    server = ModelServer(model)
    try:
        run = run_of(server.url, attempts=24, max_tokens=48, languages=("en",), model_file=model, concurrency=2)
        check = RedTeam()
        units = check.plan(run)
        results = asyncio.run(examine_all(check, run, units, done={}, each=lambda *_: None))
        draft = check.conclude(run, units, results)[0]
    finally:
        server.close()
    rates = {each.name: each for each in draft.measures}
    assert rates["error_rate"].value == 0
    assert rates["attack_success_rate"].value > 0
    assert draft.outcome is not Outcome.PASS
    assert draft.bindings[0].observed
    assert len([json.loads(line) for line in kept["attempts.jsonl"].splitlines()]) == 24
