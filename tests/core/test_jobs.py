"""The job process is a real process, killed for real."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jingwei.core.errors import Unavailable
from jingwei.core.jobs import Jobs

WORKER = """
import asyncio, json, sys
from pathlib import Path

url, home = sys.argv[1], Path(sys.argv[2])
heard = (home / "heard").open("a")

def hear(event, given):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.gethostbyname"):
        where = given[1] if event == "socket.connect" else given[0]
        print(event, where, file=heard, flush=True)

sys.addaudithook(hear)
import socket
with socket.socket() as probe:
    probe.connect_ex(("127.0.0.1", 9))  # so that the test knows the ear works
from jingwei.core.errors import Unavailable
from jingwei.core.jobs import JobHandlers, JobWorker

def note(*words):
    with (home / "log").open("a") as file:
        file.write(json.dumps(words) + "\\n")

async def begin(run): note("begin", run)
async def plan(run):
    note("plan", run)
    if run == "run_away":
        raise Unavailable("core:store-busy", place="target")
    if run == "run_bug":
        raise ZeroDivisionError
    return [] if run == "run_empty" else list(range(10))
async def examine(run, units):
    note("examine", run, units)
    gate = home / "gate"
    while gate.exists() and units[0] >= 4:
        await asyncio.sleep(0.01)
    return [unit * unit for unit in units]
async def progress(run, done, total): note("progress", run, done, total)
async def conclude(run, units, results): note("conclude", run, units, results)
async def failed(run, error): note("failed", run, error.code, error.message.zh)

with JobWorker(url, handlers=JobHandlers(begin, plan, examine, progress, conclude, failed), batch=2):
    print("up", flush=True)
    sys.stdin.read()
"""


class Worker:
    def __init__(self, url: str, home: Path) -> None:
        self.url, self.home = url, home
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, self.url, str(self.home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdout.readline() == b"up\n"

    def kill(self) -> None:
        self.process.kill()
        self._reap()

    def stop(self) -> None:
        if self.process:
            self.process.stdin.close()
            self._reap()

    def _reap(self) -> None:
        self.process.wait(timeout=20)
        self.process.stdout.close()
        if not self.process.stdin.closed:
            self.process.stdin.close()
        self.process = None

    def log(self, word: str, run: str) -> list:
        path = self.home / "log"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [line[2:] for line in lines if line[:2] == [word, run]]

    def until(self, claim) -> None:
        deadline = time.monotonic() + 30
        while not claim():
            assert time.monotonic() < deadline, (self.home / "log").read_text()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, home):
    if request.param == "sqlite":
        yield f"sqlite:///{home / 'jobs.db'}"
        return
    server = request.getfixturevalue("postgres")
    name = server.create()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def jobs(url):
    jobs = Jobs(url)
    yield jobs
    jobs.close()


@pytest.fixture
def worker(url, home):
    worker = Worker(url, home)
    yield worker
    worker.stop()


@pytest.mark.slow
def test_a_job_survives_the_kill_of_its_worker_and_goes_on(worker, jobs, home):
    (home / "gate").touch()  # the third batch waits
    worker.start()
    jobs.enqueue("run_1")
    jobs.enqueue("run_1")
    worker.until(lambda: [[4, 5]] in worker.log("examine", "run_1"))
    assert jobs.state("run_1") == "running"
    worker.kill()
    (home / "gate").unlink()
    worker.start()
    worker.until(lambda: jobs.state("run_1") == "finished")
    batches = [units for (units,) in worker.log("examine", "run_1")]
    assert batches == [[0, 1], [2, 3], [4, 5], [4, 5], [6, 7], [8, 9]]  # only the interrupted one ran twice
    assert len(worker.log("begin", "run_1")) == len(worker.log("plan", "run_1")) == 1
    assert worker.log("conclude", "run_1") == [[list(range(10)), [n * n for n in range(10)]]]
    assert worker.log("progress", "run_1")[-1] == [10, 10]


@pytest.mark.slow
def test_a_cancelled_job_stops_before_its_next_step(worker, jobs, home):
    (home / "gate").touch()
    worker.start()
    jobs.enqueue("run_1")
    worker.until(lambda: [[4, 5]] in worker.log("examine", "run_1"))
    jobs.cancel("run_1")
    assert jobs.state("run_1") == "cancelled"
    (home / "gate").unlink()
    jobs.enqueue("run_2")
    worker.until(lambda: jobs.state("run_2") == "finished")
    assert [units for (units,) in worker.log("examine", "run_1")] == [[0, 1], [2, 3], [4, 5]]
    assert worker.log("conclude", "run_1") == []
    assert jobs.state("run_1") == "cancelled"


@pytest.mark.slow
def test_a_job_whose_target_went_away_says_so_in_both_languages(worker, jobs):
    worker.start()
    for run in ("run_away", "run_bug", "run_empty"):
        jobs.enqueue(run)
        worker.until(lambda run=run: jobs.state(run) == "finished")
    code, zh = worker.log("failed", "run_away")[0]
    assert code == "core:store-busy"
    assert "target" in zh
    assert worker.log("failed", "run_bug")[0][0] == "core:job-crashed"
    assert worker.log("conclude", "run_away") == worker.log("conclude", "run_bug") == []
    assert worker.log("conclude", "run_empty") == [[[], []]]
    assert jobs.state("run_never") is None


@pytest.mark.slow
def test_the_job_process_calls_nobody(worker, jobs, home):
    worker.start()
    jobs.enqueue("run_1")
    worker.until(lambda: jobs.state("run_1") == "finished")
    worker.stop()
    heard = (home / "heard").read_text().splitlines()  # PostgreSQL's driver speaks a unix socket, below this ear
    assert heard == ["socket.connect ('127.0.0.1', 9)"]


def test_without_a_job_process_nothing_is_queued_and_that_is_said(home):
    jobs = Jobs(f"sqlite:///{home / 'jobs.db'}")
    with pytest.raises(Unavailable) as caught:
        jobs.enqueue("run_1")
    assert caught.value.code == "core:job-worker-absent"
    jobs.close()
