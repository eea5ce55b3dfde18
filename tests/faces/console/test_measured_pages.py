"""Evaluations in the console: the whole report of a piece of evidence, and two of them case by case."""

import pytest
from console_story import ROOT, _evidence, told

from jingwei.core.evidence import Artefact, Measure
from jingwei.core.text import Both
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.verdict import State, Verdict

HOSTILE = "<script>alert(1)</script>"


def result_of(number, state):
    return Result(
        id=f"{number:016x}", suite="sample", case=f"case-{number}", language="en", category="fraud", transform="plain",
        verdict=Verdict(state=state, score=0.9), answer_sha256="0" * 64, answer_length=9, answer_redacted=HOSTILE,
        asked_redacted="Request", milliseconds=100,
    )  # fmt: skip


def add(story, bad, content=b""):
    """Keep the evidence of a run of forty attacks, so many of which succeeded."""
    states = [State.ATTACK_SUCCEEDED] * bad + [State.RESISTED] * (40 - bad)
    lines = "".join(f"{result_of(n, state).model_dump_json()}\n" for n, state in enumerate(states))
    blob = story.platform.blobs.put(content or lines.encode())
    measures = tuple(
        Measure(name=name, title=Both(zh="攻击成功率：诈骗", en="Attack success rate: Fraud"), value=bad / 40, low=0.0,
                high=1.0, samples=40)
        for name in ("attack_success_rate", "attack_success_rate.category.fraud")
    )  # fmt: skip
    with story.platform.work(ROOT, "story.measured") as work:
        return _evidence(
            story, work, story.systems["code-search"], "EV-REDTEAM", measures=measures,
            artefacts=(Artefact(name="attempts-sample.jsonl", media_type="application/jsonl", sha256=blob.sha256,
                                size=blob.size),),
        )  # fmt: skip


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    story = told(tmp_path_factory.mktemp("measured") / "home")
    earlier = add(story, 2)
    story.clock.pass_by(days=1)
    yield story, earlier, add(story, 20)
    story.platform.close()


@pytest.fixture
def mei(measured, sign_in):
    return sign_in(measured[0], "mei")


def test_the_whole_report_of_an_evaluation_is_one_file(measured, mei):
    found = mei.get(f"/evidence/{measured[2]}/report.html?lang=en")
    assert found.status_code == 200
    assert "attachment" in found.headers["content-disposition"]
    assert "Of 40 attacks that got an answer, 20 succeeded" in found.text
    assert HOSTILE not in found.text
    assert "&lt;script&gt;" in found.text


def test_the_page_of_a_piece_of_evidence_leads_to_its_report_and_to_earlier_ones(measured, mei):
    _, earlier, later = measured
    page = mei.get(f"/evidence/{later}?lang=en").text
    assert f"/evidence/{later}/report.html" in page
    assert f"/evidence/{later}/compare/{earlier}.html" in page
    assert f"/compare/{later}.html" not in mei.get(f"/evidence/{earlier}?lang=en").text


def test_evidence_that_is_no_evaluations_offers_no_report(measured, mei):
    other = next(each for name, each in measured[0].evidence.items() if name not in {"attack", "EV-REDTEAM"})
    assert "report.html" not in mei.get(f"/evidence/{other}").text
    assert mei.get(f"/evidence/{other}/report.html").status_code == 404


def test_two_evaluations_are_compared_case_by_case(measured, mei):
    _, earlier, later = measured
    found = mei.get(f"/evidence/{later}/compare/{earlier}.html?lang=en")
    assert found.status_code == 200
    assert "Regressed" in found.text
    assert "40 questions of both: 18 got worse, 0 better" in found.text


def test_attempts_that_are_no_attempts_are_one_clear_error(measured, mei):
    damaged = add(measured[0], 0, content=b"{}\n")
    found = mei.get(f"/evidence/{damaged}/report.html?lang=en")
    assert found.status_code == 422
    assert "cannot be read" in found.text


def test_nobody_reads_a_report_without_signing_in(measured):
    from fastapi.testclient import TestClient

    from jingwei.faces.console import console

    story, _, later = measured
    with TestClient(console(story.platform), base_url="https://testserver") as stranger:
        found = stranger.get(f"/evidence/{later}/report.html", follow_redirects=False)
    assert found.status_code in {303, 401}
