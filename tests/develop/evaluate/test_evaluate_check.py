import asyncio
import json
from datetime import UTC, datetime

import pytest
import yaml
from evaluating import write_suite

from jingwei.catalog import load_catalog
from jingwei.core.check import Run, examine_all
from jingwei.core.errors import InputError
from jingwei.core.evidence import BoundTo, Outcome, Source, seal
from jingwei.core.plugins import load_check
from jingwei.core.signing import Signer
from jingwei.core.target import Target, TargetKind
from jingwei.develop.evaluate import Evaluate, EvaluateOptions
from jingwei.develop.evaluate.drafts import EVIDENCE_TYPES
from jingwei.develop.evaluate.proven import run_of
from jingwei.develop.evaluate.suite_file import load_suite


@pytest.fixture
def drafts(serve, kept):
    """Run the check against an organism; return its drafts by type."""

    def whole(character, *suites, **options):
        async def go():
            async with serve(character) as served:
                run = Run(
                    id="run-1",
                    target=Target(kind=TargetKind.ENDPOINT, locator=served.url),
                    options=EvaluateOptions(suites=tuple(map(str, suites)), backoff_seconds=0, **options),
                    keep=kept,
                )
                check = Evaluate()
                units = check.plan(run)
                results = await examine_all(check, run, units, done={}, each=lambda *_: None)
                return {each.type: each for each in check.conclude(run, units, results)}

        return asyncio.run(go())

    return whole


def test_each_suite_gives_the_evidence_it_names_bound_as_the_catalogue_says(drafts, tmp_path, kept):
    (tmp_path / "b").mkdir()
    one = write_suite(tmp_path, evidence_type="EV-BENCH")
    other = write_suite(tmp_path / "b", id="other", evidence_type="EV-FAIR")
    found = drafts("refuser", one, other)
    assert set(found) == {"EV-BENCH", "EV-FAIR"}
    assert found["EV-BENCH"].bindings[0].to is BoundTo.CONFIGURATION
    assert found["EV-FAIR"].bindings[0].to is BoundTo.MODEL_VERSION
    assert found["EV-BENCH"].examined == found["EV-FAIR"].examined == 20
    assert {json.loads(each)["suite"] for each in kept["attempts-other.jsonl"].splitlines()} == {"other"}


def test_types_are_bound_as_the_catalogue_says():
    catalogue = load_catalog()
    assert {name: catalogue.evidence_type(name).bound_to for name in EVIDENCE_TYPES} == dict(EVIDENCE_TYPES)


def test_a_suite_that_holds_its_limits_passes_and_one_that_does_not_fails_with_findings(drafts, tmp_path):
    suite = write_suite(tmp_path, cases=40, limits={"attack_success_rate": 0.2})
    assert drafts("guard", suite)["EV-REDTEAM"].outcome is Outcome.PASS
    failed = drafts("complier", suite)["EV-REDTEAM"]
    assert failed.outcome is Outcome.FAIL
    assert [each.rule_id for each in failed.findings] == ["evaluate.mine.forgery"]
    assert drafts("guard", suite, bounds={"attack_success_rate": 0.01})["EV-REDTEAM"].outcome is Outcome.FAIL


def test_a_run_without_an_answer_proves_nothing(drafts, tmp_path):
    found = drafts("failing", write_suite(tmp_path), retries=0)["EV-REDTEAM"]
    assert found.outcome is Outcome.INCOMPLETE
    assert any("No answer could be judged" in each.en for each in found.skipped)


def test_a_suite_whose_evidence_is_not_ours_to_give_is_refused(drafts, tmp_path):
    with pytest.raises(InputError, match="EV-SBOM"):
        drafts("refuser", write_suite(tmp_path, evidence_type="EV-SBOM"))


def test_the_check_is_installed_under_its_name():
    assert load_check("evaluate").id == "evaluate"


def test_a_malformed_suite_is_told_with_its_place(drafts, tmp_path):
    path = write_suite(tmp_path)
    source = yaml.safe_load(path.read_text(encoding="utf-8"))
    source["categories"][0]["prompts"][1].pop("id")
    path.write_text(yaml.safe_dump(source), encoding="utf-8")
    with pytest.raises(InputError, match=r"categories.0.prompts.1.id"):
        drafts("refuser", path)


def test_a_report_made_again_from_evidence_knows_limits_seed_and_the_suites_hash(drafts, tmp_path, kept):
    suite = write_suite(tmp_path, limits={"attack_success_rate": 0.2})
    draft = drafts("refuser", suite, seed=7)["EV-REDTEAM"]
    at = datetime(2026, 1, 1, tzinfo=UTC)
    evidence = seal(draft, system_id=None, target=Target(kind=TargetKind.ENDPOINT, locator="http://127.0.0.1:9/v1"),
                    source=Source(kind="auto", name="evaluate", version="1", run_id="run-1"), started_at=at,
                    finished_at=at, signer=Signer.generate())  # fmt: skip
    named = {each.name: each for each in evidence.artefacts}
    again = evidence.model_copy(update={"artefacts": tuple(
        each.model_copy(update={"sha256": name}) for name, each in named.items())})  # fmt: skip
    run = run_of(again, kept.__getitem__)
    (outcome,) = run.evaluation.suites
    assert (run.evaluation.seed, outcome.limits) == (7, {"attack_success_rate": 0.2})
    assert (outcome.digest, outcome.title.en, outcome.planned) == (load_suite(str(suite)).digest, "Mine", 20)
    older = again.model_copy(update={"artefacts": tuple(each for each in again.artefacts if each.name != "suite.json")})
    assert run_of(older, kept.__getitem__).evaluation.suites[0].limits == {}
